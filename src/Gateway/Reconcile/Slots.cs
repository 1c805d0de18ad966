using System.Collections.Immutable;
using System.Net;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Protocol;

namespace Gateway.Reconcile;

/// <summary>
/// What is kept of a tunnel between two snapshots, so that what did not change is handed to the engine as the same object.
/// Owned by the reconciler's loop.
/// </summary>
internal sealed class TunnelSlot
{
    private readonly List<PeerSlot> _peers = [];
    private readonly Dictionary<Guid, PeerSlot> _byId = [];
    private ImmutableArray<IPNetwork> _kernelRoutes = [];
    private ImmutableArray<PeerConfig> _peerConfigs = [];
    private bool _routesChanged = true;
    private bool _peersChanged = true;
    private TunnelConfig? _config;

    public required Tunnel Row { get; init; }

    public required ImmutableArray<InterfaceAddress> Addresses { get; init; }

    /// <summary>The tunnel's own prefixes; what every peer may reach.</summary>
    public required ImmutableArray<IPNetwork> Networks { get; init; }

    public required PrivateKey? PrivateKey { get; init; }

    /// <summary>In use, bytes.</summary>
    public required int Mtu { get; set; }

    public IReadOnlyList<PeerSlot> Peers => _peers;

    public PeerSlot? Find(Guid peerId) => _byId.GetValueOrDefault(peerId);

    public void Put(PeerSlot peer)
    {
        var old = Find(peer.Id);
        if (old is null) _peers.Add(peer);
        else _peers[_peers.IndexOf(old)] = peer;
        _byId[peer.Id] = peer;
        _peersChanged = true;
        _routesChanged |= !RoutesOf(old).SequenceEqual(RoutesOf(peer));
    }

    public void Remove(Guid peerId)
    {
        if (!_byId.Remove(peerId, out var old)) return;
        _peers.Remove(old);
        _peersChanged = true;
        _routesChanged |= !RoutesOf(old).IsEmpty;
    }

    public TunnelConfig ToConfig()
    {
        if (_config is not null && !_peersChanged && _config.Mtu == Mtu) return _config;
        if (_routesChanged) _kernelRoutes = [.. _peers.SelectMany(p => RoutesOf(p))];
        if (_peersChanged) _peerConfigs = [.. _peers.Where(p => p.Config is not null).Select(p => p.Config!)];
        (_routesChanged, _peersChanged) = (false, false);
        return _config = new TunnelConfig
        {
            Id = Row.Id,
            Name = Row.Name,
            Transport = TunnelWords.Transport(Row),
            Layer = TunnelWords.Layer(Row),
            ListenPort = (ushort)Row.ListenPort,
            FirewallMark = (uint)Row.FirewallMark,
            Mtu = Mtu,
            PrivateKey = PrivateKey,
            Addresses = Addresses,
            KernelRoutes = _kernelRoutes,
            Peers = _peerConfigs,
        };
    }

    /// <summary>What the kernel routes into the tunnel for a peer: nothing while it is disabled or expired.</summary>
    private static ImmutableArray<IPNetwork> RoutesOf(PeerSlot? peer) => peer?.Config is null ? [] : peer.KernelRoutes;
}

/// <summary>What is kept of a peer between two snapshots.</summary>
internal sealed class PeerSlot
{
    public required Guid Id { get; init; }

    /// <summary>What the engine gets; null while the peer is disabled or expired.</summary>
    public required PeerConfig? Config { get; init; }

    /// <summary>Its prefixes that the kernel must route into the tunnel.</summary>
    public required ImmutableArray<IPNetwork> KernelRoutes { get; init; }

    /// <summary>The endpoint as configured; a change of it moves the peer, all else leaves it where it was last seen.</summary>
    public required string? ConfiguredEndpoint { get; init; }

    /// <summary>UTC ticks; null = never.</summary>
    public required long? ExpiresAt { get; init; }

    /// <summary>When the key before the present one ends, UTC ticks; null = there is none.</summary>
    public required long? PreviousKeyUntil { get; init; }

    /// <summary>When it changes by itself, UTC ticks; null = never.</summary>
    public long? NextChange => Config is null ? null : Config.Previous is null ? ExpiresAt : Math.Min(ExpiresAt ?? long.MaxValue, PreviousKeyUntil ?? long.MaxValue);

    /// <summary>Whether the configured endpoint is a name that has not been looked up yet.</summary>
    public bool NeedsLookup => Config is { Endpoint: null } && ConfiguredEndpoint is not null;
}

/// <summary>The database's words as the engine's.</summary>
internal static class TunnelWords
{
    public static TunnelTransport Transport(Tunnel row) => row.Transport == Contracts.Transports.Plain ? TunnelTransport.Plain : TunnelTransport.WireGuard;

    public static TunnelLayer Layer(Tunnel row) => row.Layer == Contracts.Layers.Ethernet ? TunnelLayer.Ethernet : TunnelLayer.Ip;
}
