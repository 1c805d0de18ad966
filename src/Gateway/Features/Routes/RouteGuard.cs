using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine.Ports;
using Gateway.Linux.Netlink;
using Gateway.Reconcile;
using Gateway.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Gateway.Features.Routes;

/// <summary>
/// Looks out for kernel routes that would lead what must stay outside into a tunnel: the datagrams to the peer's own endpoint, the way to
/// whoever manages this gateway, and the next hop of its default route. Asked of the kernel's main table: a prefix is harmless where the table has a
/// longer one for that address.
/// </summary>
internal sealed partial class RouteGuard(IKernelRoutes kernel, IServer server, Caller caller, ILogger<RouteGuard> logger)
{
    /// <summary>rtm_protocol of routes that this program has set; they are not the ways outside.</summary>
    private const byte OwnProtocol = 71;

    private IReadOnlyList<KernelRoute>? _read;

    /// <summary>Looks at one prefix that is to become a kernel route into the peer's tunnel.</summary>
    public FieldError? Check(Peer peer, string peerName, string? endpoint, IPNetwork prefix, string field)
    {
        // What lies in the tunnel's own prefixes becomes no kernel route.
        var networks = peer.Tunnel!.Addresses.Select(a => Addresses.TryReadInterface(a, out var own, out _) ? own.Network : default).ToList();
        if (networks.Any(n => n.PrefixLength <= prefix.PrefixLength && n.Contains(prefix.BaseAddress)) || Read() is not { } table) return null;
        var watched = Endpoints(peer, endpoint).Select(a => (Address: a, What: $"peer '{peerName}' itself is reached at {a}, outside the tunnel"))
            .Concat(Management(table));
        foreach (var (address, what) in watched.Where(w => prefix.Contains(w.Address) && !networks.Any(n => n.Contains(w.Address))))
        {
            var longest = table.Where(r => r.Prefix.Contains(address)).Max(r => (int?)r.Prefix.PrefixLength) ?? -1;
            if (longest > prefix.PrefixLength) continue;
            return new FieldError(field, $"'{prefix}' for peer '{peerName}' holds {address}: {what}. Its packets would go into the tunnel '{peer.Tunnel.Name}'.",
                "Give smaller prefixes around that address, or set kernelRoute to false and route by hand.");
        }

        return null;
    }

    /// <summary>Looks at a peer's addresses outside the tunnel's own prefixes, which become kernel routes, and at its routes where its endpoint is new.</summary>
    public IEnumerable<FieldError> CheckPeer(Peer peer, PeerSettings settings, IReadOnlyList<string> addresses)
    {
        for (var i = 0; i < addresses.Count; i++)
        {
            if (Check(peer, settings.Name!, settings.Endpoint, IPNetwork.Parse(addresses[i]), $"addresses[{i}]") is { } error) yield return error;
        }

        if (settings.Endpoint is null || settings.Endpoint == peer.Endpoint) yield break;
        foreach (var route in peer.Prefixes.Where(p => p.Kind == PrefixKind.Gateway && p.KernelRoute))
        {
            if (Check(peer, settings.Name!, settings.Endpoint, IPNetwork.Parse(route.Prefix), "endpoint") is { } error) yield return error;
        }
    }

    private static IEnumerable<IPAddress> Endpoints(Peer peer, string? configured)
    {
        if (Addresses.TryReadEndpoint(configured, out var endpoint, out _) && endpoint.Address is { } address) yield return address;
        if (IPEndPoint.TryParse(peer.LastEndpoint ?? "", out var last) && !last.Address.Equals(endpoint.Address)) yield return last.Address;
    }

    private IEnumerable<(IPAddress Address, string What)> Management(IReadOnlyList<KernelRoute> table)
    {
        if (caller.Identity.From is { } from && !IPAddress.IsLoopback(from)) yield return (from, "this very request comes from there");
        foreach (var url in server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [])
        {
            if (Uri.TryCreate(url, UriKind.Absolute, out var parsed) && IPAddress.TryParse(parsed.Host.Trim('[', ']'), out var own)
                && !IPAddress.IsLoopback(own) && !own.Equals(IPAddress.Any) && !own.Equals(IPAddress.IPv6Any))
                yield return (own, "the gateway is managed at that address");
        }

        foreach (var hop in table.Where(r => r.Prefix.PrefixLength == 0).Select(r => r.Gateway).OfType<IPAddress>()) yield return (hop, "it is the next hop of this host's default route");
    }

    // One request asks the kernel once.
    private IReadOnlyList<KernelRoute>? Read()
    {
        try
        {
            return _read ??= [.. kernel.ReadMain().Where(r => r.Protocol != OwnProtocol)];
        }
        catch (PortException e)
        {
            LogUnread(e.Message);
            return null;
        }
    }

    [LoggerMessage(EventId = 1261, Level = LogLevel.Warning, Message = "The kernel's routes could not be read, so a new one is not checked against them: {Cause}")]
    private partial void LogUnread(string cause);
}
