using System.Net;
using System.Net.Sockets;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Features.Explain.Reasoning;
using Gateway.Linux.Netlink;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Status;

/// <summary>
/// Warns where rp_filter drops what peers send: it is on for a tunnel's device, and the kernel has no way back there for networks that are a peer's
/// (fib_validate_source in net/ipv4/fib_frontend.c). Strict asks for a route into the tunnel, loose for any. The remedy is the route, not a weaker filter.
/// </summary>
internal sealed class ReversePathWarnings(IDbContextFactory<GatewayDbContext> contexts, KernelKeeper keeper, IKernelRoutes kernel, DataPlane dataPlane)
{
    private const int Loose = 2;

    /// <summary>More than one click should change.</summary>
    private const int MostRoutes = 50;

    public async Task<IReadOnlyList<Warning>> FindAsync(CancellationToken cancellationToken)
    {
        var all = keeper.Kernel.Read(KernelPaths.RpFilter("all")) ?? 0;
        // The larger of the two holds (IN_DEV_RPFILTER).
        var filtered = dataPlane.GetTunnels().Where(t => t.State == TunnelState.Up).Select(t => (Tunnel: t, Mode: Math.Max(all, keeper.Kernel.Read(KernelPaths.RpFilter(t.Name)) ?? 0))).Where(t => t.Mode > 0).ToList();
        if (filtered.Count == 0) return [];
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        // Addresses and other gateway routes get their kernel route from us.
        var outside = (await db.Prefixes.AsNoTracking().Include(p => p.Peer!.Tunnel).Where(p => p.Kind == PrefixKind.Gateway && !p.KernelRoute && p.Peer!.Enabled).ToListAsync(cancellationToken))
            .ToLookup(p => p.TunnelId);
        if (outside.Count == 0 || ReadWays() is not { } ways) return [];
        return [.. filtered.Select(found => Warn(found.Tunnel.Name, found.Mode, [.. outside[found.Tunnel.Id].Where(route => IsStuck(route, found.Tunnel.Name, found.Mode, ways))])).OfType<Warning>()];
    }

    private static Warning? Warn(string device, int mode, List<PeerPrefix> routes)
    {
        if (routes.Count == 0) return null;
        var peers = routes.Select(route => route.PeerId).Distinct().Count();
        var networks = string.Join(", ", routes.Take(3).Select(route => route.Prefix)) + (routes.Count > 3 ? $" and {routes.Count - 3} more" : "");
        var whose = peers == 1 ? $"{routes[0].Peer!.Name}'s {networks} {(routes.Count == 1 ? "has" : "have")}" : $"{peers} peers' networks ({networks}) have";
        var text = $"Let the kernel know the way: make {(routes.Count == 1 ? "it a kernel route" : "them kernel routes")} into {device}.";
        return new Warning($"{(mode == Loose ? "Loose" : "Strict")} rp_filter on {device}, and {whose} no kernel route {(mode == Loose ? "at all" : "into it")}: what comes from there is dropped.", text)
        {
            Remedies = [RemedyOf.Change(text, [.. routes.Take(MostRoutes).Select(route => Call(route, true))], [.. routes.Take(MostRoutes).Select(route => Call(route, false))])],
        };
    }

    private static ApiCall Call(PeerPrefix route, bool kernelRoute) => new("PATCH", $"routes/{route.Id}", kernelRoute ? """{"kernelRoute":true}""" : """{"kernelRoute":false}""");

    private static bool IsStuck(PeerPrefix route, string device, int mode, List<(IPNetwork Prefix, string Device)> ways)
    {
        var prefix = IPNetwork.Parse(route.Prefix);
        // IPv6 has no rp_filter; a default route is nothing that one click should move.
        if (prefix.BaseAddress.AddressFamily != AddressFamily.InterNetwork || prefix.PrefixLength == 0) return false;
        if (route.Peer!.Tunnel!.Addresses.Any(a => Addresses.TryReadInterface(a, out var own, out _) && own.Network.PrefixLength <= prefix.PrefixLength && own.Network.Contains(prefix.BaseAddress))) return false;
        var way = ways.Where(w => w.Prefix.PrefixLength <= prefix.PrefixLength && w.Prefix.Contains(prefix.BaseAddress)).OrderByDescending(w => w.Prefix.PrefixLength).Select(w => w.Device).FirstOrDefault();
        return mode == Loose ? way is null : way != device;
    }

    private List<(IPNetwork Prefix, string Device)>? ReadWays()
    {
        try
        {
            var names = KernelNetwork.ReadLinks().ToDictionary(l => l.Index, l => l.Name);
            return [.. kernel.ReadMain().Select(r => (r.Prefix, names.GetValueOrDefault(r.LinkIndex, "")))];
        }
        catch (PortException)
        {
            // What cannot be read is not warned of: Explain names the privilege.
            return null;
        }
    }
}
