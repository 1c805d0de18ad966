using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Live;
using Gateway.Web;

namespace Gateway.Features.Flows;

/// <summary>The live table of conversations: one look at the engine's flow tables for all who watch.</summary>
internal sealed class FlowWatch
{
    private readonly DataPlane _dataPlane;
    private readonly TimeProvider _time;
    private readonly Sampler<FlowSample> _sampler;
    private readonly LiveNames _names;
    private readonly Dictionary<LiveFlowKey, LiveFlow> _flows = [];
    private long _look;

    public FlowWatch(DataPlane dataPlane, TimeProvider time, ILogger<FlowWatch> logger, IHostApplicationLifetime lifetime)
    {
        _dataPlane = dataPlane;
        _time = time;
        _names = new LiveNames(dataPlane, time);
        _sampler = new Sampler<FlowSample>("flows", _ => ValueTask.FromResult(Look()), Sampler<FlowSample>.ShortestPeriod, time, logger, lifetime.ApplicationStopping);
    }

    /// <summary>Whether somebody watches.</summary>
    public bool IsAwake => _sampler.IsAwake;

    /// <summary>Watches the first rows of a query.</summary>
    public Outcome<IAsyncEnumerable<FlowsUpdate>> Watch(FlowsQuery query, CancellationToken cancellationToken) =>
        Read(query).Succeeded(out var rows, out var failure) ? Outcome.Of(WatchAsync(query, rows, cancellationToken)) : failure;

    /// <summary>One page of the flows there are now.</summary>
    public async Task<Outcome<Page<FlowRow>>> ListAsync(FlowsQuery query, string? cursor, CancellationToken cancellationToken)
    {
        if (!Read(query with { Limit = query.Limit ?? Cursors.DefaultLimit }).Succeeded(out var rows, out var failure)) return failure;
        FlowSample? sample = null;
        // Rates need a second look.
        await foreach (var (value, _) in _sampler.WatchAsync(cancellationToken))
        {
            var isSecond = sample is not null || value.Look > 1;
            sample = value;
            if (isSecond) break;
        }

        return sample is null ? new Page<FlowRow>([], null) : rows.Page(sample.Flows, cursor);
    }

    private static Outcome<RowQuery<FlowAt, FlowRow>> Read(FlowsQuery query) =>
        RowQuery<FlowAt, FlowRow>.Read(FlowFields.Language, FlowFields.Order, FlowSort.All, "-rate", at => at.Row, row => row.Id, query.Filter, query.Sort, query.Limit);

    private async IAsyncEnumerable<FlowsUpdate> WatchAsync(FlowsQuery query, RowQuery<FlowAt, FlowRow> rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (sample, skipped) in _sampler.WatchAsync(cancellationToken))
        {
            var update = sample.View(query, rows);
            yield return skipped == 0 ? update : update with { Skipped = skipped };
        }
    }

    private FlowSample Look()
    {
        _names.Begin();
        var nowTicks = _dataPlane.NowTicks;
        var now = _time.GetUtcNow();
        _look++;
        var seen = new List<FlowAt>(_flows.Count);
        foreach (var tunnel in _dataPlane.GetTunnels())
        {
            foreach (var record in _dataPlane.GetFlows(tunnel.Id))
            {
                var key = LiveFlowKey.Of(tunnel.Id, record);
                if (!_flows.TryGetValue(key, out var flow)) _flows.Add(key, flow = new LiveFlow(key, record, tunnel.Name, _names.Peer(tunnel.Id, record.PeerIndex)));
                flow.See(record, _dataPlane, nowTicks, _look);
                seen.Add(new FlowAt(flow, flow.Row, now));
            }
        }

        if (_flows.Count > seen.Count)
        {
            foreach (var (key, flow) in _flows)
            {
                if (flow.Look != _look) _flows.Remove(key);
            }
        }

        return new FlowSample(now, _look, seen);
    }

    /// <summary>All flows of one look. Watchers with the same query share the same view.</summary>
    private sealed class FlowSample(DateTimeOffset at, long look, IReadOnlyList<FlowAt> flows)
    {
        private readonly ConcurrentDictionary<FlowsQuery, Lazy<FlowsUpdate>> _views = new();

        public long Look => look;

        public IReadOnlyList<FlowAt> Flows => flows;

        public FlowsUpdate View(FlowsQuery query, RowQuery<FlowAt, FlowRow> rows) => _views.GetOrAdd(query, _ => new Lazy<FlowsUpdate>(() =>
        {
            var (first, matching) = rows.First(flows);
            return new FlowsUpdate { At = at, Flows = first, Matching = matching, Total = flows.Count };
        })).Value;
    }
}
