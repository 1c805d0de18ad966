using Gateway.Benchmarks.Tunnel.Traffic;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;

namespace Gateway.Benchmarks.Tunnel;

/// <summary>
/// The lab's three hosts, with IPv6 beside IPv4 and an address on V for each slot.
/// <code>
///   U 10.0.2.7, fd00:2::7 ---- 10.0.2.8, fd00:2::8 gateway 192.168.60.1, fd00:60::1 ---- V 192.168.60.101…, fd00:60::101…
/// </code>
/// </summary>
internal sealed class Bed : IAsyncDisposable
{
    private const string UAddress6 = "fd00:2::7", GatewayOutside6 = "fd00:2::8", GatewayInside6 = "fd00:60::1";

    private Bed(ThreeHosts lab) => (Lab, Iperf) = (lab, new IperfServer(lab.V));

    public ThreeHosts Lab { get; }

    public Host U => Lab.U;

    public Host Gateway => Lab.GatewayHost;

    public Host V => Lab.V;

    /// <summary>The other end of TCP runs.</summary>
    public IperfServer Iperf { get; }

    /// <summary>The gateway's address on the outer network.</summary>
    public static string GatewayOutside(Family family) => family == Family.V4 ? ThreeHosts.GatewayOutside : GatewayOutside6;

    /// <summary>An endpoint as wg writes it.</summary>
    public static string Endpoint(Slot slot, Family outer) => outer == Family.V4 ? $"{GatewayOutside(outer)}:{slot.Port}" : $"[{GatewayOutside(outer)}]:{slot.Port}";

    public static async Task<Bed> Create(params Slot[] slots)
    {
        var bed = new Bed(await ThreeHosts.Create());
        try
        {
            // nodad: an address is usable at once instead of after duplicate address detection.
            await bed.U.Ip($"addr add {UAddress6}/64 dev eth0 nodad");
            await bed.Gateway.Ip($"addr add {GatewayOutside6}/64 dev eth0 nodad");
            await bed.Gateway.Ip($"addr add {GatewayInside6}/64 dev eth1 nodad");
            foreach (var slot in slots)
            {
                if (slot.VAddress(Family.V4) != ThreeHosts.VAddress) await bed.V.Ip($"addr add {slot.VAddress(Family.V4)}/24 dev eth0");
                await bed.V.Ip($"addr add {slot.VAddress(Family.V6)}/64 dev eth0 nodad");
            }
            await bed.V.Ip($"-6 route add default via {GatewayInside6}");
            await bed.Gateway.SetSysctl("net.ipv6.conf.all.forwarding", "1");
            await bed.Iperf.Start();
            return bed;
        }
        catch
        {
            await bed.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until V answers to U through this slot's tunnel, on both families.</summary>
    public async Task UReachesV(Slot slot)
    {
        await U.Reaches(slot.VAddress(Family.V4));
        await U.Reaches(slot.VAddress(Family.V6));
    }

    /// <summary>
    /// Switches UDP segmentation offload of the outer devices. A veth pair hands a UDP super-packet over whole; without the offload the kernel
    /// cuts it before the device, as for most real network cards.
    /// </summary>
    public async Task SetUdpSegmentation(bool on)
    {
        foreach (var host in (Host[])[U, Gateway]) await host.Run("ethtool", "-K", "eth0", "tx-udp-segmentation", on ? "on" : "off");
    }

    public async ValueTask DisposeAsync()
    {
        await Iperf.DisposeAsync();
        await Lab.DisposeAsync();
    }
}
