using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Gateway.Engine;

namespace Gateway.Features.Metrics;

/// <summary>
/// The engine's counters as instruments. They are looked at when somebody collects, all in one look, and cost the data plane nothing: it counts anyway.
/// </summary>
internal sealed class TrafficMetrics : IDisposable
{
    public const string MeterName = "Gateway";
    public const string PeerDrops = "gateway.peer.drops";

    /// <summary>The peer that stands for all those without series of their own.</summary>
    public const string OtherPeers = "other";

    // The instruments of one collection are asked one after the other, within this.
    private static readonly TimeSpan LookLifetime = TimeSpan.FromMilliseconds(500);

    private readonly DataPlane _dataPlane;
    private readonly TimeProvider _time;
    private readonly int _peerLimit;
    private readonly Meter _meter;
    private readonly Lock _gate = new();
    private IReadOnlyList<Seen>? _latest;
    private long _lookedAt;

    public TrafficMetrics(DataPlane dataPlane, MetricsOptions options, TimeProvider time, IMeterFactory meters)
    {
        (_dataPlane, _time, _peerLimit) = (dataPlane, time, options.PeerLimit);
        _meter = meters.Create(MeterName);
        _meter.CreateObservableGauge("gateway.tunnel.up", () => Tunnels(t => t.Status.State == TunnelState.Up ? 1 : 0), null, "1 while the tunnel's device and socket are open.");
        _meter.CreateObservableCounter("gateway.tunnel.io", () => Tunnels(t => t.Status.ReceivedBytes, t => t.Status.SentBytes), "By", "UDP payload, keepalives and handshakes included.");
        _meter.CreateObservableCounter("gateway.tunnel.packets", () => Tunnels(t => t.Peers.Sum(p => p.ReceivedPackets), t => t.Peers.Sum(p => p.SentPackets)), "{packet}", "Inner packets passed on.");
        _meter.CreateObservableCounter("gateway.tunnel.drops", () => Look().SelectMany(t => Drops(t.Status.Drops, [Tag("tunnel", t.Status.Name)])), "{packet}", "Packets not passed on, by reason.");
        _meter.CreateObservableGauge("gateway.tunnel.peers", PeersByState, "{peer}", "Peers by what they did in the last 180 s.");
        _meter.CreateObservableCounter("gateway.tunnel.flow.evictions", () => Tunnels(t => t.FlowEvictions), "{flow}", "Flows that had to leave the table for new ones.");
        _meter.CreateObservableCounter("gateway.peer.io", () => Peers(p => p.ReceivedBytes, p => p.SentBytes), "By", "UDP payload, keepalives and handshakes included.");
        _meter.CreateObservableCounter("gateway.peer.packets", () => Peers(p => p.ReceivedPackets, p => p.SentPackets), "{packet}", "Inner packets passed on.");
        _meter.CreateObservableCounter(PeerDrops, () => NamedPeers().SelectMany(p => Drops(p.Status.Drops, p.Tags)), "{packet}", "Packets not passed on, by reason.");
        _meter.CreateObservableGauge("gateway.peer.last_handshake", LastHandshakes, "s", "When the last session was made, Unix time.");
    }

    public void Dispose() => _meter.Dispose();

    private IReadOnlyList<Seen> Look()
    {
        lock (_gate)
        {
            if (_latest is { } latest && _time.GetElapsedTime(_lookedAt) < LookLifetime) return latest;
            _lookedAt = _time.GetTimestamp();
            // Version 7 ids sort by age.
            return _latest = [.. _dataPlane.GetTunnels().Select(t => new Seen(t, [.. _dataPlane.GetPeers(t.Id).OrderBy(p => p.Id)], _dataPlane.GetFlowEvictions(t.Id)))];
        }
    }

    private IEnumerable<Measurement<long>> Tunnels(Func<Seen, long> value) => Look().Select(t => new Measurement<long>(value(t), Tag("tunnel", t.Status.Name)));

    private IEnumerable<Measurement<long>> Tunnels(Func<Seen, long> received, Func<Seen, long> sent) =>
        Look().SelectMany(t => BothWays([Tag("tunnel", t.Status.Name)], received(t), sent(t)));

    private IEnumerable<Measurement<long>> PeersByState()
    {
        var now = _time.GetUtcNow();
        foreach (var tunnel in Look())
        {
            foreach (var state in tunnel.Peers.GroupBy(p => LiveStatus.State(p, now))) yield return new(state.Count(), Tag("tunnel", tunnel.Status.Name), Tag("state", state.Key));
        }
    }

    private IEnumerable<Measurement<long>> Peers(Func<PeerStatus, long> received, Func<PeerStatus, long> sent) =>
        NamedPeers().SelectMany(p => BothWays(p.Tags, received(p.Status), sent(p.Status)));

    private IEnumerable<Measurement<long>> LastHandshakes() =>
        NamedPeers().Where(p => p.Status.LastHandshake is not null).Select(p => new Measurement<long>(p.Status.LastHandshake!.Value.ToUnixTimeSeconds(), p.Tags));

    // The first so many of all tunnels under their names, the rest of each tunnel as one.
    private IEnumerable<(PeerStatus Status, KeyValuePair<string, object?>[] Tags)> NamedPeers()
    {
        var look = Look();
        var named = look.SelectMany(t => t.Peers).OrderBy(p => p.Id).Take(_peerLimit).Select(p => p.Id).ToHashSet();
        foreach (var tunnel in look)
        {
            var name = Tag("tunnel", tunnel.Status.Name);
            foreach (var peer in tunnel.Peers.Where(p => named.Contains(p.Id))) yield return (peer, [name, Tag("peer", peer.Name)]);
            if (tunnel.Peers.Where(p => !named.Contains(p.Id)).Aggregate((PeerStatus?)null, Add) is { } rest) yield return (rest, [name, Tag("peer", OtherPeers)]);
        }
    }

    private static PeerStatus Add(PeerStatus? sum, PeerStatus peer) => sum is null ? peer with { LastHandshake = null } : sum with
    {
        ReceivedBytes = sum.ReceivedBytes + peer.ReceivedBytes,
        SentBytes = sum.SentBytes + peer.SentBytes,
        ReceivedPackets = sum.ReceivedPackets + peer.ReceivedPackets,
        SentPackets = sum.SentPackets + peer.SentPackets,
        Drops = [.. sum.Drops.Zip(peer.Drops, (a, b) => a + b)],
    };

    private static IEnumerable<Measurement<long>> BothWays(KeyValuePair<string, object?>[] tags, long received, long sent) =>
        [new(received, [.. tags, Tag("direction", "received")]), new(sent, [.. tags, Tag("direction", "sent")])];

    // What never happened has no series: sixteen reasons a peer would be many.
    private static IEnumerable<Measurement<long>> Drops(ImmutableArray<long> drops, KeyValuePair<string, object?>[] tags) =>
        drops.Select((count, reason) => (count, reason)).Where(d => d.count > 0).Select(d => new Measurement<long>(d.count, [.. tags, Tag("reason", DropReasons.Describe((DropReason)d.reason))]));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private sealed record Seen(TunnelStatus Status, ImmutableArray<PeerStatus> Peers, long FlowEvictions);
}
