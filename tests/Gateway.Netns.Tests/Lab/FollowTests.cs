using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>A connected client follows what is changed over REST; nobody else learns of it.</summary>
public sealed class FollowTests
{
    private const string Url = "http://192.168.53.1:51820/api/v1/self/config";

    [Fact]
    public async Task Connect_RouteAddedOverRest_ReachesVWithoutARestart()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Make(lab, LabClient.ConnectConf, clientRoute: null);
        await tunnel.StartClient();
        await lab.U.Reaches(tunnel.ServerAddress);
        Assert.Equal(0, (await lab.U.Ping(ThreeHosts.VAddress, count: 1)).Received);

        var route = await lab.Api.Post($"peers/{tunnel.PeerId}/routes", new { prefix = LabTunnel.Intranet });

        await tunnel.Client.Says($"route {LabTunnel.Intranet} added");
        await lab.U.Reaches(ThreeHosts.VAddress);
        await lab.Api.Patch("tunnels/wg0", new { mtu = 1380, dnsServers = new[] { "192.168.60.53" } });
        await tunnel.Client.Says("MTU 1380");
        await tunnel.Client.Says("DNS 192.168.60.53");
        Assert.Contains("mtu 1380", await lab.U.Ip($"link show {tunnel.ClientDevice}"), StringComparison.Ordinal);
        await lab.Api.Delete($"routes/{route["id"]}");
        await tunnel.Client.Says($"route {LabTunnel.Intranet} removed");
    }

    [Fact]
    public async Task SelfConfig_IsGivenThroughTheTunnelOnly()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.WireGuardGo);
        Assert.Contains("\"peer\":\"host-u\"", (await Curl(lab.U)).Output, StringComparison.Ordinal);
        // The gateway's own host gets there, with an address that is no peer's; a host that writes the peer's address on its packets outside gets no answer.
        Assert.Contains("is no peer's own address", (await Curl(lab.GatewayHost)).Output.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
        await lab.V.Ip("addr add 192.168.53.99/32 dev lo");
        await lab.V.Ip($"route add 192.168.53.1/32 via {ThreeHosts.GatewayInside} src 192.168.53.99");
        Assert.NotEqual(0, (await Curl(lab.V)).ExitCode);
    }

    private static Task<CommandResult> Curl(Host host) => host.Try("curl", "-s", "--max-time", "3", Url);
}
