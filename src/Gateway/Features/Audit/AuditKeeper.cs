using Gateway.Hosting;
using Gateway.Reconcile;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Audit;

/// <summary>
/// Keeps the audit within its bound: the oldest entries go first. Failed sign-ins, which anybody can make, get a tenth of the room at most, so
/// that a flood of them pushes nothing else out.
/// </summary>
internal sealed partial class AuditKeeper(WriteGate gate, GatewayOptions options, TimeProvider time, ILogger<AuditKeeper> logger) : BackgroundService
{
    private const int ShareOfFailedSignIns = 10;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await gate.NoteAsync(async db =>
                {
                    await db.Audit.Where(e => e.Action == AuditActions.SignInFailed).OrderByDescending(e => e.Id).Skip(options.AuditEntries / ShareOfFailedSignIns).ExecuteDeleteAsync(stoppingToken);
                    await db.Audit.OrderByDescending(e => e.Id).Skip(options.AuditEntries).ExecuteDeleteAsync(stoppingToken);
                }, stoppingToken);
            }
            catch (Exception e) when (e is DbUpdateException or SqliteException)
            {
                LogNotPruned(e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(EventId = 1803, Level = LogLevel.Warning, Message = "Old audit entries could not be deleted, and it is tried again in some minutes: {Reason}")]
    private partial void LogNotPruned(string reason);
}

/// <summary>Actions that more than one place names.</summary>
internal static class AuditActions
{
    public const string SignIn = "sign-in";
    public const string SignInFailed = "sign-in.failed";
    public const string SignOut = "sign-out";

    /// <summary>Somebody who is signed in could not show, for a change of their account, that it is them.</summary>
    public const string NotConfirmed = "user.not-confirmed";
}
