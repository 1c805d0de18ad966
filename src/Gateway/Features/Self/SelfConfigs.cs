using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Features.Peers;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Self;

/// <summary>What a client may know of itself, by the inner address that it sends from.</summary>
internal sealed class SelfConfigs(IDbContextFactory<GatewayDbContext> contexts, DataPlane dataPlane, PathMtu mtu)
{
    /// <summary>
    /// The peer whose own address that is: the engine lets packets from it in by that peer's session only (cryptokey routing). An address in a
    /// network behind a peer is not the peer. Null = nobody.
    /// </summary>
    public async Task<Guid?> FindPeerAsync(Guid tunnelId, IPAddress source, CancellationToken cancellationToken)
    {
        if (dataPlane.FindOwner(tunnelId, source) is not { } peerId) return null;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var own = await db.Prefixes.AsNoTracking().Where(p => p.PeerId == peerId && p.TunnelId == tunnelId && p.Kind == PrefixKind.Address)
            .Select(p => p.Prefix).ToListAsync(cancellationToken);
        return own.Any(p => IPNetwork.Parse(p).Contains(source)) ? peerId : null;
    }

    /// <summary>What that peer's client should look like now; null where it is gone.</summary>
    public async Task<SelfConfigResponse?> ReadAsync(Guid peerId, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await PeerQueries.WithAll(db.Peers.AsNoTracking()).SingleOrDefaultAsync(p => p.Id == peerId, cancellationToken) is not { Tunnel: { } tunnel } row) return null;
        return new SelfConfigResponse
        {
            Tunnel = tunnel.Name,
            Peer = row.Name,
            Addresses = PeerView.Addresses(row),
            Routes = [.. PeerConfigFile.Reachable(row)],
            Mtu = mtu.Of(tunnel),
            DnsServers = tunnel.DnsServers,
            SearchDomains = tunnel.SearchDomains,
        };
    }
}
