using System.Data.Common;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Gateway.Features.History;

/// <summary>
/// Writes what passed, once a minute and as the host stops: one transaction for all tunnels and peers, nothing for those that were quiet. Each
/// figure is added to its minute, hour and day at once, so that every resolution is up to date and a crash loses a minute.
/// </summary>
internal sealed partial class HistoryWriter(WriteGate gate, DataPlane dataPlane, TimeProvider time, ILogger<HistoryWriter> logger) : BackgroundService
{
    private readonly Dictionary<Guid, Totals> _last = [];
    private readonly Dictionary<Guid, int> _subjects = [];
    private long _tidiedDay = -1;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var now = time.GetUtcNow();
            var minute = HistoryLevel.Minute.PeriodOf(now);
            await Task.Delay(HistoryLevel.Minute.StartOf(minute + 1) - now, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await WriteAsync(HistoryLevel.Minute.StartOf(minute), Read());
        }
    }

    /// <summary>What passed since the last reading, of all tunnels and peers that were not quiet.</summary>
    internal IReadOnlyList<(Guid Key, Totals Since)> Read()
    {
        var since = new List<(Guid, Totals)>();
        foreach (var tunnel in dataPlane.GetTunnels())
        {
            var sum = default(Totals);
            foreach (var peer in dataPlane.GetPeers(tunnel.Id))
            {
                var passed = Take(peer.Id, new Totals(peer.ReceivedBytes, peer.SentBytes, peer.ReceivedPackets, peer.SentPackets, peer.Drops.Sum()));
                if (passed == default) continue;
                since.Add((peer.Id, passed));
                sum = sum.Plus(passed);
            }

            // The tunnel also dropped what was nobody's.
            var drops = Take(tunnel.Id, new Totals(0, 0, 0, 0, tunnel.Drops.Sum())).Drops;
            if (sum != default || drops > 0) since.Add((tunnel.Id, sum with { Drops = drops }));
        }

        return since;
    }

    /// <summary>Adds figures to the minute, hour and day that hold a time.</summary>
    internal async Task WriteAsync(DateTimeOffset at, IReadOnlyList<(Guid Key, Totals Since)> passed)
    {
        try
        {
            await gate.NoteAsync(async db =>
            {
                await NameAsync(db, passed);
                await AddAsync(db, at, passed);
                await TidyAsync(db, at);
            }, CancellationToken.None);
        }
        catch (Exception exception) when (exception is DbUpdateException or DbException)
        {
            // The numbers of new subjects went with the transaction.
            _subjects.Clear();
            LogNotStored(exception.Message);
        }
    }

    private Totals Take(Guid key, Totals now)
    {
        var last = _last.GetValueOrDefault(key);
        _last[key] = now;
        return now.Minus(last);
    }

    private async Task NameAsync(GatewayDbContext db, IReadOnlyList<(Guid Key, Totals Since)> passed)
    {
        if (_subjects.Count == 0)
        {
            foreach (var subject in await db.HistorySubjects.AsNoTracking().ToListAsync()) _subjects[subject.Key] = subject.Id;
        }

        var added = passed.Where(one => !_subjects.ContainsKey(one.Key)).Select(one => new HistorySubject { Key = one.Key }).ToList();
        if (added.Count == 0) return;
        db.HistorySubjects.AddRange(added);
        await db.SaveChangesAsync();
        foreach (var subject in added.Where(subject => subject.Id <= HistoryLevel.MaxSubject)) _subjects[subject.Key] = subject.Id;
    }

    // Thousands of rows a minute: one prepared statement instead of as many tracked entities.
    private async Task AddAsync(GatewayDbContext db, DateTimeOffset at, IReadOnlyList<(Guid Key, Totals Since)> passed)
    {
        if (passed.Count == 0) return;
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.Transaction = db.Database.CurrentTransaction!.GetDbTransaction();
        command.CommandText = """
            INSERT INTO "Traffic" ("Id", "ReceivedBytes", "SentBytes", "ReceivedPackets", "SentPackets", "Drops") VALUES ($id, $a, $b, $c, $d, $e)
            ON CONFLICT ("Id") DO UPDATE SET "ReceivedBytes" = "ReceivedBytes" + $a, "SentBytes" = "SentBytes" + $b,
                "ReceivedPackets" = "ReceivedPackets" + $c, "SentPackets" = "SentPackets" + $d, "Drops" = "Drops" + $e
            """;
        var values = new DbParameter[6];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = command.CreateParameter();
            values[i].ParameterName = i == 0 ? "$id" : $"${(char)('a' + i - 1)}";
            command.Parameters.Add(values[i]);
        }

        // In the order of the table, so that each page is touched once.
        var ordered = passed.Where(one => _subjects.ContainsKey(one.Key)).Select(one => (Subject: _subjects[one.Key], one.Since)).OrderBy(one => one.Subject).ToList();
        foreach (var level in HistoryLevel.All)
        {
            var period = level.PeriodOf(at);
            foreach (var (subject, since) in ordered)
            {
                values[0].Value = level.RowOf(period, subject);
                (values[1].Value, values[2].Value) = (since.ReceivedBytes, since.SentBytes);
                (values[3].Value, values[4].Value, values[5].Value) = (since.ReceivedPackets, since.SentPackets, since.Drops);
                await command.ExecuteNonQueryAsync();
            }
        }
    }

    /// <summary>Lets go of what is older than it is kept, and, once a day, of the names of those that have left; their rows age out.</summary>
    private async Task TidyAsync(GatewayDbContext db, DateTimeOffset at)
    {
        foreach (var level in HistoryLevel.All)
        {
            var (first, oldest) = (level.RowOf(0, 0), level.RowOf(level.PeriodOf(at - level.Kept), 0));
            await db.Traffic.Where(row => row.Id >= first && row.Id < oldest).ExecuteDeleteAsync();
        }

        var day = HistoryLevel.Day.PeriodOf(at);
        if (day == _tidiedDay) return;
        if (_tidiedDay >= 0)
        {
            await db.HistorySubjects.Where(subject => !db.Peers.Any(peer => peer.Id == subject.Key) && !db.Tunnels.Any(tunnel => tunnel.Id == subject.Key)).ExecuteDeleteAsync();
            _subjects.Clear();
            _last.Keys.Except(dataPlane.GetTunnels().SelectMany(tunnel => dataPlane.GetPeers(tunnel.Id).Select(peer => peer.Id).Append(tunnel.Id))).ToList().ForEach(gone => _last.Remove(gone));
        }

        _tidiedDay = day;
    }

    [LoggerMessage(EventId = 1321, Level = LogLevel.Warning, Message = "A minute of history could not be stored: {Cause}")]
    private partial void LogNotStored(string cause);

    /// <summary>Figures of one subject.</summary>
    internal readonly record struct Totals(long ReceivedBytes, long SentBytes, long ReceivedPackets, long SentPackets, long Drops)
    {
        public Totals Plus(Totals other) => new(
            ReceivedBytes + other.ReceivedBytes, SentBytes + other.SentBytes, ReceivedPackets + other.ReceivedPackets, SentPackets + other.SentPackets, Drops + other.Drops);

        /// <summary>What was added since; a counter that went down has begun anew.</summary>
        public Totals Minus(Totals last) => new(
            Since(ReceivedBytes, last.ReceivedBytes), Since(SentBytes, last.SentBytes), Since(ReceivedPackets, last.ReceivedPackets), Since(SentPackets, last.SentPackets), Since(Drops, last.Drops));

        private static long Since(long now, long then) => now >= then ? now - then : now;
    }
}
