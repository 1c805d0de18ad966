using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Engine.Drops;
using Gateway.Features.Packets.Reading;
using Gateway.Live;
using Gateway.Live.Filters;
using Gateway.Web;

namespace Gateway.Features.Drops;

/// <summary>The live drop ledger: one look at the engine's ledgers for all who watch.</summary>
internal sealed class DropWatch
{
    private readonly DataPlane _dataPlane;
    private readonly TimeProvider _time;
    private readonly Sampler<DropSample> _sampler;
    private readonly LiveNames _names;
    private readonly Dictionary<DropKey, LiveDrop> _drops = [];
    private long _look;

    public DropWatch(DataPlane dataPlane, TimeProvider time, ILogger<DropWatch> logger, IHostApplicationLifetime lifetime)
    {
        _dataPlane = dataPlane;
        _time = time;
        _names = new LiveNames(dataPlane, time);
        _sampler = new Sampler<DropSample>("drops", _ => ValueTask.FromResult(Look()), Sampler<DropSample>.ShortestPeriod, time, logger, lifetime.ApplicationStopping);
    }

    /// <summary>Watches the first lines of a query.</summary>
    public Outcome<IAsyncEnumerable<DropsUpdate>> Watch(DropsQuery query, CancellationToken cancellationToken) =>
        Read(query).Succeeded(out var rows, out var failure) ? Outcome.Of(WatchAsync(query, rows, cancellationToken)) : failure;

    /// <summary>One page of the lines there are now.</summary>
    public async Task<Outcome<Page<DropRow>>> ListAsync(DropsQuery query, string? cursor, CancellationToken cancellationToken)
    {
        if (!Read(query with { Limit = query.Limit ?? Cursors.DefaultLimit }).Succeeded(out var rows, out var failure)) return failure;
        await foreach (var (sample, _) in _sampler.WatchAsync(cancellationToken)) return rows.Page(sample.Drops, cursor);
        return new Page<DropRow>([], null);
    }

    private static Outcome<RowQuery<DropAt, DropRow>> Read(DropsQuery query) =>
        RowQuery<DropAt, DropRow>.Read(DropFields.Language, DropFields.Order, DropSort.All, "-last", at => at.Row, row => row.Id, query.Filter, query.Sort, query.Limit);

    private async IAsyncEnumerable<DropsUpdate> WatchAsync(DropsQuery query, RowQuery<DropAt, DropRow> rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (sample, skipped) in _sampler.WatchAsync(cancellationToken))
        {
            var update = sample.View(query, rows);
            yield return skipped == 0 ? update : update with { Skipped = skipped };
        }
    }

    private DropSample Look()
    {
        _names.Begin();
        var nowTicks = _dataPlane.NowTicks;
        var now = _time.GetUtcNow();
        _look++;
        var seen = new List<DropAt>(_drops.Count);
        var evicted = 0L;
        foreach (var tunnel in _dataPlane.GetTunnels())
        {
            var ledger = _dataPlane.GetDrops(tunnel.Id);
            evicted += ledger.Evictions;
            foreach (var record in ledger.Drops)
            {
                var key = new DropKey(tunnel.Id, record.PeerIndex, record.Reason, record.Way, record.Destination?.ToString(), record.FirstSeen);
                if (!_drops.TryGetValue(key, out var drop)) _drops.Add(key, drop = new LiveDrop(key, tunnel.Name, _names.Peer(tunnel.Id, record.PeerIndex), record.Destination));
                seen.Add(drop.See(record, _dataPlane, now, nowTicks, _look));
            }
        }

        if (_drops.Count > seen.Count)
        {
            foreach (var (key, drop) in _drops)
            {
                if (drop.Look != _look) _drops.Remove(key);
            }
        }

        return new DropSample(now, evicted, seen);
    }

    private sealed record DropKey(Guid Tunnel, int Peer, DropReason Reason, DropWay Way, string? Destination, long FirstSeen);

    /// <summary>One line of the ledger over the looks that are taken at it.</summary>
    private sealed class LiveDrop(DropKey key, string tunnel, PeerName? peer, System.Net.IPNetwork? destination)
    {
        private readonly FilterNetwork? _destination = destination is { } network ? FilterNetwork.Of(network) : null;
        private readonly string _id = ((uint)HashCode.Combine(key.Tunnel, key.Peer, key.Reason, key.Way, key.Destination, key.FirstSeen)).ToString("x8", CultureInfo.InvariantCulture)
            + key.FirstSeen.ToString("x", CultureInfo.InvariantCulture);

        private RateMeter _rate;
        private DropAt _at;

        public long Look { get; private set; }

        public DropAt See(DropRecord record, DataPlane dataPlane, DateTimeOffset now, long nowTicks, long look)
        {
            Look = look;
            var rate = _rate.Read(record.Packets, nowTicks);
            if (_at.Row is { } row && row.Packets == record.Packets && row.Rate == rate) return _at = _at with { Now = now };
            var sample = record.Sample.ToArray();
            var facts = PacketFacts.Read(sample, record.IsEthernet);
            return _at = new DropAt(
                new DropRow
                {
                    Id = _id,
                    Tunnel = tunnel,
                    PeerId = peer?.Id,
                    Peer = peer?.Name,
                    Destination = key.Destination,
                    Reason = DropReasons.Describe(record.Reason),
                    Way = record.Way switch { DropWay.Out => "out", DropWay.In => "in", _ => "handshake" },
                    Packets = record.Packets,
                    Rate = rate,
                    FirstSeen = dataPlane.ToUtc(record.FirstSeen),
                    LastSeen = dataPlane.ToUtc(record.LastSeen),
                    Sample = sample.Length == 0 ? null : new PacketSample(PacketSummary.Of(sample, record.IsEthernet), sample, record.SampleOriginalBytes),
                },
                _destination, facts.Source, facts.Protocol, facts.SourcePort, facts.DestinationPort, now);
        }
    }

    /// <summary>All lines of one look. Watchers with the same query share the same view.</summary>
    private sealed class DropSample(DateTimeOffset at, long evicted, IReadOnlyList<DropAt> drops)
    {
        private readonly ConcurrentDictionary<DropsQuery, Lazy<DropsUpdate>> _views = new();

        public IReadOnlyList<DropAt> Drops => drops;

        public DropsUpdate View(DropsQuery query, RowQuery<DropAt, DropRow> rows) => _views.GetOrAdd(query, _ => new Lazy<DropsUpdate>(() =>
        {
            var (first, matching) = rows.First(drops);
            return new DropsUpdate { At = at, Drops = first, Matching = matching, Total = drops.Count, Evicted = evicted };
        })).Value;
    }
}
