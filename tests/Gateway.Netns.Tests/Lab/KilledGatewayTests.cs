using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.Netns.Tests.Harness;
using Xunit;
using Capture = Gateway.Netns.Tests.Harness.Capture;

namespace Gateway.Netns.Tests.Lab;

/// <summary>kill -9 of the gateway: what it comes back to, and what goes on through it.</summary>
public sealed partial class KilledGatewayTests
{
    /// <summary>What changes by itself while nothing is changed.</summary>
    private static readonly string[] Volatile =
    [
        "state", "lastHandshake", "lastReceived", "lastSent", "receivedBytes", "sentBytes", "receivedPackets", "sentPackets", "drops", "lastEndpoint", "startedAt",
    ];

    [Fact]
    public async Task Gateway_KilledAndStartedAgain_IsInExactlyTheSameState()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await lab.Api.Post($"peers/{tunnel.PeerId}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        await lab.Api.Post("tunnels", new { name = "zhang%d", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.54.1/24", "fd53::1/64" } });
        await lab.Api.Patch("interfaces/wg0", new { rpFilter = "loose" });
        await Eventually.True(() => lab.GatewayHost.HasLink("zhang0"), "zhang0");
        await Eventually.True(async () => (await lab.GatewayHost.Ip("route show 192.168.70.0/24")).Length > 0, "the kernel route");
        await Settled(lab.GatewayHost);
        var (kernel, api) = (await KernelState(lab.GatewayHost), await ApiState(lab.Api));

        await lab.Gateway.Kill();
        Assert.False(await lab.GatewayHost.HasLink("wg0"));
        await lab.Gateway.Start();

        var (kernelAfter, apiAfter) = ("", "");
        try
        {
            await Eventually.True(
                async () => (kernelAfter = await KernelState(lab.GatewayHost)) == kernel && (apiAfter = await ApiState(lab.Api)) == api, "the same state as before the kill");
        }
        catch (TimeoutException)
        {
            // What differs says more than that something does.
            Assert.Equal(kernel, kernelAfter);
            Assert.Equal(api, apiAfter);
        }
        await lab.U.Reaches(ThreeHosts.VAddress);
    }

    [Fact]
    public async Task Gateway_KilledAndStartedAgain_StartsHandshakesByItself()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.WireGuardGo);
        // Written as soon as the session stands, but not before a busy machine gets to it; the file itself says when.
        await Eventually.True(async () => await StoredEndpoints(lab.Gateway) == 1, "the peer's endpoint in the database");
        await lab.Gateway.Kill();
        // Nothing comes from U any more, so that only the gateway can begin.
        await lab.U.Ip("link set wgu down");
        await using var outside = await Capture.Start(lab.GatewayHost, "eth0", "udp port 51820");

        await lab.Gateway.Start();

        var initiation = await outside.Sees(packet => packet.IsBetween(ThreeHosts.GatewayOutside, ThreeHosts.UAddress), "a handshake initiation to the last known endpoint");
        Assert.Equal((148, 1), (initiation.Payload.Length, initiation.Payload[0]));
    }

    [Theory]
    [InlineData(LabClient.ConnectConf)]
    [InlineData(LabClient.WireGuardGo)]
    public async Task Gateway_KilledUnderATelnetSession_TheSessionGoesOn(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, client);
        await using var session = await TelnetSession.Open(lab);

        await lab.Gateway.Kill();
        await session.Ask("typed");
        await lab.Gateway.Start();

        await session.Shell.Says(TelnetSession.Answer("typed"), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Gateway_StoppedInAnOrderlyWay_LeavesNothingBehind()
    {
        await using var lab = await ThreeHosts.Create();
        await Settled(lab.GatewayHost);
        var before = await KernelState(lab.GatewayHost);
        await lab.Gateway.Start();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await lab.Api.Post($"peers/{tunnel.PeerId}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });

        Assert.Equal(0, await lab.Gateway.Stop());

        Assert.Equal(before, await KernelState(lab.GatewayHost));
    }

    /// <summary>A new link has no carrier for a moment, and then its IPv6 address is tentative.</summary>
    private static Task Settled(Host host) => Eventually.True(
        async () => (await host.Ip("addr show")) is var state && !state.Contains("NO-CARRIER", StringComparison.Ordinal) && !state.Contains("tentative", StringComparison.Ordinal), "settled links");

    private static async Task<int> StoredEndpoints(GatewayProcess gateway) => int.Parse(await Command.Run(
        ["/usr/bin/python3", "-c", "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute('select count(LastEndpoint) from Peers').fetchone()[0])", Path.Combine(gateway.DataDirectory, "gateway.db")]),
        CultureInfo.InvariantCulture);

    /// <summary>Links, addresses, routes and rules as ip shows them, without what counts up.</summary>
    private static async Task<string> KernelState(Host host)
    {
        var parts = new List<string>();
        foreach (var what in new[] { "-o link show", "-o addr show", "route show table all", "-6 route show table all", "rule show", "-6 rule show" })
        {
            var lines = (await host.Ip(what)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => InterfaceIndex().Replace(line, "")).Where(line => !LinkLocal().IsMatch(line)).Order(StringComparer.Ordinal);
            parts.Add($"{what}:\n{string.Join('\n', lines)}");
        }
        var rpFilter = await host.Try("sh", "-c", "sysctl -a 2>/dev/null | grep rp_filter | grep -v arp_filter");
        return string.Join('\n', [.. parts, rpFilter.Output]);
    }

    private static async Task<string> ApiState(Api api)
    {
        var parts = new List<string>();
        foreach (var path in new[] { "tunnels", "tunnels/wg0/peers", "routes", "interfaces" })
        {
            var json = await api.Get(path);
            Strip(json);
            parts.Add(json.ToJsonString());
        }
        return string.Join('\n', parts);
    }

    private static void Strip(JsonNode? node)
    {
        if (node is JsonObject members)
        {
            foreach (var name in Volatile) members.Remove(name);
            foreach (var (_, value) in members) Strip(value);
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items) Strip(item);
        }
    }

    // A TUN device gets a new index and a new random link-local address each time that it is made.
    [GeneratedRegex(@"^\d+: |(?<=@)if\d+| link-netns \S+| link-netnsid \d+")]
    private static partial Regex InterfaceIndex();

    [GeneratedRegex(@"fe80:|\bff00::/8\b")]
    private static partial Regex LinkLocal();
}
