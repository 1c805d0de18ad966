using System.Net;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>
/// Host routes that keep a tunnel's own datagrams out of the tunnel: where a prefix routed into it holds a peer's endpoint, the endpoint gets a
/// route of its own, the way it would go if the tunnel were not there. One thread at a time.
/// </summary>
public sealed class EndpointRoutes : IDisposable
{
    private const ushort Replace = 0x100; // NLM_F_REPLACE

    private readonly NetlinkSocket _socket = new();
    private readonly Dictionary<IPAddress, KernelRoute> _set = [];

    /// <summary>
    /// Brings the host routes to these endpoints: new ones are set, those not listed are taken back, and what the kernel has lost meanwhile (a link
    /// that went down and up) is set again. Returns what could not be done. Throws <see cref="PortException"/> where netlink itself fails.
    /// </summary>
    /// <param name="endpoints">Addresses that a route into the tunnel would catch.</param>
    /// <param name="tunnel">The tunnel's device, whose routes do not count; null while there is none.</param>
    public IReadOnlyList<LinkProblem> Set(IReadOnlyCollection<IPAddress> endpoints, string? tunnel)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var problems = new List<LinkProblem>();
        foreach (var (address, route) in _set.Where(s => !endpoints.Contains(s.Key)).ToList())
        {
            Put(Rtnetlink.DeleteRoute, 0, address, route);
            _set.Remove(address);
        }

        if (endpoints.Count == 0) return problems;
        var tunnelIndex = tunnel is null ? 0 : KernelNetwork.ReadLinks(_socket).FirstOrDefault(l => l.Name == tunnel)?.Index ?? 0;
        var table = KernelNetwork.ReadRoutes(_socket, 0).Where(r => r.Table == Rtnetlink.TableMain && r.LinkIndex != tunnelIndex).ToList();
        foreach (var address in endpoints.Distinct()) SetOne(address, table, problems);
        return problems;
    }

    /// <summary>Takes back what was set.</summary>
    public void Dispose()
    {
        foreach (var (address, route) in _set) Put(Rtnetlink.DeleteRoute, 0, address, route);
        _set.Clear();
        _socket.Dispose();
    }

    private void SetOne(IPAddress address, List<KernelRoute> table, List<LinkProblem> problems)
    {
        // The local table comes before all others.
        if (IPAddress.IsLoopback(address)) return;
        var bits = address.GetAddressBytes().Length * 8;
        var ways = table.Where(r => r.Prefix.BaseAddress.AddressFamily == address.AddressFamily && r.Prefix.Contains(address)).ToList();
        // One of ours is of an earlier run that was killed, or is the one that is looked after here: it says nothing about the way.
        var own = ways.Find(r => r.Prefix.PrefixLength == bits && r.Protocol == Rtnetlink.OwnProtocol);
        var way = ways.Where(r => r != own).OrderByDescending(r => r.Prefix.PrefixLength).ThenBy(r => r.Metric).FirstOrDefault();
        if (way is not { LinkIndex: not 0, Type: Rtnetlink.Unicast })
        {
            problems.Add(new LinkProblem($"route to the endpoint {address}", "there is no way to it outside the tunnel", "Connect this host to a network that reaches it, or set a host route by hand."));
            return;
        }

        if (way.Prefix.PrefixLength == bits) return;
        if (own is not null && own.Gateway?.Equals(way.Gateway) != false && own.LinkIndex == way.LinkIndex && _set.ContainsKey(address)) return;
        if (Put(Rtnetlink.NewRoute, Rtnetlink.FlagCreate | Replace, address, way) is { } failure)
            problems.Add(new LinkProblem($"route to the endpoint {address}", failure.Message ?? Errno.Describe(failure.Error), "Set a host route by hand."));
        else _set[address] = way;
    }

    private NetlinkFailure? Put(ushort type, ushort flags, IPAddress address, KernelRoute way)
    {
        var batch = new NetlinkBatch(_socket);
        var fixedPart = batch.Begin(type, flags, Rtnetlink.RouteBytes);
        fixedPart[0] = KernelNetwork.Family(address);
        fixedPart[1] = (byte)(address.GetAddressBytes().Length * 8);
        fixedPart[4] = Rtnetlink.TableMain;
        fixedPart[5] = Rtnetlink.OwnProtocol;
        fixedPart[6] = type == Rtnetlink.DeleteRoute ? Rtnetlink.ScopeNowhere
            : way.Gateway is null && fixedPart[0] == SocketNumbers.Inet ? Rtnetlink.ScopeLink : Rtnetlink.ScopeUniverse;
        fixedPart[7] = Rtnetlink.Unicast;
        batch.Attribute(Rtnetlink.RouteDestination, address).Attribute(Rtnetlink.RouteOutputInterface, (uint)way.LinkIndex);
        if (way.Gateway is { } gateway) batch.Attribute(Rtnetlink.RouteGateway, gateway);
        batch.End();
        var failures = batch.Finish();
        return failures.Count > 0 ? failures[0] : null;
    }
}
