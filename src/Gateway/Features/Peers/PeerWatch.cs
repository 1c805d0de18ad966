using System.Runtime.CompilerServices;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Live;

namespace Gateway.Features.Peers;

/// <summary>The live table of peers: one look at the engine for all who watch.</summary>
internal sealed class PeerWatch
{
    private readonly DataPlane _dataPlane;
    private readonly TimeProvider _time;
    private readonly Sampler<PeersUpdate> _sampler;
    private readonly Dictionary<Guid, LivePeer> _peers = [];
    private long _look;

    public PeerWatch(DataPlane dataPlane, TimeProvider time, ILogger<PeerWatch> logger, IHostApplicationLifetime lifetime)
    {
        _dataPlane = dataPlane;
        _time = time;
        _sampler = new Sampler<PeersUpdate>("peers", _ => ValueTask.FromResult(Look()), Sampler<PeersUpdate>.ShortestPeriod, time, logger, lifetime.ApplicationStopping);
    }

    /// <summary>Whether somebody watches.</summary>
    public bool IsAwake => _sampler.IsAwake;

    /// <summary>Watches all peers. Each update has all of them; a row that did not change is the same object as before.</summary>
    public async IAsyncEnumerable<PeersUpdate> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (update, skipped) in _sampler.WatchAsync(cancellationToken)) yield return skipped == 0 ? update : update with { Skipped = skipped };
    }

    /// <summary>Watches what changes: the first update has all peers, the others those that are new, changed or gone. For watchers over a network.</summary>
    public async IAsyncEnumerable<PeersUpdate> WatchChangesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Dictionary<Guid, PeerRow>? known = null;
        await foreach (var update in WatchAsync(cancellationToken))
        {
            if (known is null)
            {
                known = update.Peers.ToDictionary(row => row.Id);
                yield return update;
                continue;
            }

            var changed = update.Peers.Where(row => !ReferenceEquals(known.GetValueOrDefault(row.Id), row)).ToList();
            List<Guid> removed = [];
            if (known.Count + changed.Count(row => !known.ContainsKey(row.Id)) > update.Peers.Count)
            {
                var there = update.Peers.Select(row => row.Id).ToHashSet();
                removed = [.. known.Keys.Where(id => !there.Contains(id))];
            }

            foreach (var id in removed) known.Remove(id);
            foreach (var row in changed) known[row.Id] = row;
            if (changed.Count > 0 || removed.Count > 0) yield return update with { IsComplete = false, Peers = changed, Removed = removed };
        }
    }

    private PeersUpdate Look()
    {
        var now = _time.GetUtcNow();
        var nowTicks = _dataPlane.NowTicks;
        _look++;
        var rows = new List<PeerRow>(_peers.Count);
        foreach (var tunnel in _dataPlane.GetTunnels())
        {
            foreach (var status in _dataPlane.GetPeers(tunnel.Id))
            {
                if (!_peers.TryGetValue(status.Id, out var peer)) _peers.Add(status.Id, peer = new LivePeer());
                rows.Add(peer.See(tunnel.Name, status, now, nowTicks, _look));
            }
        }

        if (_peers.Count > rows.Count)
        {
            foreach (var (id, peer) in _peers)
            {
                if (peer.Look != _look) _peers.Remove(id);
            }
        }

        return new PeersUpdate { At = now, IsComplete = true, Peers = rows };
    }

    /// <summary>One peer over the looks that are taken at it.</summary>
    private sealed class LivePeer
    {
        private RateMeter _received, _sent;
        private PeerRow? _row;

        public long Look { get; private set; }

        public PeerRow See(string tunnel, PeerStatus status, DateTimeOffset now, long nowTicks, long look)
        {
            Look = look;
            // The engine tells times by their distance from now, which trembles by microseconds: what did not change keeps its time.
            var old = _row;
            var isQuiet = old is not null && old.ReceivedBytes == status.ReceivedBytes && old.SentBytes == status.SentBytes;
            var row = new PeerRow
            {
                Id = status.Id,
                Tunnel = tunnel,
                Name = status.Name,
                State = LiveStatus.State(status, now),
                Endpoint = status.Endpoint?.ToString(),
                LastHandshake = status.LastHandshake,
                LastReceived = isQuiet ? old!.LastReceived : status.LastReceived,
                LastSent = isQuiet ? old!.LastSent : status.LastSent,
                ReceivedBytes = status.ReceivedBytes,
                SentBytes = status.SentBytes,
                ReceivedRate = _received.Read(status.ReceivedBytes, nowTicks),
                SentRate = _sent.Read(status.SentBytes, nowTicks),
                ReceivedPackets = status.ReceivedPackets,
                SentPackets = status.SentPackets,
                Drops = status.Drops.Sum(),
            };
            return row == old ? old : _row = row;
        }
    }
}
