using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Netlink;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Routes;

/// <summary>Where a route stands in the kernel.</summary>
public enum KernelPlace
{
    /// <summary>It belongs to the client; nothing is set here.</summary>
    None,
    /// <summary>It was asked to stay out of the kernel.</summary>
    NotWanted,
    /// <summary>It leads into the tunnel.</summary>
    There,
    /// <summary>The tunnel's own network covers it.</summary>
    Covered,
    /// <summary>It is wanted and not there.</summary>
    Missing,
    /// <summary>The kernel sends that network elsewhere.</summary>
    Elsewhere,
    /// <summary>The kernel could not be asked.</summary>
    Unknown,
}

/// <summary>A route as it is wanted, in cryptokey routing, and in the kernel.</summary>
/// <param name="Route">As it is wanted.</param>
/// <param name="Kernel">Where it stands in the kernel.</param>
/// <param name="Device">The device that the kernel sends it to, where it does.</param>
/// <param name="TakenBy">A peer that owns a part of it, and so gets that part's packets; null = none.</param>
/// <param name="Part">That part.</param>
public sealed record RouteLine(RouteResponse Route, KernelPlace Kernel, string? Device, string? TakenBy, string? Part);

/// <summary>All routes of both kinds, with what the kernel and cryptokey routing make of them.</summary>
internal sealed class RouteTable(IDbContextFactory<GatewayDbContext> contexts, Caller caller, RouteService routes, IKernelRoutes kernel, DataPlane dataPlane)
{
    private const int PageSize = 500;

    public async Task<Outcome<IReadOnlyList<RouteLine>>> ReadAsync(CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        var wanted = new List<RouteResponse>();
        string? cursor = null;
        do
        {
            if (!(await routes.ListAsync(null, PageSize, cursor, cancellationToken)).Succeeded(out var page, out var failure)) return failure;
            wanted.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        if (wanted.Count == 0) return Array.Empty<RouteLine>();

        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var tunnels = await db.Tunnels.AsNoTracking().ToDictionaryAsync(t => t.Name, StringComparer.Ordinal, cancellationToken);
        var owned = (await db.Prefixes.AsNoTracking().Where(p => p.Kind != PrefixKind.Client).Select(p => new { p.TunnelId, p.PeerId, p.Peer!.Name, p.Prefix }).ToListAsync(cancellationToken))
            .Select(p => new Owned(p.TunnelId, p.PeerId, p.Name, IPNetwork.Parse(p.Prefix))).ToLookup(p => p.TunnelId);
        var ways = ReadKernel();
        var devices = dataPlane.GetTunnels().ToDictionary(t => t.Id, t => t.Name);
        return wanted.ConvertAll(route =>
        {
            var tunnel = tunnels[route.Tunnel];
            var prefix = IPNetwork.Parse(route.Prefix);
            var (place, device) = Place(route, prefix, tunnel, devices.GetValueOrDefault(tunnel.Id, tunnel.Name), ways);
            var part = route.InstallOn == InstallOn.Client ? null
                : owned[tunnel.Id].FirstOrDefault(o => o.PeerId != route.PeerId && o.Prefix.PrefixLength > prefix.PrefixLength && prefix.Contains(o.Prefix.BaseAddress));
            return new RouteLine(route, place, device, part?.Peer, part?.Prefix.ToString());
        });
    }

    private static (KernelPlace, string?) Place(RouteResponse route, IPNetwork prefix, Tunnel tunnel, string device, ILookup<IPNetwork, string>? ways)
    {
        if (route.InstallOn == InstallOn.Client) return (KernelPlace.None, null);
        if (ways is null) return (KernelPlace.Unknown, null);
        var found = ways[prefix].ToList();
        if (found.Contains(device)) return (KernelPlace.There, device);
        if (!route.KernelRoute) return (KernelPlace.NotWanted, found.FirstOrDefault());
        if (found.Count > 0) return (KernelPlace.Elsewhere, found[0]);
        var isCovered = tunnel.Addresses.Any(a => Addresses.TryReadInterface(a, out var own, out _) && own.Network.PrefixLength <= prefix.PrefixLength && own.Network.Contains(prefix.BaseAddress));
        return (isCovered ? KernelPlace.Covered : KernelPlace.Missing, null);
    }

    private ILookup<IPNetwork, string>? ReadKernel()
    {
        try
        {
            var names = KernelNetwork.ReadLinks().ToDictionary(l => l.Index, l => l.Name);
            return kernel.ReadMain().ToLookup(r => r.Prefix, r => names.GetValueOrDefault(r.LinkIndex, "?"));
        }
        catch (PortException)
        {
            return null;
        }
    }

    private sealed record Owned(Guid TunnelId, Guid PeerId, string Peer, IPNetwork Prefix);
}
