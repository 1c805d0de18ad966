using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>NAT and MSS clamping with real traffic: V has no way back to the tunnel's network, and the host has a firewall of its own.</summary>
public sealed class NatTests
{
    private const string HostRules = """
        table inet filter {
            chain forward { type filter hook forward priority filter; policy accept; ip daddr 198.51.100.1 drop; }
        }
        table ip nat {
            chain postrouting { type nat hook postrouting priority srcnat; policy accept; ip saddr 198.51.100.0/24 masquerade; }
        }
        """;

    [Fact]
    public async Task Masquerade_VWithoutAWayBack_AnswersOnceItIsOn()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await lab.GatewayHost.Run("sh", "-c", $"nft -f - <<'END'\n{HostRules}\nEND");
        var hostBefore = await HostsRuleset(lab);
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await lab.V.Ip("route del default");
        await using var v = await Capture.Start(lab.V, "eth0", "icmp");
        Assert.Equal(0, (await lab.U.Ping(ThreeHosts.VAddress, count: 2, wait: "0.3")).Received);

        var set = await lab.Api.Patch("tunnels/wg0", new { nat = new[] { new { prefix = "192.168.60.0/24", to = "masquerade" } } });

        Assert.Empty(set["problems"]!.AsArray());
        Assert.Equal(2, (await lab.U.Ping(ThreeHosts.VAddress, count: 2, more: ["-e", "7010"])).Received);
        await v.Sees(packet => packet is { IsEchoRequest: true, IcmpId: 7010 } && packet.IsBetween(ThreeHosts.GatewayInside, ThreeHosts.VAddress), "the request from the gateway's own address");
        Assert.Equal(hostBefore, await HostsRuleset(lab));

        // To a chosen address, and to none.
        await lab.GatewayHost.Ip("addr add 192.168.60.2/24 dev eth1");
        await lab.Api.Patch("tunnels/wg0", new { nat = new[] { new { prefix = "0.0.0.0/0", to = "masquerade" }, new { prefix = "192.168.60.0/24", to = "192.168.60.2" } } });
        Assert.Equal(2, (await lab.U.Ping(ThreeHosts.VAddress, count: 2, more: ["-e", "7011"])).Received);
        await v.Sees(packet => packet is { IsEchoRequest: true, IcmpId: 7011 } && packet.IsBetween("192.168.60.2", ThreeHosts.VAddress), "the request from the chosen address");
        await lab.Api.Patch("tunnels/wg0", new { nat = new[] { new { prefix = "0.0.0.0/0", to = "masquerade" }, new { prefix = "192.168.60.0/24", to = "none" } } });
        Assert.Equal(0, (await lab.U.Ping(ThreeHosts.VAddress, count: 2, wait: "0.3", more: ["-e", "7012"])).Received);
        await v.Sees(packet => packet is { IsEchoRequest: true, IcmpId: 7012 } && packet.IsBetween("192.168.53.99", ThreeHosts.VAddress), "the request from the client's own address");

        // Without a wish there is no table.
        await lab.Api.Patch("tunnels/wg0", new { nat = Array.Empty<object>() });
        Assert.Equal(hostBefore, await lab.GatewayHost.Run("nft", "list", "ruleset"));
    }

    [Fact]
    public async Task Masquerade_AfterAFlushAndAfterAKill_IsInForceAgain()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await lab.V.Ip("route del default");
        await lab.Api.Patch("tunnels/wg0", new { nat = new[] { new { prefix = "0.0.0.0/0", to = "masquerade" } } });
        await lab.U.Reaches(ThreeHosts.VAddress);
        var table = await OwnTable(lab);

        await lab.GatewayHost.Run("nft", "flush", "ruleset");
        await Eventually.True(async () => await OwnTable(lab) == table, "the table being put back");
        await lab.U.Reaches(ThreeHosts.VAddress);

        await lab.Gateway.Kill();
        // Whatever has become of it meanwhile.
        await lab.GatewayHost.Run("nft", "insert", "rule", "inet", "gateway", "nat", "ip", "daddr", "192.168.60.101", "accept");
        await lab.Gateway.Start();
        Assert.Equal(table, await OwnTable(lab));
        await lab.U.Reaches(ThreeHosts.VAddress);
    }

    [Fact]
    public async Task ForeignTableOfTheSameName_IsLeftAloneAndNamed()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await lab.GatewayHost.Run("nft", "add table inet gateway; add chain inet gateway input { type filter hook input priority 0; }; add rule inet gateway input tcp dport 9 drop");
        var before = await lab.GatewayHost.Run("nft", "list", "ruleset");
        await LabTunnel.Make(lab, LabClient.ConnectConf);
        var set = await lab.Api.Patch("tunnels/wg0", new { clampMss = true });
        Assert.Contains("not made here", set["problems"]![0]!["cause"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(before, await lab.GatewayHost.Run("nft", "list", "ruleset"));
    }

    [Fact]
    public async Task ClampMss_SynWithTooLargeAnOption_ArrivesAtVWithWhatTheTunnelTakes()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        // As behind a router that knows nothing of the tunnel's MTU: U offers more than the tunnel carries.
        await lab.U.Ip($"route change {LabTunnel.Intranet} dev {tunnel.ClientDevice} advmss 1460");
        await using var v = await Capture.Start(lab.V, "eth0", "tcp");

        await Connect(lab, 7001);
        await v.Sees(packet => MaximumSegmentSize(packet, 7001) == 1460, "the SYN as U sent it");

        await lab.Api.Patch("tunnels/wg0", new { clampMss = true });
        await Connect(lab, 7002);
        await v.Sees(packet => MaximumSegmentSize(packet, 7002) == 1380, "the SYN with the tunnel's 1420 less 40");
    }

    // Nothing listens: the SYN is what counts.
    private static Task<CommandResult> Connect(ThreeHosts lab, int port) =>
        lab.U.Try("/usr/bin/python3", "-c", $"import socket; s=socket.socket(); s.settimeout(5); s.connect_ex(('{ThreeHosts.VAddress}',{port}))");

    private static int? MaximumSegmentSize(Packet packet, int port)
    {
        if (!packet.IsTcp) return null;
        var ip = packet.Bytes.AsSpan(14); // behind the Ethernet header
        var tcp = (ip[0] & 0xF) * 4;
        if ((ip[tcp + 13] & 0x12) != 0x02 || (ip[tcp + 2] << 8 | ip[tcp + 3]) != port) return null;
        for (var i = tcp + 20; i < tcp + (ip[tcp + 12] >> 4) * 4 && ip[i] != 0;)
        {
            if (ip[i] == 2) return ip[i + 2] << 8 | ip[i + 3];
            i += ip[i] == 1 ? 1 : ip[i + 1];
        }

        return null;
    }

    private static async Task<string> OwnTable(ThreeHosts lab) => (await lab.GatewayHost.Try("nft", "list", "table", "inet", "gateway")).Output;

    // All but our own table.
    private static async Task<string> HostsRuleset(ThreeHosts lab) =>
        await lab.GatewayHost.Run("nft", "list", "table", "inet", "filter") + await lab.GatewayHost.Run("nft", "list", "table", "ip", "nat");
}
