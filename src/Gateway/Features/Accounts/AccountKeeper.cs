using Gateway.Reconcile;
using Gateway.Security;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts;

/// <summary>
/// Takes out of the database, once an hour, what time has made worthless: sessions that are over, hashes of links that are dead. Keys of data
/// protection stay for good, expired ones too: what is encrypted at rest is read with the key that it was written with.
/// </summary>
internal sealed partial class AccountKeeper(WriteGate gate, TimeProvider time, ILogger<AccountKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            var now = time.GetUtcNow();
            var (usedSince, madeSince, ticks) = (Credentials.SessionsUsedSince(now), Credentials.SessionsMadeSince(now), now.UtcTicks);
            try
            {
                await gate.NoteAsync(async db =>
                {
                    await db.Sessions.Where(s => s.CreatedAt <= madeSince || s.LastUsedAt <= usedSince).ExecuteDeleteAsync(stoppingToken);
                    await db.ConfigLinks.Where(l => l.ExpiresAt <= ticks).ExecuteDeleteAsync(stoppingToken);
                    await db.Users.Where(u => u.InvitationExpiresAt <= ticks)
                        .ExecuteUpdateAsync(set => set.SetProperty(u => u.InvitationHash, (byte[]?)null).SetProperty(u => u.InvitationExpiresAt, (long?)null), stoppingToken);
                }, stoppingToken);
            }
            catch (Exception e) when (e is DbUpdateException or SqliteException)
            {
                LogNotTidied(e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(EventId = 1810, Level = LogLevel.Warning, Message = "Sessions and links that are over could not be deleted, and it is tried again in an hour: {Reason}")]
    private partial void LogNotTidied(string reason);
}
