using System.Net;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>Experiments 3, 4 and 5: the tunnel, the server behind it, and both directions.</summary>
public sealed class Experiment3To5TrafficTests
{
    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    public async Task Tunnel_PingsOfTheInternalPrefix_ArriveInsideDatagrams(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Make(lab, client);
        await using var outside = await Capture.Start(lab.GatewayHost, "eth0", "udp port 9090");
        await tunnel.StartClient(route: null);

        // No route on U yet: only the internal prefix leads into the device.
        await lab.U.Ping(ThreeHosts.VAddress, count: 1, wait: "0.3");
        await lab.U.Ping("192.168.53.1", count: 1, wait: "0.3");
        var datagram = await outside.Sees(packet => Packet.FromIp(packet.Payload).IsEchoRequest, "a datagram with an echo request");
        Assert.Equal((ThreeHosts.UAddress, 9090), (datagram.Source.ToString(), datagram.DestinationPort));
        Assert.True(Packet.FromIp(datagram.Payload).IsBetween("192.168.53.99", "192.168.53.1"), Packet.FromIp(datagram.Payload).ToString());
        outside.SawNo(packet => Packet.FromIp(packet.Payload).Destination.Equals(IPAddress.Parse(ThreeHosts.VAddress)), "a ping of V without a route");

        await lab.U.Ip($"route add {LabTunnel.Intranet} dev {tunnel.ClientDevice}");
        await lab.U.Ping(ThreeHosts.VAddress, count: 1, wait: "0.3");
        await outside.Sees(packet => Packet.FromIp(packet.Payload).IsBetween("192.168.53.99", ThreeHosts.VAddress), "a ping of V, routed into the tunnel");
    }

    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    [InlineData(LabClient.ConnectConf)]
    [InlineData(LabClient.WireGuardGo)]
    public async Task Server_ForwardsWhatArrives_VSeesTheClientAndAnswersIt(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Make(lab, client);
        await using var v = await Capture.Start(lab.V, "eth0", "icmp");
        await tunnel.StartClient();

        await lab.U.Reaches(ThreeHosts.VAddress);

        await v.Sees(packet => packet.IsEchoRequest && packet.IsBetween("192.168.53.99", ThreeHosts.VAddress), "a request from the client's tunnel address");
        await v.Sees(packet => packet.IsEchoReply && packet.IsBetween(ThreeHosts.VAddress, "192.168.53.99"), "V's answer to it");
    }

    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    [InlineData(LabClient.ConnectConf)]
    [InlineData(LabClient.WireGuardGo)]
    public async Task BothDirections_Ping_ShowsEveryLegOfTheWay(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, client);
        await using var uInside = await Capture.Start(lab.U, tunnel.ClientDevice, "icmp");
        await using var uOutside = await Capture.Start(lab.U, "eth0", $"udp port {tunnel.Port}");
        await using var gatewayTunnel = await Capture.Start(lab.GatewayHost, tunnel.ServerDevice, "icmp");
        await using var gatewayIntranet = await Capture.Start(lab.GatewayHost, "eth1", "icmp");

        var ping = await lab.U.Ping(ThreeHosts.VAddress, count: 5);

        Assert.Equal((5, 63), (ping.Received, ping.Ttl));
        var request = await uInside.Sees(packet => packet.IsEchoRequest, "the inner request");
        await uInside.Sees(packet => packet.IsEchoReply && packet.IcmpSequence == request.IcmpSequence, "the inner answer");
        var to = await uOutside.Sees(packet => packet.IsBetween(ThreeHosts.UAddress, ThreeHosts.GatewayOutside), "UDP to the gateway");
        var back = await uOutside.Sees(packet => packet.IsBetween(ThreeHosts.GatewayOutside, ThreeHosts.UAddress), "UDP back");
        Assert.Equal((tunnel.Port, to.SourcePort), (to.DestinationPort, back.DestinationPort));
        // Plain: nothing but the packet, 84 bytes, as the lab's tcpdump shows.
        if (tunnel.Port == 9090) Assert.Equal((84, 84), (to.Payload.Length, back.Payload.Length));

        // At the gateway each inner packet shows twice: at the tunnel's device and on the intranet, there with one hop less to live.
        foreach (var (sequence, ttlTunnel, ttlIntranet) in new[] { (1, 64, 63), (5, 64, 63) })
        {
            Assert.Equal(ttlTunnel, (await gatewayTunnel.Sees(packet => packet.IsEchoRequest && packet.IcmpSequence == sequence, "the request")).Ttl);
            Assert.Equal(ttlIntranet, (await gatewayIntranet.Sees(packet => packet.IsEchoRequest && packet.IcmpSequence == sequence, "the request")).Ttl);
            Assert.Equal(ttlTunnel, (await gatewayIntranet.Sees(packet => packet.IsEchoReply && packet.IcmpSequence == sequence, "the answer")).Ttl);
            Assert.Equal(ttlIntranet, (await gatewayTunnel.Sees(packet => packet.IsEchoReply && packet.IcmpSequence == sequence, "the answer")).Ttl);
        }
    }

    [Fact]
    public async Task ConnectPlain_AgainstTheLabsPythonServer_PassesBothWays()
    {
        await using var lab = await ThreeHosts.Create();
        await using var server = await PythonProgram.Server(lab.GatewayHost);
        await using var client = lab.U.Start(Binaries.Cli, "connect", "--plain", $"{ThreeHosts.GatewayOutside}:9090", "--name", "zhang%d", "--address", "192.168.53.99/24", "--route", LabTunnel.Intranet);
        await Eventually.True(async () => client.HasExited || await lab.U.HasLink("zhang0"), "zhang0 on U");

        var ping = await lab.U.Ping(ThreeHosts.VAddress);

        Assert.True(ping is { Received: 3, Ttl: 63 }, ping.Text + client.Output);
        await server.Says("From socket <==: 192.168.53.99 --> 192.168.60.101");
        await server.Says("From tun ==>: 192.168.60.101 --> 192.168.53.99");
        Assert.Equal(0, await client.Stop());
        await Eventually.True(async () => !await lab.U.HasLink("zhang0"), "zhang0 being gone");
    }

    [Theory]
    [InlineData(LabClient.ConnectConf)]
    [InlineData(LabClient.Python)]
    public async Task Telnet_ThroughTheTunnel_GivesAShellOnV(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, client);
        await using var session = await TelnetSession.Open(lab);

        await session.Shell.Type("ip -o -4 addr show dev eth0");

        await session.Shell.Says("inet 192.168.60.101/24");
    }
}
