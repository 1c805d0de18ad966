using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>Experiment 7: V's way back. The request arrives whatever V's routes are; the answer needs one.</summary>
public sealed class Experiment7WayBackTests
{
    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    [InlineData(LabClient.ConnectConf)]
    public async Task WayBack_OnlyWithARouteOnV_AnswersComeBack(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, client);
        await using var v = await Capture.Start(lab.V, "eth0", "icmp");
        await using var gatewayIntranet = await Capture.Start(lab.GatewayHost, "eth1", "icmp");

        await lab.V.Ip("route del default");
        var without = await lab.U.Ping(ThreeHosts.VAddress, count: 2, wait: "0.3", more: ["-e", "7001"]);
        Assert.Equal(0, without.Received);
        await v.Sees(packet => packet is { IsEchoRequest: true, IcmpId: 7001 }, "the request, all the same");
        gatewayIntranet.SawNo(packet => packet is { IsEchoReply: true, IcmpId: 7001 }, "an answer without a route");

        await lab.V.Ip($"route add {LabTunnel.Internal} via {ThreeHosts.GatewayInside}");
        Assert.Equal(2, (await lab.U.Ping(ThreeHosts.VAddress, count: 2)).Received);
    }
}
