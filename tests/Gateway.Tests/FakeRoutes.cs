using System.Net;
using Gateway.Linux.Netlink;
using Gateway.Reconcile;

namespace Gateway.Tests;

/// <summary>The kernel's main table in memory. Its devices carry 1500 bytes unless told otherwise.</summary>
internal sealed class FakeRoutes : IKernelRoutes
{
    public List<KernelRoute> Main { get; } = [];

    public int? DefaultMtu { get; set; }

    public Dictionary<string, int> Mtus { get; } = [];

    public IReadOnlyList<KernelRoute> ReadMain() => Main;

    public int? MtuTowards(IPAddress destination, uint firewallMark) => Mtus.TryGetValue(destination.ToString(), out var mtu) ? mtu : 1500;

    public int? MtuOfDefaultRoutes() => DefaultMtu;

    public void Add(string prefix, string? gateway = null) =>
        Main.Add(new KernelRoute(IPNetwork.Parse(prefix), gateway is null ? null : IPAddress.Parse(gateway), 2, 254, 0, 3, 1, null));
}
