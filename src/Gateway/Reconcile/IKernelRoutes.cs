using System.Net;
using Gateway.Linux.Netlink;

namespace Gateway.Reconcile;

/// <summary>The kernel's ways, asked and never changed: Linux, or memory in tests.</summary>
internal interface IKernelRoutes
{
    /// <summary>The main table. Throws <see cref="Engine.Ports.PortException"/>.</summary>
    IReadOnlyList<KernelRoute> ReadMain();

    /// <summary>The MTU of the device that a destination is reached through, bytes; null where there is no way. Throws <see cref="Engine.Ports.PortException"/>.</summary>
    int? MtuTowards(IPAddress destination, uint firewallMark);

    /// <summary>The smallest MTU of the devices that default routes lead through; null without one. Throws <see cref="Engine.Ports.PortException"/>.</summary>
    int? MtuOfDefaultRoutes();
}

/// <summary>The kernel itself.</summary>
internal sealed class LinuxKernelRoutes : IKernelRoutes
{
    private const uint MainTable = 254;

    public IReadOnlyList<KernelRoute> ReadMain() => [.. KernelNetwork.ReadRoutes().Where(r => r.Table == MainTable)];

    public int? MtuTowards(IPAddress destination, uint firewallMark) =>
        KernelNetwork.LookUpRoute(destination, firewallMark: firewallMark).Route is { LinkIndex: not 0 } way ? MtuOf([way.LinkIndex]) : null;

    public int? MtuOfDefaultRoutes() => MtuOf([.. ReadMain().Where(r => r.Prefix.PrefixLength == 0 && r.LinkIndex != 0).Select(r => r.LinkIndex)]);

    private static int? MtuOf(HashSet<int> links) => links.Count == 0 ? null : KernelNetwork.ReadLinks().Where(l => links.Contains(l.Index)).Min(l => (int?)l.Mtu);
}
