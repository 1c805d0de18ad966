using System.Collections.Concurrent;
using System.Net;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Security;

/// <summary>When and from where tokens and sessions were last used. Kept in memory and written once a minute, all in one transaction.</summary>
internal sealed partial class LastUses(WriteGate gate, TimeProvider time, ILogger<LastUses> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<Guid, Use> _uses = new();

    public enum Kind
    {
        Token,
        Session,
    }

    /// <summary>One use.</summary>
    public sealed record Use(Kind Kind, DateTimeOffset At, IPAddress? From);

    public void Note(Guid id, Kind kind, IPAddress? from) => _uses[id] = new Use(kind, time.GetUtcNow(), from);

    /// <summary>The last use, where the database may not know it yet; else null.</summary>
    public Use? LastOf(Guid id) => _uses.GetValueOrDefault(id);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await WriteAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }

        await WriteAsync(CancellationToken.None);
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var taken = _uses.ToArray();
        if (taken.Length == 0) return;
        try
        {
            await gate.NoteAsync(async db =>
            {
                foreach (var (id, (kind, at, from)) in taken)
                {
                    var (ticks, address) = (at.UtcTicks, from?.ToString());
                    if (kind == Kind.Token)
                        await db.ApiTokens.Where(t => t.Id == id).ExecuteUpdateAsync(set => set.SetProperty(t => t.LastUsedAt, ticks).SetProperty(t => t.LastUsedFrom, address), cancellationToken);
                    else
                        await db.Sessions.Where(s => s.Id == id).ExecuteUpdateAsync(set => set.SetProperty(s => s.LastUsedAt, ticks).SetProperty(s => s.LastUsedFrom, address), cancellationToken);
                }
            }, cancellationToken);
            foreach (var use in taken) _uses.TryRemove(use);
        }
        catch (Exception e) when (e is DbUpdateException or Microsoft.Data.Sqlite.SqliteException)
        {
            LogNotWritten(e.Message);
        }
    }

    [LoggerMessage(EventId = 1802, Level = LogLevel.Warning, Message = "When tokens and sessions were last used could not be written, and is tried again in a minute: {Reason}")]
    private partial void LogNotWritten(string reason);
}
