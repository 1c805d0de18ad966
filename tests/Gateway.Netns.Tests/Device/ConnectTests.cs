using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Device;

/// <summary>gateway connect FILE.conf against wireguard-go.</summary>
public sealed class ConnectTests
{
    private static async Task<string> WriteConf(WireGuardPair pair, string more, string allowed)
    {
        var conf = Path.Combine(pair.Files.Path, "home.conf");
        await File.WriteAllTextAsync(conf, $"""
            [Interface]
            PrivateKey = {(await File.ReadAllTextAsync(Path.Combine(pair.Files.Path, "left"))).Trim()}
            Address = 192.168.241.1/24, fd41::1/64
            {more}
            [Peer]
            PublicKey = {pair.RightKey}
            PresharedKey = {(await File.ReadAllTextAsync(Path.Combine(pair.Files.Path, "psk"))).Trim()}
            AllowedIPs = {allowed}
            Endpoint = 10.77.0.2:20000
            """);
        return conf;
    }

    private static async Task<WireGuardPair> Pair()
    {
        var pair = await WireGuardPair.Tunnel(WireGuardPair.Theirs, WireGuardPair.Theirs);
        await pair.Left.Ip("link del wg0");
        return pair;
    }

    [Fact]
    public async Task File_OfWgQuick_MakesTheTunnelUntilASignal()
    {
        await using var pair = await Pair();
        var touched = Path.Combine(pair.Files.Path, "touched");
        var conf = await WriteConf(pair, $"MTU = 1400\nDNS = 192.168.241.2\nPostUp = touch {touched}", "192.168.241.0/24, fd41::/64, 172.31.0.0/16");
        var before = await pair.Left.Run("/bin/sh", "-c", "ip route; ip -6 route; ip addr");
        await using var process = pair.Left.Start(Binaries.Cli, "connect", conf);
        await process.Says("Handshake with 10.77.0.2:20000 completed");
        await pair.Left.Reaches("192.168.241.2");
        await pair.Left.Reaches("fd41::2");
        Assert.Contains("mtu 1400", await pair.Left.Run("ip", "link", "show", "home"), StringComparison.Ordinal);
        Assert.Contains("172.31.0.0/16", await pair.Left.Run("ip", "route", "show", "dev", "home"), StringComparison.Ordinal);
        Assert.Contains("PostUp is not run: touch", process.Output, StringComparison.Ordinal);
        Assert.Contains("resolvectl dns home 192.168.241.2", process.Output, StringComparison.Ordinal);
        Assert.Equal(0, await process.Stop());
        Assert.False(File.Exists(touched));
        Assert.Equal(before, await pair.Left.Run("/bin/sh", "-c", "ip route; ip -6 route; ip addr"));
    }

    [Fact]
    public async Task DefaultRoute_LeadsIntoTheTunnel_AndTheEndpointAroundIt()
    {
        await using var pair = await Pair();
        await pair.Right.Ip("addr add 203.0.113.9/32 dev lo");
        await pair.Right.Run("wg", "set", "wg0", "peer", pair.LeftKey, "allowed-ips", "192.168.241.1/32,fd41::1/128");
        // The endpoint is behind a router: only the default route leads there.
        await pair.Right.Ip("addr add 198.51.100.1/32 dev lo");
        await pair.Left.Ip("route add default via 10.77.0.2");
        var conf = await WriteConf(pair, "", "0.0.0.0/0, ::/0");
        await File.WriteAllTextAsync(conf, (await File.ReadAllTextAsync(conf)).Replace("10.77.0.2:20000", "198.51.100.1:20000", StringComparison.Ordinal));
        var before = await pair.Left.Run("/bin/sh", "-c", "ip route; ip -6 route");
        await using var process = pair.Left.Start(Binaries.Cli, "connect", conf, "--name", "home0");
        await process.Says("completed");
        await pair.Left.Reaches("203.0.113.9");
        Assert.Contains("dev home0", await pair.Left.Run("ip", "route", "get", "203.0.113.9"), StringComparison.Ordinal);
        Assert.Contains("via 10.77.0.2", await pair.Left.Run("ip", "route", "get", "198.51.100.1"), StringComparison.Ordinal);
        Assert.Equal(0, await process.Stop("INT"));
        Assert.Equal(before, await pair.Left.Run("/bin/sh", "-c", "ip route; ip -6 route"));
    }

    [Fact]
    public async Task Start_ThatCannotBe_ExitsWith1AndLeavesNothing()
    {
        await using var pair = await Pair();
        await using var other = pair.Left.Start(Binaries.Cli, "device", "-f", "wg1");
        await other.Says("is ready");
        await pair.Left.Run("wg", "set", "wg1", "listen-port", "7777");
        var busy = await pair.Left.Try(Binaries.Cli, "connect", await WriteConf(pair, "ListenPort = 7777", "172.31.0.0/16"));
        Assert.Equal(1, busy.ExitCode);
        Assert.Contains("7777", Assert.Single(busy.Error.Split('\n'), l => l.StartsWith("gateway: ", StringComparison.Ordinal)), StringComparison.Ordinal);

        var repeated = await pair.Left.Try(Binaries.Cli, "connect", await WriteConf(pair, "", "172.31.0.0/16\nEndpoint = 10.77.0.2:1"));
        Assert.Equal(2, repeated.ExitCode);
        Assert.Contains("home.conf:10: Endpoint is given again", repeated.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await pair.Left.TryIp("link show dev home")).ExitCode);
        foreach (var result in new[] { busy, repeated }) Assert.DoesNotContain("   at ", result.All, StringComparison.Ordinal);
    }
}
