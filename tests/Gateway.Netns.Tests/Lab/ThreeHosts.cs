using Gateway.Netns.Tests.Harness;

namespace Gateway.Netns.Tests.Lab;

/// <summary>
/// The VPN tunneling lab, with its own addresses. U and V share no network; only the gateway is on both.
/// <code>
///   U                internet 10.0.2.0/24               gateway                intranet 192.168.60.0/24               V
///   eth0 10.0.2.7 ------------------------ 10.0.2.8 eth0       eth1 192.168.60.1 -------------------- 192.168.60.101 eth0
///   (no default route)                                (ip_forward 1)                           (default via 192.168.60.1)
/// </code>
/// </summary>
internal sealed class ThreeHosts : IAsyncDisposable
{
    public const string UAddress = "10.0.2.7", GatewayOutside = "10.0.2.8", GatewayInside = "192.168.60.1", VAddress = "192.168.60.101";

    private ThreeHosts(Host u, Host gateway, Host v) => (U, GatewayHost, V, Gateway) = (u, gateway, v, new GatewayProcess(gateway));

    public Host U { get; }

    public Host GatewayHost { get; }

    public Host V { get; }

    /// <summary>The process in the middle; not started yet.</summary>
    public GatewayProcess Gateway { get; }

    public Api Api => Gateway.Api;

    public static async Task<ThreeHosts> Create()
    {
        var lab = new ThreeHosts(await Host.Create("u"), await Host.Create("gw"), await Host.Create("v"));
        await Host.Connect(lab.U, "eth0", lab.GatewayHost, "eth0");
        await Host.Connect(lab.GatewayHost, "eth1", lab.V, "eth0");
        await AddAddress(lab.U, "eth0", UAddress);
        await AddAddress(lab.GatewayHost, "eth0", GatewayOutside);
        await AddAddress(lab.GatewayHost, "eth1", GatewayInside);
        await AddAddress(lab.V, "eth0", VAddress);
        await lab.V.Ip($"route add default via {GatewayInside}");
        await lab.GatewayHost.SetSysctl("net.ipv4.ip_forward", "1");
        await Eventually.True(async () => !(await lab.GatewayHost.Ip("link show")).Contains("NO-CARRIER", StringComparison.Ordinal), "links with a carrier");
        // A new namespace may inherit rp_filter from the machine: the experiments start from a known state.
        await lab.GatewayHost.SetSysctl("net.ipv4.conf.all.rp_filter", "0");
        await lab.GatewayHost.SetSysctl("net.ipv4.conf.default.rp_filter", "0");
        await lab.GatewayHost.SetSysctl("net.ipv4.conf.eth0.rp_filter", "0");
        await lab.GatewayHost.SetSysctl("net.ipv4.conf.eth1.rp_filter", "0");
        return lab;
    }

    /// <summary>The three hosts with a running gateway.</summary>
    public static async Task<ThreeHosts> WithGateway()
    {
        var lab = await Create();
        try
        {
            await lab.Gateway.Start();
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await U.DisposeAsync();
        await GatewayHost.DisposeAsync();
        await V.DisposeAsync();
    }

    private static async Task AddAddress(Host host, string device, string address)
    {
        await host.Ip($"addr add {address}/24 dev {device}");
        await host.Ip($"link set {device} up");
    }
}
