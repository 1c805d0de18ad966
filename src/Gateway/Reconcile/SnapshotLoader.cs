using System.Collections.Immutable;
using System.Net;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Protocol;
using Gateway.Security;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>What a change touched: a peer, or (without one) the whole tunnel.</summary>
internal readonly record struct Touched(Guid TunnelId, Guid? PeerId);

/// <summary>
/// Reads the database into slots: all of it at the start, later only what a change touched. It runs in the reconciler's loop alone.
/// </summary>
internal sealed class SnapshotLoader(SecretVault vault, PathMtu mtu, TimeProvider time)
{
    private readonly Dictionary<Guid, TunnelSlot> _tunnels = [];

    public IReadOnlyCollection<TunnelSlot> Tunnels => _tunnels.Values;

    /// <summary>Endpoints stored since then were seen in the gateway's last session and are dialled at once, UTC ticks.</summary>
    public long LastSessionStart { get; set; } = long.MaxValue;

    public ImmutableArray<TunnelConfig> ToConfigs() => [.. _tunnels.Values.Select(t => t.ToConfig())];

    public TunnelSlot? Find(Guid tunnelId) => _tunnels.GetValueOrDefault(tunnelId);

    public async Task LoadAllAsync(GatewayDbContext db, CancellationToken cancellationToken)
    {
        var rows = await db.Tunnels.AsNoTracking().OrderBy(t => t.Id).ToListAsync(cancellationToken);
        foreach (var gone in _tunnels.Keys.Except(rows.Select(r => r.Id)).ToList()) _tunnels.Remove(gone);
        var prefixes = new Dictionary<Guid, List<PrefixRow>>();
        await foreach (var prefix in SelectPrefixes(db.Prefixes).AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            if (!prefixes.TryGetValue(prefix.PeerId, out var list)) prefixes.Add(prefix.PeerId, list = []);
            list.Add(prefix);
        }

        foreach (var row in rows)
        {
            var slot = NewSlot(row);
            await foreach (var peer in db.Peers.AsNoTracking().Where(p => p.TunnelId == row.Id).OrderBy(p => p.Id).AsAsyncEnumerable().WithCancellation(cancellationToken))
                slot.Put(ToSlot(slot, peer, prefixes.GetValueOrDefault(peer.Id) ?? [], Find(row.Id)?.Find(peer.Id)));
            _tunnels[row.Id] = slot;
        }
    }

    public async Task LoadAsync(GatewayDbContext db, IReadOnlyCollection<Touched> touched, CancellationToken cancellationToken)
    {
        var whole = touched.Where(t => t.PeerId is null).Select(t => t.TunnelId).ToHashSet();
        foreach (var tunnelId in whole) await LoadTunnelAsync(db, tunnelId, cancellationToken);
        foreach (var (tunnelId, peerId) in touched.Where(t => t.PeerId is not null && !whole.Contains(t.TunnelId)).Distinct())
            await LoadPeerAsync(db, tunnelId, peerId!.Value, cancellationToken);
    }

    /// <summary>Works out the MTU of tunnels that have none of their own.</summary>
    public void MeasurePaths()
    {
        foreach (var tunnel in _tunnels.Values)
        {
            mtu.Measure(tunnel);
            tunnel.Mtu = mtu.Of(tunnel.Row);
        }
    }

    /// <summary>Notes where a name led to.</summary>
    public bool SetLookedUp(Guid tunnelId, Guid peerId, string configured, IPEndPoint endpoint)
    {
        if (Find(tunnelId) is not { } tunnel || tunnel.Find(peerId) is not { NeedsLookup: true } peer || peer.ConfiguredEndpoint != configured) return false;
        tunnel.Put(new PeerSlot
        {
            Id = peer.Id,
            Config = peer.Config! with { Endpoint = endpoint },
            KernelRoutes = peer.KernelRoutes,
            ConfiguredEndpoint = configured,
            ExpiresAt = peer.ExpiresAt,
            PreviousKeyUntil = peer.PreviousKeyUntil,
        });
        return true;
    }

    /// <summary>Reads nothing but what is named: whole tunnels, or of a tunnel those peers alone. For a look at a change; no snapshot comes of it.</summary>
    public async Task LoadOnlyAsync(GatewayDbContext db, IReadOnlyCollection<Touched> touched, CancellationToken cancellationToken)
    {
        var whole = touched.Where(t => t.PeerId is null).Select(t => t.TunnelId).ToHashSet();
        foreach (var tunnelId in touched.Select(t => t.TunnelId).Distinct())
        {
            if (whole.Contains(tunnelId)) await LoadTunnelAsync(db, tunnelId, cancellationToken);
            else if (await db.Tunnels.AsNoTracking().SingleOrDefaultAsync(t => t.Id == tunnelId, cancellationToken) is { } row) _tunnels[tunnelId] = NewSlot(row);
        }

        foreach (var (tunnelId, peerId) in touched.Where(t => t.PeerId is not null && !whole.Contains(t.TunnelId)).Distinct())
            await LoadPeerAsync(db, tunnelId, peerId!.Value, cancellationToken);
    }

    private async Task LoadTunnelAsync(GatewayDbContext db, Guid tunnelId, CancellationToken cancellationToken)
    {
        var row = await db.Tunnels.AsNoTracking().SingleOrDefaultAsync(t => t.Id == tunnelId, cancellationToken);
        var old = Find(tunnelId);
        if (row is null)
        {
            _tunnels.Remove(tunnelId);
            return;
        }

        var slot = NewSlot(row);
        // Peers depend on the tunnel's own prefixes, so all of them are built anew.
        var prefixes = await SelectPrefixes(db.Prefixes.Where(p => p.TunnelId == tunnelId)).ToListAsync(cancellationToken);
        var byPeer = prefixes.ToLookup(p => p.PeerId);
        await foreach (var peer in db.Peers.AsNoTracking().Where(p => p.TunnelId == tunnelId).OrderBy(p => p.Id).AsAsyncEnumerable().WithCancellation(cancellationToken))
            slot.Put(ToSlot(slot, peer, [.. byPeer[peer.Id]], old?.Find(peer.Id)));
        _tunnels[tunnelId] = slot;
    }

    private async Task LoadPeerAsync(GatewayDbContext db, Guid tunnelId, Guid peerId, CancellationToken cancellationToken)
    {
        if (Find(tunnelId) is not { } tunnel) return;
        var row = await db.Peers.AsNoTracking().SingleOrDefaultAsync(p => p.Id == peerId, cancellationToken);
        if (row is null)
        {
            tunnel.Remove(peerId);
            return;
        }

        var prefixes = await SelectPrefixes(db.Prefixes.Where(p => p.PeerId == peerId)).ToListAsync(cancellationToken);
        tunnel.Put(ToSlot(tunnel, row, prefixes, tunnel.Find(peerId)));
    }

    private static IQueryable<PrefixRow> SelectPrefixes(IQueryable<PeerPrefix> prefixes) =>
        prefixes.Select(p => new PrefixRow(p.PeerId, p.Prefix, p.Kind, p.KernelRoute));

    private TunnelSlot NewSlot(Tunnel row)
    {
        ImmutableArray<InterfaceAddress> addresses = [.. row.Addresses.Select(a =>
            Reconcile.Addresses.TryReadInterface(a, out var address, out _) ? address : throw new FormatException($"Tunnel {row.Name} has a broken address in the database."))];
        return new TunnelSlot
        {
            Row = row,
            Addresses = addresses,
            Networks = [.. addresses.Select(a => a.Network).Distinct()],
            Mtu = mtu.Of(row),
            PrivateKey = row.ProtectedPrivateKey is null ? null : vault.UnprotectPrivateKey(row.ProtectedPrivateKey),
        };
    }

    private PeerSlot ToSlot(TunnelSlot tunnel, Peer row, List<PrefixRow> prefixes, PeerSlot? old)
    {
        var allowed = ImmutableArray.CreateBuilder<IPNetwork>(prefixes.Count);
        var client = ImmutableArray.CreateBuilder<IPNetwork>();
        var kernel = ImmutableArray.CreateBuilder<IPNetwork>();
        foreach (var row1 in prefixes)
        {
            var prefix = IPNetwork.Parse(row1.Prefix);
            if (row1.Kind == PrefixKind.Client)
            {
                client.Add(prefix);
                continue;
            }

            allowed.Add(prefix);
            // What lies in the tunnel's own prefixes has its route from the device's address.
            if ((row1.Kind == PrefixKind.Address || row1.KernelRoute) && !tunnel.Networks.Any(n => Holds(n, prefix))) kernel.Add(prefix);
        }

        var letIn = row.Enabled && !(row.ExpiresAt <= time.GetUtcNow().UtcTicks);
        var (endpoint, dial) = ChooseEndpoint(row, old);
        return new PeerSlot
        {
            Id = row.Id,
            ConfiguredEndpoint = row.Endpoint,
            ExpiresAt = row.ExpiresAt,
            PreviousKeyUntil = row.PreviousKeyUntil,
            KernelRoutes = kernel.DrainToImmutable(),
            Config = !letIn ? null : new PeerConfig
            {
                Id = row.Id,
                Name = row.Name,
                PublicKey = row.PublicKey is not null && PublicKey.TryParse(row.PublicKey, out var key) ? key : null,
                PresharedKey = row.ProtectedPresharedKey is null ? null : vault.UnprotectPresharedKey(row.ProtectedPresharedKey),
                Previous = ToPrevious(row),
                Endpoint = endpoint,
                DialOnStart = dial,
                PersistentKeepalive = TimeSpan.FromSeconds(row.KeepaliveSeconds),
                AllowedIps = allowed.DrainToImmutable(),
                AllowedDestinations = TunnelWords.Layer(tunnel.Row) == TunnelLayer.Ethernet ? null
                    : client.Count == 0 ? tunnel.Networks : [.. tunnel.Networks, .. client],
            },
        };
    }

    private PreviousKey? ToPrevious(Peer row) =>
        row.PreviousKeyUntil > time.GetUtcNow().UtcTicks && PublicKey.TryParse(row.PreviousPublicKey, out var key)
            ? new PreviousKey(key, row.ProtectedPreviousPresharedKey is null ? null : vault.UnprotectPresharedKey(row.ProtectedPreviousPresharedKey)) : null;

    // The engine follows a peer that moves by itself. What it is told here is where to begin, and stays the same object until a person changes it.
    private (IPEndPoint? Endpoint, bool Dial) ChooseEndpoint(Peer row, PeerSlot? old)
    {
        if (old?.Config is not null && old.ConfiguredEndpoint == row.Endpoint) return (old.Config.Endpoint, old.Config.DialOnStart);
        if (old is null && row.LastEndpointAt >= LastSessionStart && IPEndPoint.TryParse(row.LastEndpoint ?? "", out var last)) return (last, true);
        return (Reconcile.Addresses.TryReadEndpoint(row.Endpoint, out var configured, out _) ? configured.ToIPEndPoint() : null, false);
    }

    private static bool Holds(IPNetwork outer, IPNetwork inner) => outer.PrefixLength <= inner.PrefixLength && outer.Contains(inner.BaseAddress);

    private sealed record PrefixRow(Guid PeerId, string Prefix, PrefixKind Kind, bool KernelRoute);
}
