using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Events;

/// <summary>Something that happened, as whoever noticed it tells it.</summary>
/// <param name="Kind">See <see cref="EventKinds"/>.</param>
/// <param name="Severity">See <see cref="EventSeverities"/>.</param>
/// <param name="Text">One sentence.</param>
internal sealed record GatewayEvent(string Kind, string Severity, string Text)
{
    /// <summary>The tunnel's name; null = it is of none.</summary>
    public string? Tunnel { get; init; }

    /// <summary>The peer; null = it is of none.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>What to do about it.</summary>
    public string? Remedy { get; init; }

    /// <summary>The same as changes and commands.</summary>
    public IReadOnlyList<Remedy> Remedies { get; init; } = [];

    /// <summary>What shows it: names and values. Never a secret.</summary>
    public IReadOnlyDictionary<string, string>? Evidence { get; init; }
}

/// <summary>
/// What happened, kept in the database and told to those who watch. Whoever notices something calls <see cref="Raise"/>, which never waits; the newest
/// 20,000 are kept.
/// </summary>
internal sealed partial class EventLog(
    WriteGate gate, IDbContextFactory<GatewayDbContext> contexts, TimeProvider time, ILogger<EventLog> logger, IHostApplicationLifetime lifetime) : BackgroundService
{
    public const int MaxKept = 20_000;

    private const int MaxWaiting = 4096, MaxWatcherWaiting = 1000, MaxPast = 1000, DefaultPast = 100;

    /// <summary>Events in this time after one are written together with the next.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);

    private readonly Channel<EventEntry> _raised = Channel.CreateBounded<EventEntry>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly Lock _gate = new();
    private readonly List<Watcher> _watchers = [];

    /// <summary>Puts an event on record. Any thread; never waits.</summary>
    public void Raise(GatewayEvent happened) => _raised.Writer.TryWrite(new EventEntry
    {
        At = time.GetUtcNow().UtcTicks,
        Kind = happened.Kind,
        Severity = happened.Severity,
        Tunnel = happened.Tunnel,
        PeerId = happened.PeerId,
        Peer = happened.Peer,
        Text = happened.Text,
        Remedy = happened.Remedy,
        Remedies = happened.Remedies.Count > 0 ? JsonSerializer.Serialize(happened.Remedies) : null,
        Evidence = happened.Evidence is { Count: > 0 } evidence ? JsonSerializer.Serialize(evidence) : null,
    });

    /// <summary>Watches: the first update brings past events.</summary>
    public Outcome<IAsyncEnumerable<EventsUpdate>> Watch(EventsQuery query, CancellationToken cancellationToken)
    {
        if (!EventFields.Language.Parse(query.Filter).Succeeded(out var test, out var failure)) return failure;
        if (query.Past is < 0 or > MaxPast) return Failure.Of(FailureKind.Malformed, "past", $"{query.Past} is out of range.", $"It is 0 to {MaxPast}; left out, {DefaultPast}.");
        return Outcome.Of(WatchAsync(test, query.Past ?? DefaultPast, cancellationToken));
    }

    /// <summary>One page, newest first.</summary>
    public async Task<Outcome<Page<EventRow>>> ListAsync(string? filter, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        var errors = new List<FieldError>();
        if (!EventFields.Language.Parse(filter).Succeeded(out var test, out var failure)) errors.AddRange(failure.Errors);
        if (!Cursors.Read(limit, cursor).Succeeded(out var page, out failure)) errors.AddRange(failure.Errors);
        if (errors.Count > 0) return Failure.Of(FailureKind.Malformed, errors);
        var before = long.MaxValue;
        if (page!.After is { } after && !long.TryParse(after, System.Globalization.CultureInfo.InvariantCulture, out before))
            return Failure.Of(FailureKind.Malformed, "cursor", "It is not one that this list gave.", "Send nextCursor of the page before.");
        var rows = await ReadAsync(test!, before, page.Limit + 1, cancellationToken);
        return Cursors.ToPage(rows, page.Limit, row => row, row => row.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        long next;
        await using (var db = await contexts.CreateDbContextAsync(stoppingToken)) next = (await db.Events.MaxAsync(e => (long?)e.Id, stoppingToken) ?? 0) + 1;
        try
        {
            while (await _raised.Reader.WaitToReadAsync(stoppingToken))
            {
                next = await TakeAsync(next);
                await Task.Delay(Gathering, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was raised while the host stopped is still written.
            await TakeAsync(next);
        }
    }

    private async Task<long> TakeAsync(long next)
    {
        var entries = new List<EventEntry>();
        while (_raised.Reader.TryRead(out var entry))
        {
            entry.Id = next++;
            entries.Add(entry);
        }

        if (entries.Count == 0) return next;
        try
        {
            await gate.NoteAsync(async db =>
            {
                db.Events.AddRange(entries);
                var oldest = next - MaxKept;
                await db.Events.Where(e => e.Id < oldest).ExecuteDeleteAsync();
            }, CancellationToken.None);
        }
        catch (Exception exception) when (exception is DbUpdateException or DbException)
        {
            // Who watches sees them all the same.
            LogNotStored(entries.Count, exception.Message);
        }

        Publish([.. entries.Select(Show)]);
        return next;
    }

    private void Publish(EventRow[] rows)
    {
        lock (_gate)
        {
            foreach (var watcher in _watchers)
            {
                foreach (var row in rows) watcher.Add(row);
            }
        }
    }

    private async IAsyncEnumerable<EventsUpdate> WatchAsync(Func<EventRow, bool> test, int past, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        var watcher = new Watcher();
        lock (_gate) _watchers.Add(watcher);
        try
        {
            var rows = await ReadAsync(test, long.MaxValue, past, ends.Token);
            rows.Reverse();
            yield return new EventsUpdate { Events = rows, Skipped = 0 };
            // What was published while the past was read is in both.
            var last = rows.Count > 0 ? rows[^1].Id : 0;
            while (await watcher.WaitAsync(ends.Token))
            {
                var (news, skipped) = watcher.Take(row => row.Id > last && test(row));
                if (news.Count > 0 || skipped > 0) yield return new EventsUpdate { Events = news, Skipped = skipped };
                await Task.Delay(Gathering, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            lock (_gate) _watchers.Remove(watcher);
        }
    }

    /// <summary>The newest that pass, newest first.</summary>
    private async Task<List<EventRow>> ReadAsync(Func<EventRow, bool> test, long before, int count, CancellationToken cancellationToken)
    {
        var rows = new List<EventRow>();
        if (count == 0) return rows;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await foreach (var entry in db.Events.AsNoTracking().Where(e => e.Id < before).OrderByDescending(e => e.Id).AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            var row = Show(entry);
            if (test(row)) rows.Add(row);
            if (rows.Count == count) break;
        }

        return rows;
    }

    private static EventRow Show(EventEntry entry) => new()
    {
        Id = entry.Id,
        At = new DateTimeOffset(entry.At, TimeSpan.Zero),
        Kind = entry.Kind,
        Severity = entry.Severity,
        Tunnel = entry.Tunnel,
        PeerId = entry.PeerId,
        Peer = entry.Peer,
        Text = entry.Text,
        Remedy = entry.Remedy,
        Remedies = entry.Remedies is null ? [] : JsonSerializer.Deserialize<IReadOnlyList<Remedy>>(entry.Remedies)!,
        Evidence = entry.Evidence is null ? new Dictionary<string, string>() : JsonSerializer.Deserialize<Dictionary<string, string>>(entry.Evidence)!,
    };

    [LoggerMessage(EventId = 1311, Level = LogLevel.Warning, Message = "{Count} events could not be stored: {Cause}")]
    private partial void LogNotStored(int count, string cause);

    /// <summary>What waits for one watcher: bounded, the oldest go and are counted.</summary>
    private sealed class Watcher
    {
        private readonly Channel<EventRow> _rows;
        private long _skipped;

        public Watcher() => _rows = Channel.CreateBounded<EventRow>(
            new BoundedChannelOptions(MaxWatcherWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ => Interlocked.Increment(ref _skipped));

        public void Add(EventRow row) => _rows.Writer.TryWrite(row);

        /// <summary>False when the watcher has left.</summary>
        public async Task<bool> WaitAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await _rows.Reader.WaitToReadAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        public (List<EventRow> Rows, long Skipped) Take(Func<EventRow, bool> test)
        {
            var rows = new List<EventRow>();
            while (_rows.Reader.TryRead(out var row))
            {
                if (test(row)) rows.Add(row);
            }

            return (rows, Interlocked.Exchange(ref _skipped, 0));
        }
    }
}
