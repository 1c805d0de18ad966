using System.Net;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>
/// Experiment 8: the client's tunnel address is moved to 192.168.30.99, and no answer comes. Two causes look alike from U:
/// <list type="bullet">
/// <item>rp_filter refuses the request as it enters from the TUN, as no route (strict: no route by that device) leads to its source
/// (kernel fib_validate_source): V sees nothing;</item>
/// <item>the request passes, and V's answer dies on the gateway, which has no route for 192.168.30.0/24 into the tunnel, or sends it out of
/// its default route.</item>
/// </list>
/// The peer owns 192.168.30.0/24 with <c>kernelRoute: false</c>: otherwise Gateway would install the missing route itself.
/// </summary>
public sealed class Experiment8ClientAddressTests
{
    private const string Moved = "192.168.30.99", MovedPrefix = "192.168.30.0/24";

    /// <summary>Nobody: what leaves that way shows as an unanswered ARP question.</summary>
    private const string DefaultRouter = "10.0.2.254";

    [Theory]
    [InlineData("off", false, true)]
    [InlineData("off", true, true)]
    [InlineData("strict", false, false)]
    [InlineData("strict", true, false)]
    // Loose asks for any route to the source: without a default route there is none, and it drops like strict.
    [InlineData("loose", false, false)]
    [InlineData("loose", true, true)]
    public async Task MovedAddress_ByRpFilterAndDefaultRoute_DiesWhereTheKernelSaysSo(string rpFilter, bool defaultRoute, bool vSeesTheRequest)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Make(lab, LabClient.ConnectPlain);
        await lab.Api.Post($"peers/{tunnel.PeerId}/routes", new { prefix = MovedPrefix, installOn = "gateway", kernelRoute = false });
        var set = await lab.Api.Patch($"interfaces/{tunnel.ServerDevice}", new { rpFilter });
        Assert.Equal(KernelValue(rpFilter), await lab.GatewayHost.Sysctl($"net.ipv4.conf.{tunnel.ServerDevice}.rp_filter"));
        Assert.Contains(rpFilter, set.ToJsonString(), StringComparison.Ordinal);
        if (defaultRoute) await lab.GatewayHost.Ip($"route add default via {DefaultRouter}");
        await tunnel.StartClient();
        await lab.U.Reaches(ThreeHosts.VAddress);
        await lab.U.Ip($"addr flush dev {tunnel.ClientDevice}");
        await lab.U.Ip($"addr add {Moved}/24 dev {tunnel.ClientDevice}");
        await lab.U.Ip($"route replace {LabTunnel.Intranet} dev {tunnel.ClientDevice}");
        await using var uOutside = await Capture.Start(lab.U, "eth0", "udp port 9090");
        await using var gatewayTunnel = await Capture.Start(lab.GatewayHost, tunnel.ServerDevice, "icmp");
        await using var gatewayOutside = await Capture.Start(lab.GatewayHost, "eth0", "arp");
        await using var gatewayIntranet = await Capture.Start(lab.GatewayHost, "eth1", "icmp");
        var refusedBefore = await ReversePathDrops(lab.GatewayHost);

        var ping = await lab.U.Ping(ThreeHosts.VAddress, count: 2, wait: "0.3");

        Assert.Equal(0, ping.Received);
        await uOutside.Sees(packet => Packet.FromIp(packet.Payload).IsBetween(Moved, ThreeHosts.VAddress), "the datagram leaving U");
        await gatewayTunnel.Sees(packet => packet.IsEchoRequest && packet.IsBetween(Moved, ThreeHosts.VAddress), "the request entering from the tunnel");
        var refused = await ReversePathDrops(lab.GatewayHost) - refusedBefore;
        if (vSeesTheRequest)
        {
            // The second cause: the request was forwarded, V answered, and the answer went no further.
            await gatewayIntranet.Sees(packet => packet.IsEchoRequest && packet.IsBetween(Moved, ThreeHosts.VAddress), "the request on its way to V");
            await gatewayIntranet.Sees(packet => packet.IsEchoReply && packet.IsBetween(ThreeHosts.VAddress, Moved), "V's answer arriving");
            Assert.Equal(0, refused);
            if (defaultRoute) await gatewayOutside.Sees(packet => packet.ArpOperation == 1 && packet.Destination.Equals(IPAddress.Parse(DefaultRouter)), "the answer leaving by the default route");
        }
        else
        {
            // The first cause: the kernel refused the request by its source.
            gatewayIntranet.SawNo(packet => packet.IsBetween(Moved, ThreeHosts.VAddress), "a request that rp_filter refuses");
            Assert.True(refused >= 2, $"IPReversePathFilter grew by {refused}");
        }
        uOutside.SawNo(packet => Packet.FromIp(packet.Payload).IsEchoReply, "an answer on its way to U");

        // One remedy for both: the route that says where 192.168.30.0/24 is, not a weaker rp_filter.
        var routes = await lab.Api.Get($"peers/{tunnel.PeerId}/routes");
        var own = routes["items"]!.AsArray().Single(route => route!["prefix"]!.GetValue<string>() == MovedPrefix)!;
        await lab.Api.Delete($"routes/{own["id"]}");
        await lab.Api.Post($"peers/{tunnel.PeerId}/routes", new { prefix = MovedPrefix, installOn = "gateway" });
        await lab.U.Reaches(ThreeHosts.VAddress);
    }

    private static string KernelValue(string rpFilter) => rpFilter switch { "off" => "0", "strict" => "1", _ => "2" };

    /// <summary>TcpExt IPReversePathFilter of /proc/net/netstat: a line of names, a line of values.</summary>
    private static async Task<long> ReversePathDrops(Host host)
    {
        var lines = (await host.Run("cat", "/proc/net/netstat")).Split('\n').Where(line => line.StartsWith("TcpExt:", StringComparison.Ordinal)).ToArray();
        var column = Array.IndexOf(lines[0].Split(' '), "IPReversePathFilter");
        return long.Parse(lines[1].Split(' ')[column], System.Globalization.CultureInfo.InvariantCulture);
    }
}
