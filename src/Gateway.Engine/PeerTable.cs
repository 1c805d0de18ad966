using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Gateway.Engine.Control;
using Gateway.Engine.Routing;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// The peers of one tunnel and whose address is whose. They outlive the tunnel's device. Changed on the control thread; the data threads read
/// <see cref="Routes"/> and <see cref="Peers"/>, which are swapped as a whole.
/// </summary>
internal sealed class PeerTable(Tunnel tunnel, ControlLoop loop)
{
    /// <summary>Up to so many changed prefixes are put in one by one; for more the table is built anew (100,000 take about 0.2 s).</summary>
    private const int FewPrefixes = 512;

    private readonly ConcurrentDictionary<Guid, Peer> _byId = [];
    private RouteTable<Peer> _routes = RouteTable<Peer>.Empty;
    private volatile Peer[] _peers = [];
    private int _nextIndex;
    private int _round;

    /// <summary>Allowed IPs of all peers.</summary>
    public RouteTable<Peer> Routes => Volatile.Read(ref _routes);

    /// <summary>In configured order.</summary>
    public Peer[] Peers => _peers;

    /// <summary>Any thread.</summary>
    public Peer? Find(Guid id) => _byId.GetValueOrDefault(id);

    /// <summary>Brings the peers to these. Who stays keeps the session.</summary>
    public void Apply(ImmutableArray<PeerConfig> wanted, bool isUp)
    {
        // Marks instead of a dictionary: with thousands of peers that is a large object at each change, and those make the collector walk the whole heap.
        _round++;
        foreach (var config in wanted)
        {
            // A changed key is another peer, as in wg, but for a rotation, which keeps one of the keys.
            if (_byId.TryGetValue(config.Id, out var known) && PeerIdentities.Share(known, config)) known.WantedIn = _round;
        }

        var changed = new List<(Peer Peer, ImmutableArray<IPNetwork> Old)>();
        foreach (var peer in _peers)
        {
            if (!peer.IsRemoved && peer.WantedIn == _round) continue;
            if (!peer.IsRemoved) Remove(peer);
            changed.Add((peer, peer.Config.AllowedIps));
        }

        var peers = new Peer[wanted.Length];
        var count = 0;
        foreach (var config in wanted)
        {
            if (!_byId.TryGetValue(config.Id, out var peer))
            {
                peer = Add(config);
                if (peer is null) continue;
                if (isUp) Dial(peer);
                changed.Add((peer, []));
            }
            else if (!ReferenceEquals(peer.Config, config))
            {
                var old = peer.Config;
                Change(peer, config);
                if (old.AllowedIps != config.AllowedIps && !old.AllowedIps.AsSpan().SequenceEqual(config.AllowedIps.AsSpan())) changed.Add((peer, old.AllowedIps));
            }

            peers[count++] = peer;
        }

        _peers = count == peers.Length ? peers : peers[..count];
        UpdateRoutes(changed);
    }

    /// <summary>A new key of the tunnel ends every session; whoever had one, or wants one, negotiates anew.</summary>
    public void ChangeIdentity(PrivateKey key)
    {
        if (tunnel.Identity is not { } identity) return;
        if (identity.SetPrivateKey(key, tunnel.Clock.Moment) is { Owner: Peer self } gone)
        {
            if (gone == self.Successor) self.Successor = null;
            // A peer with our own new key is nobody to talk to (wg drops it too).
            else Forget(self);
        }

        foreach (var peer in _peers) loop.Service(tunnel, peer);
    }

    /// <summary>The tunnel has come up.</summary>
    public void DialAll()
    {
        foreach (var peer in _peers) Dial(peer);
    }

    /// <summary>After a start the gateway speaks first, so that connections through it go on without waiting for the client.</summary>
    private void Dial(Peer peer)
    {
        if (peer.Session is not { } session) return;
        if (peer.Config.DialOnStart && peer.Endpoint is not null) session.StartHandshake(tunnel.Clock.Moment);
        loop.Service(tunnel, peer);
    }

    /// <summary>Null where the protocol refuses the key: it is this tunnel's own, or another peer has it.</summary>
    private Peer? Add(PeerConfig config)
    {
        var peer = new Peer(_nextIndex++, config);
        if (tunnel.Identity is { } identity && !PeerIdentities.Set(identity, peer)) return null;
        _byId[config.Id] = peer;
        return peer;
    }

    private void Change(Peer peer, PeerConfig wanted)
    {
        peer.Apply(wanted);
        if (tunnel.Identity is not { } identity) return;
        PeerIdentities.Set(identity, peer);
        PeerIdentities.Tune(peer, tunnel.Clock.Moment);
        loop.Service(tunnel, peer);
    }

    private void Remove(Peer peer)
    {
        Forget(peer);
        if (tunnel.Identity is { } identity) PeerIdentities.Remove(identity, peer);
        tunnel.PostOutbound(new Command(CommandKind.DropWaiting, peer));
    }

    private void Forget(Peer peer)
    {
        peer.IsRemoved = true;
        _byId.TryRemove(peer.Config.Id, out _);
        tunnel.HandshakeLedger.Forget(peer);
    }

    private void UpdateRoutes(List<(Peer Peer, ImmutableArray<IPNetwork> Old)> changed)
    {
        if (changed.Count == 0) return;
        var touched = changed.Sum(change => change.Old.Length + change.Peer.Config.AllowedIps.Length);
        var routes = _routes;
        if (touched > FewPrefixes || touched > routes.Count)
        {
            routes = RouteTable<Peer>.Build(_peers.SelectMany(peer => peer.Config.AllowedIps.Select(prefix => (prefix, peer))));
        }
        else
        {
            foreach (var (peer, old) in changed)
            {
                foreach (var prefix in old)
                {
                    if (routes.Find(prefix) == peer) routes = routes.Without(prefix);
                }
            }

            foreach (var (peer, _) in changed.Where(change => !change.Peer.IsRemoved))
            {
                foreach (var prefix in peer.Config.AllowedIps) routes = routes.With(prefix, peer);
            }
        }

        Volatile.Write(ref _routes, routes);
    }
}
