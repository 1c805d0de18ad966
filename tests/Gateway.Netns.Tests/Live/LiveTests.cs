using System.Globalization;
using System.Text.Json.Nodes;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Xunit;

namespace Gateway.Netns.Tests.Live;

/// <summary>What the gateway says of real traffic, against what the programs at its ends and tcpdump say of it (the lab's three hosts).</summary>
public sealed class LiveTests
{
    [Fact]
    public async Task Flow_OfAnIperfRun_HasTheBytesThatIperfCounted()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.WireGuardGo);
        await using var server = lab.V.Start("iperf3", "--server", "--one-off", "--forceflush");
        await server.Says("listening");
        // Slower than the tunnel can: what still lies in U's buffers at the end was never sent, and iperf3 counts it in part.
        var report = JsonNode.Parse(await lab.U.Run("iperf3", "--client", ThreeHosts.VAddress, "--bitrate", "50M", "--time", "4", "--json"))!;
        var sent = report["end"]!["sum_received"]!["bytes"]!.GetValue<long>();

        var flows = (await lab.Api.Get("flows?filter=dport%3D5201%20and%20bytes%3E1M"))["items"]!.AsArray();
        var flow = Assert.Single(flows)!;
        Assert.Equal(("host-u", "tcp", "192.168.53.99", ThreeHosts.VAddress, "iperf3", true), (
            flow["peer"]!.GetValue<string>(), flow["protocol"]!.GetValue<string>(), flow["source"]!.GetValue<string>(), flow["destination"]!.GetValue<string>(),
            flow["service"]!.GetValue<string>(), flow["startedByPeer"]!.GetValue<bool>()));
        // IP bytes hold 52 of headers a packet (TCP with timestamps), which iperf does not count; retransmissions neither.
        var (bytes, packets) = (flow["bytesFromPeer"]!.GetValue<long>(), flow["packetsFromPeer"]!.GetValue<long>());
        var payload = bytes - (packets * 52);
        Assert.InRange(payload / (double)sent, 0.98, 1.02);
        Assert.True(flow["roundTripToPeerMs"]!.GetValue<double>() > 0);
        Assert.True(flow["roundTripToOtherMs"]!.GetValue<double>() > 0);
    }

    [Fact]
    public async Task Capture_OfAPing_IsReadByTsharkAndTcpdump_WithTheIdsThatTcpdumpSaw()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.WireGuardGo);
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "gateway.pcapng");
        await using var device = await Capture.Start(lab.GatewayHost, tunnel.ServerDevice, "icmp");
        await using var capture = lab.GatewayHost.Start(Curl("packets.pcapng?filter=icmp&peer=host-u&count=6", file));
        // Armed once the file has its header.
        await Eventually.True(() => Task.FromResult(File.Exists(file) && new FileInfo(file).Length > 0), "the capture having begun");
        Assert.Equal(3, (await lab.U.Ping(ThreeHosts.VAddress, count: 3)).Received);
        Assert.Equal(0, await capture.Ends());

        var lines = await Fields(file, "icmp.type", "icmp.ident", "icmp.seq", "frame.comment", "frame.interface_name");
        Assert.Equal(6, lines.Count);
        var requests = lines.Where(line => line[0] == "8").ToList();
        var replies = lines.Where(line => line[0] == "0").ToList();
        Assert.Equal(["1", "2", "3"], requests.Select(line => First(line[2])));
        Assert.Equal(["1", "2", "3"], replies.Select(line => First(line[2])));
        Assert.All(requests, line => Assert.Equal("peer host-u, from it, passed", line[3]));
        Assert.All(replies, line => Assert.Equal("peer host-u, to it, passed", line[3]));
        Assert.All(lines, line => Assert.Equal(tunnel.ServerDevice, line[4]));
        var seen = await device.Sees(packet => packet.IsEchoRequest, "the request");
        Assert.All(lines, line => Assert.Equal(seen.IcmpId, Number(First(line[1]))));
        Assert.Contains("ICMP echo request", await Command.Run("tcpdump", "-n", "-r", file), StringComparison.Ordinal);

        static string First(string field) => field.Split(',')[0];
        static int Number(string text) => text.StartsWith("0x", StringComparison.Ordinal) ? Convert.ToInt32(text, 16) : int.Parse(text, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task DropsAndPackets_OfAForeignDestination_NameThePeerAndTheReason()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.WireGuardGo);
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "packets.json");
        await lab.U.Ip($"route add 10.99.0.0/24 dev {tunnel.ClientDevice}");
        await lab.U.Run("wg", "set", tunnel.ClientDevice, "peer", (await lab.U.Run("wg", "show", tunnel.ClientDevice, "peers")).Trim(), "allowed-ips", "0.0.0.0/0");
        await using var capture = lab.GatewayHost.Start(Curl("packets?verdict=dropped&filter=icmp&count=1", file));
        await Eventually.True(
            async () =>
            {
                await lab.U.Ping("10.99.0.1", count: 1, wait: "0.2");
                return capture.HasExited;
            },
            "a dropped packet");
        var packet = JsonNode.Parse((await File.ReadAllLinesAsync(file)).First(line => line.Contains("summary", StringComparison.Ordinal)))!;
        Assert.Equal(("host-u", "destination not allowed"), (packet["peer"]!.GetValue<string>(), packet["verdict"]!.GetValue<string>()));
        Assert.Contains("192.168.53.99 > 10.99.0.1: ICMP echo request", packet["summary"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.StartsWith(ThreeHosts.UAddress + ":", packet["outerRemote"]!.GetValue<string>(), StringComparison.Ordinal);
        var drop = Assert.Single((await lab.Api.Get("drops?peer=host-u&prefix=10.99.0.0/24"))["items"]!.AsArray())!;
        Assert.Equal(("destination not allowed", "in"), (drop["reason"]!.GetValue<string>(), drop["way"]!.GetValue<string>()));
        Assert.NotEmpty((await lab.Api.Get("events?kind=peer-connected&peer=host-u"))["items"]!.AsArray());
    }

    private static string[] Curl(string path, string file) =>
        ["curl", "-sS", "--no-buffer", "--max-time", "60", "-H", $"Authorization: Bearer {GatewayProcess.Token}", "-o", file, $"http://127.0.0.1:8080/api/v1/{path}"];

    private static async Task<List<string[]>> Fields(string file, params string[] fields)
    {
        var output = await Command.Run(["tshark", "-r", file, "-T", "fields", "-E", "separator=/t", .. fields.SelectMany(field => new[] { "-e", field })]);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))];
    }
}
