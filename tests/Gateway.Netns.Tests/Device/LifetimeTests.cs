using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Device;

/// <summary>gateway device as a process: when it is ready, what ends it, what it refuses to start with, and wg-quick on top of it.</summary>
public sealed class LifetimeTests
{
    private static async Task<bool> HasSocket(Host host) => (await host.Try("test", "-S", "/run/wireguard/wg0.sock")).ExitCode == 0;

    private static async Task<string[]> Processes(Host host) =>
        [.. (await Command.Run("ip", "netns", "pids", host.Name)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(pid => File.Exists($"/proc/{pid}/cmdline") && File.ReadAllText($"/proc/{pid}/cmdline").Contains("device\0--foreground", StringComparison.Ordinal))];

    private static Task Ended(Host host) => Eventually.True(async () => (await Processes(host)).Length == 0 && !await HasSocket(host), "the device's process and socket are gone");

    [Fact]
    public async Task Daemon_WhenItsParentReturns_IsReadyAndAlone()
    {
        await using var host = await Host.Create("device");
        await host.Run(Binaries.Cli, "device", "wg0");
        Assert.Contains("mtu 1420", await host.Run("ip", "link", "show", "wg0"), StringComparison.Ordinal);
        Assert.Equal("600", (await host.Run("stat", "-c", "%a", "/run/wireguard/wg0.sock")).Trim());
        Assert.Contains("listening port", await host.Run("wg", "show", "wg0"), StringComparison.Ordinal);
        var pid = Assert.Single(await Processes(host));
        Assert.Equal(pid, (await File.ReadAllTextAsync($"/proc/{pid}/stat")).Split(") ")[1].Split(' ')[3]); // leads its own session
        foreach (var stream in (int[])[0, 1, 2]) Assert.Equal("/dev/null", new FileInfo($"/proc/{pid}/fd/{stream}").LinkTarget);
    }

    [Fact]
    public async Task Device_Deleted_EndsTheProcess()
    {
        await using var host = await Host.Create("device");
        await host.Run(Binaries.Cli, "device", "wg0");
        await host.Ip("link del wg0");
        await Ended(host);
        await host.Run(Binaries.Cli, "device", "wg0");
        await host.Run("wg", "show", "wg0");
    }

    [Fact]
    public async Task Socket_Removed_EndsTheProcessAndTheDevice()
    {
        await using var host = await Host.Create("device");
        await host.Run(Binaries.Cli, "device", "wg0");
        await host.Run("rm", "/run/wireguard/wg0.sock");
        await Ended(host);
        await Eventually.True(async () => (await host.TryIp("link show dev wg0")).ExitCode != 0, "the device is gone");
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task Foreground_OnASignal_EndsWith0AndTakesAllAway(string signal)
    {
        await using var host = await Host.Create("device");
        await using var process = host.Start(Binaries.Cli, "device", "-f", "wg0");
        await process.Says("is ready");
        Assert.Equal(0, await process.Stop(signal));
        Assert.False(await HasSocket(host));
        Assert.NotEqual(0, (await host.TryIp("link show dev wg0")).ExitCode);
    }

    [Fact]
    public async Task Socket_OfAKilledProcess_IsReplaced()
    {
        await using var host = await Host.Create("device");
        await using (var process = host.Start(Binaries.Cli, "device", "-f", "wg0"))
        {
            await process.Says("is ready");
            await process.Kill();
        }

        Assert.True(await HasSocket(host));
        await host.Run(Binaries.Cli, "device", "wg0");
        await host.Run("wg", "show", "wg0");
    }

    [Fact]
    public async Task Start_WhileTheDeviceRuns_IsRefusedInOneSentence()
    {
        await using var host = await Host.Create("device");
        await host.Run(Binaries.Cli, "device", "wg0");
        var refused = await host.Try(Binaries.Cli, "device", "wg0");
        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith("gateway: ", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", refused.All, StringComparison.Ordinal);
        await host.Run("wg", "show", "wg0");
    }

    [Fact]
    public async Task Start_WithoutCapability_IsRefusedInOneSentence()
    {
        await using var host = await Host.Create("device");
        var refused = await host.Try("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", "--", Binaries.Cli, "device", "wg0");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("CAP_NET_ADMIN", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", refused.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.168.241.0/24, fd41::/64")]
    [InlineData("0.0.0.0/0, ::/0")]
    public async Task WgQuick_UpAndDown_RunsOnIt(string allowed)
    {
        await using var pair = await WireGuardPair.Tunnel(WireGuardPair.Theirs, WireGuardPair.Theirs);
        await pair.Left.Ip("link del wg0");
        await Eventually.True(async () => !await HasSocket(pair.Left), "wireguard-go has ended");
        var conf = Path.Combine(pair.Files.Path, "wg0.conf");
        await File.WriteAllTextAsync(conf, $"""
            [Interface]
            PrivateKey = {(await File.ReadAllTextAsync(Path.Combine(pair.Files.Path, "left"))).Trim()}
            Address = 192.168.241.1/24, fd41::1/64
            [Peer]
            PublicKey = {pair.RightKey}
            PresharedKey = {(await File.ReadAllTextAsync(Path.Combine(pair.Files.Path, "psk"))).Trim()}
            AllowedIPs = {allowed}
            Endpoint = 10.77.0.2:20000
            """);
        string[] quick = ["env", $"WG_QUICK_USERSPACE_IMPLEMENTATION={Binaries.Cli}", "wg-quick"];
        await pair.Left.Run([.. quick, "up", conf]);
        await pair.Left.Reaches("192.168.241.2");
        await pair.Left.Reaches("fd41::2");
        Assert.Single(await Processes(pair.Left));
        await pair.Left.Run([.. quick, "down", conf]);
        await Ended(pair.Left);
    }
}
