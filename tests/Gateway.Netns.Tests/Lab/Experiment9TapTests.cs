using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>Experiment 9: a TAP device carries Ethernet frames, so that a ping begins with an ARP question.</summary>
public sealed class Experiment9TapTests
{
    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    public async Task Tap_PingOfNobody_AsksWhoHas(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await MakeTapTunnel(lab);
        await using var process = await StartClient(lab, client);
        await using var device = await Capture.Start(lab.U, "zhang0");
        await using var gatewayDevice = await Capture.Start(lab.GatewayHost, "tap0");

        await lab.U.Ping("192.168.53.1", count: 1, wait: "0.3");

        var question = await device.Sees(packet => packet.ArpOperation == 1, "an ARP question");
        Assert.True(question.IsBetween("192.168.53.99", "192.168.53.1"), question.ToString());
        Assert.Equal("ffffffffffff", question.EthernetDestination);
        device.SawNo(packet => packet.IsEchoRequest, "an IP packet before anybody answered");
        await gatewayDevice.Sees(packet => packet.ArpOperation == 1 && packet.IsBetween("192.168.53.99", "192.168.53.1"), "the question, at the gateway's device");
    }

    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    public async Task Tap_PingOfTheGateway_IsAnsweredAfterArp(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await MakeTapTunnel(lab);
        await using var process = await StartClient(lab, client);
        await using var device = await Capture.Start(lab.U, "zhang0");

        await lab.U.Reaches("192.168.53.98");

        await device.Sees(packet => packet.ArpOperation == 2 && packet.IsBetween("192.168.53.98", "192.168.53.99"), "the gateway's ARP answer");
        await device.Sees(packet => packet.IsEchoReply, "the answer");
    }

    [Fact]
    public async Task Tap_OurClientAgainstTheLabsPythonServer_PassesFrames()
    {
        await using var lab = await ThreeHosts.Create();
        await using var server = await PythonProgram.Server(lab.GatewayHost, "--tap", "--name", "tap%d");
        await using var process = await StartClient(lab, LabClient.ConnectPlain);

        await lab.U.Reaches("192.168.53.98");

        await server.Says("192.168.53.99 who-has 192.168.53.98");
    }

    private static async Task MakeTapTunnel(ThreeHosts lab)
    {
        await lab.Api.Post("tunnels", new { name = "tap0", transport = "plain", layer = "ethernet", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        await lab.Api.Post("tunnels/tap0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } });
        await Eventually.True(() => lab.GatewayHost.HasLink("tap0"), "tap0 on the gateway");
    }

    private static async Task<Child> StartClient(ThreeHosts lab, LabClient client)
    {
        if (client == LabClient.Python) return await PythonProgram.Client(lab.U, "--tap");
        var child = lab.U.Start(Binaries.Cli, "connect", "--plain", $"{ThreeHosts.GatewayOutside}:9090", "--tap", "--name", "zhang%d", "--address", "192.168.53.99/24");
        await Eventually.True(async () => child.HasExited || await lab.U.HasLink("zhang0"), "zhang0 on U");
        Assert.False(child.HasExited, child.Output);
        return child;
    }
}
