using System.Net;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>Experiment 2: what a TUN device is, what is routed into it, and what can be written to it.</summary>
public sealed class Experiment2DeviceTests
{
    [Theory]
    [InlineData("tun0", "tun0")]
    [InlineData("zhang%d", "zhang0")]
    public async Task Device_JustMade_IsPointToPointAndDown(string pattern, string expected)
    {
        await using var lab = await ThreeHosts.Create();
        await using var program = await PythonProgram.Client(lab.U, "--name", pattern, "--down");
        await using var ours = lab.GatewayHost.Start(Binaries.Cli, "device", "--foreground", pattern);
        await Eventually.True(async () => (await lab.GatewayHost.TryIp($"link show {expected}")).ExitCode == 0 || ours.HasExited, $"{expected} of gateway device");

        foreach (var host in new[] { lab.U, lab.GatewayHost })
        {
            var link = await host.Ip($"link show {expected}");
            var flags = Host.LinkFlags(link);
            Assert.Superset(new HashSet<string> { "POINTOPOINT", "MULTICAST", "NOARP" }, flags);
            Assert.DoesNotContain("UP", flags);
            Assert.Contains("state DOWN", link, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    public async Task Device_WithAddressAndLinkUp_ShowsBoth(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Make(lab, client);
        await tunnel.StartClient();

        var shown = await lab.U.Ip("addr show zhang0");
        Assert.Superset(new HashSet<string> { "UP", "LOWER_UP" }, Host.LinkFlags(shown));
        Assert.Contains("inet 192.168.53.99/24", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    public async Task Device_OnlyTheInternalPrefixRouted_SeesPingsOfItAndNoOthers(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Make(lab, client, clientRoute: null);
        await tunnel.StartClient(route: null);
        await using var device = await Capture.Start(lab.U, "zhang0");

        var unrouted = await lab.U.Ping("192.168.60.0", count: 1, wait: "0.3", more: ["-b"]);
        await lab.U.Ping("192.168.53.1", count: 1, wait: "0.3");

        var request = await device.Sees(packet => packet.IsEchoRequest, "an echo request");
        Assert.True(request.IsBetween("192.168.53.99", "192.168.53.1"), request.ToString());
        Assert.Equal((true, 64, 84), (request.DontFragment, request.Ttl, request.Length));
        device.SawNo(packet => packet.Destination.Equals(IPAddress.Parse("192.168.60.0")), "a packet that no route leads here");
        Assert.Equal(0, unrouted.Received);
    }

    [Fact]
    public async Task PythonProgram_WritesForgedPacketAndText_DeviceShowsBoth()
    {
        await using var lab = await ThreeHosts.Create();
        await using (await PythonProgram.Client(lab.U, "--write", "forged"))
        {
            await using var device = await Capture.Start(lab.U, "zhang0");
            await lab.U.Ping("192.168.53.1", count: 1, wait: "0.3");

            var request = await device.Sees(packet => packet.IsEchoRequest, "an echo request");
            var forged = await device.Sees(packet => packet.IsEchoReply, "the forged answer");
            Assert.True(forged.IsBetween("1.2.3.4", "192.168.53.99"), forged.ToString());
            Assert.Equal((request.IcmpId, request.IcmpSequence), (forged.IcmpId, forged.IcmpSequence));
        }
        await using (await PythonProgram.Client(lab.U, "--write", "text"))
        {
            await using var device = await Capture.Start(lab.U, "zhang0");
            await lab.U.Ping("192.168.53.1", count: 1, wait: "0.3");
            await device.Sees(packet => packet.Bytes.AsSpan().SequenceEqual("hello"u8), "the five bytes");
        }
    }

    [Fact]
    public async Task CraftedPacket_ForgedOverRest_IsSeenAtTheDevice()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Make(lab, LabClient.ConnectPlain);
        await using var device = await Capture.Start(lab.GatewayHost, tunnel.ServerDevice);
        var request = Packets.EchoRequest("1.2.3.4", tunnel.ServerAddress, id: 77, sequence: 5);

        await lab.Api.Post($"tunnels/{tunnel.ServerDevice}/packets", new { to = "device", hex = Convert.ToHexStringLower(request) });

        var forged = await device.Sees(packet => packet.IsEchoRequest, "the forged request");
        Assert.True(forged.IsBetween("1.2.3.4", tunnel.ServerAddress), forged.ToString());
        Assert.Equal((77, 5), (forged.IcmpId, forged.IcmpSequence));
        Assert.Equal(request, forged.Bytes);
    }

    [Fact]
    public async Task CraftedPacket_ToPeer_ReachesTheClientsDevice()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.Python);
        await using var device = await Capture.Start(lab.U, tunnel.ClientDevice);
        var request = Packets.EchoRequest("1.2.3.4", "192.168.53.99", id: 78, sequence: 6);

        await lab.Api.Post($"tunnels/{tunnel.ServerDevice}/packets", new { to = "peer", peer = tunnel.PeerId, hex = Convert.ToHexStringLower(request) });

        var seen = await device.Sees(packet => packet.IcmpId == 78, "the crafted request");
        Assert.Equal(request, seen.Bytes);
    }

    [Theory]
    [InlineData("device", "68656c6c6f")]
    [InlineData("device", "")]
    [InlineData("device", "4500")]
    [InlineData("peer", "68656c6c6f")]
    public async Task CraftedPacket_Garbage_IsRefusedWithOneSentenceAndNothingIsWritten(string to, string hex)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.Python);
        await using var device = await Capture.Start(lab.GatewayHost, tunnel.ServerDevice);

        var answer = await lab.Api.Ask(HttpMethod.Post, $"tunnels/{tunnel.ServerDevice}/packets", new { to, peer = to == "peer" ? tunnel.PeerId : null, hex });

        Assert.InRange((int)answer.Status, 400, 422);
        Assert.Contains("hex", answer.Text, StringComparison.Ordinal);
        await lab.U.Reaches(ThreeHosts.VAddress);
        await device.Sees(packet => packet.IsEchoReply, "the ping that follows");
        device.SawNo(packet => packet.Protocol == 0 && packet.Bytes.Length < 20, "the garbage");
    }

    [Fact]
    public async Task GarbageFromTheNetwork_IsCountedAndNotWritten()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.Python);
        await using var device = await Capture.Start(lab.GatewayHost, tunnel.ServerDevice);

        await lab.U.Run("/usr/bin/python3", "-c", $"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'hello', ('{ThreeHosts.GatewayOutside}', {tunnel.Port}))");

        await Eventually.True(
            async () => (await lab.Api.Get($"tunnels/{tunnel.ServerDevice}")).ToJsonString().Contains("not IP", StringComparison.Ordinal)
                || (await lab.Api.Get($"tunnels/{tunnel.ServerDevice}")).ToJsonString().Contains("malformed", StringComparison.Ordinal),
            "the drop being counted");
        await lab.U.Reaches(ThreeHosts.VAddress);
        device.SawNo(packet => packet.Bytes.AsSpan().SequenceEqual("hello"u8), "the garbage");
    }

    private static byte[] EchoRequest(string source, string destination, ushort id, ushort sequence) => Packets.EchoRequest(source, destination, id, sequence);
}
