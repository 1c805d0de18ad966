using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Device;

/// <summary>gateway device against wireguard-go, either as initiator, and against itself.</summary>
public sealed class InteropTests
{
    [Theory]
    [InlineData(WireGuardPair.Ours, WireGuardPair.Theirs)]
    [InlineData(WireGuardPair.Theirs, WireGuardPair.Ours)]
    [InlineData(WireGuardPair.Ours, WireGuardPair.Ours)]
    public async Task Tunnel_OverBothFamilies_CarriesBothAndFollowsRoaming(string left, string right)
    {
        await using var pair = await WireGuardPair.Tunnel(left, right);

        // The left one dials over IPv4; both families pass inside, with the pre-shared key.
        await pair.Left.Run("wg", "set", "wg0", "peer", pair.RightKey, "endpoint", "10.77.0.2:20000");
        await pair.Left.Reaches("192.168.241.2");
        await pair.Left.Reaches("fd41::2");
        await pair.Right.Reaches("192.168.241.1");
        await pair.Right.Reaches("fd41::1");
        Assert.Equal("10.77.0.1:10000", await WireGuardPair.Endpoint(pair.Right, pair.LeftKey));

        // It moves to another port, and the other end follows.
        await pair.Left.Run("wg", "set", "wg0", "listen-port", "9999");
        await pair.Left.Reaches("192.168.241.2");
        Assert.Equal("10.77.0.1:9999", await WireGuardPair.Endpoint(pair.Right, pair.LeftKey));

        // The right one dials over IPv6 outside.
        await pair.Right.Run("wg", "set", "wg0", "peer", pair.LeftKey, "endpoint", "[fd77::1]:9999");
        await pair.Right.Reaches("fd41::1");
        Assert.Equal("[fd77::2]:20000", await WireGuardPair.Endpoint(pair.Left, pair.RightKey));

        // An endpoint that is set back to what it was first counts, although the peer has roamed since.
        await pair.Left.Run("wg", "set", "wg0", "peer", pair.RightKey, "endpoint", "10.77.0.2:20000");
        await pair.Left.Reaches("192.168.241.2");
        Assert.Equal("10.77.0.2:20000", await WireGuardPair.Endpoint(pair.Left, pair.RightKey));

        var transfer = (await pair.Left.Run("wg", "show", "wg0", "transfer")).Trim().Split('\t');
        Assert.True(long.Parse(transfer[1], null) > 500 && long.Parse(transfer[2], null) > 500, string.Join(' ', transfer));
        Assert.NotEqual("0", (await pair.Left.Run("wg", "show", "wg0", "latest-handshakes")).Trim().Split('\t')[1]);
    }

    [Fact]
    public async Task PresharedKey_ThatDiffers_LetsNothingPass()
    {
        await using var pair = await WireGuardPair.Tunnel(WireGuardPair.Ours, WireGuardPair.Theirs);
        await pair.Left.Run("wg", "set", "wg0", "peer", pair.RightKey, "preshared-key", await pair.NewKey("other"), "endpoint", "10.77.0.2:20000");
        Assert.Equal(0, (await pair.Left.Ping("192.168.241.2", count: 2)).Received);
    }

    [Fact]
    public async Task AllowedIp_GivenToAnotherPeer_StopsTheFirst()
    {
        await using var pair = await WireGuardPair.Tunnel(WireGuardPair.Ours, WireGuardPair.Theirs);
        await pair.Left.Run("wg", "set", "wg0", "peer", pair.RightKey, "endpoint", "10.77.0.2:20000");
        await pair.Left.Reaches("192.168.241.2");
        var other = await WireGuardPair.PublicKey(await pair.NewKey("other"));
        await pair.Left.Run("wg", "set", "wg0", "peer", other, "allowed-ips", "192.168.241.2/32");
        Assert.Equal(0, (await pair.Right.Ping("192.168.241.1", count: 2)).Received);
        Assert.DoesNotContain("192.168.241.2/32", (await pair.Left.Run("wg", "show", "wg0", "allowed-ips")).Split('\n').Single(l => l.StartsWith(pair.RightKey, StringComparison.Ordinal)), StringComparison.Ordinal);
        await pair.Left.Run("wg", "set", "wg0", "peer", other, "remove", "peer", pair.RightKey, "allowed-ips", "192.168.241.2/32");
        await pair.Right.Reaches("192.168.241.1");
    }

    [Fact]
    public async Task Device_MovedToAnotherNamespace_KeepsItsSocketsBehind()
    {
        await using var pair = await WireGuardPair.Tunnel(WireGuardPair.Ours, WireGuardPair.Theirs);
        await using var inner = await Host.Create("inner");
        await pair.Left.Run("wg", "set", "wg0", "peer", pair.RightKey, "endpoint", "10.77.0.2:20000");
        await pair.Left.Ip($"link set wg0 netns {inner.Name}");
        await inner.Ip("addr add 192.168.241.1/24 dev wg0");
        await inner.Ip("link set wg0 up");
        await inner.Reaches("192.168.241.2");
        // What is bound later stays there too.
        await pair.Left.Run("wg", "set", "wg0", "listen-port", "9998");
        await inner.Reaches("192.168.241.2");
        Assert.Equal("10.77.0.1:9998", await WireGuardPair.Endpoint(pair.Right, pair.LeftKey));
    }

    [Fact]
    public async Task ListenPort_InUse_IsRefusedAndTheOldOneStays()
    {
        await using var pair = await WireGuardPair.Tunnel(WireGuardPair.Ours, WireGuardPair.Theirs);
        await pair.Left.Run([.. WireGuardPair.Program(WireGuardPair.Ours), "wg1"]);
        await pair.Left.Run("wg", "set", "wg1", "listen-port", "7777");
        var refused = await pair.Left.Try("wg", "set", "wg0", "listen-port", "7777", "fwmark", "5");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("Address already in use", refused.All, StringComparison.Ordinal);
        Assert.Equal("10000", (await pair.Left.Run("wg", "show", "wg0", "listen-port")).Trim());
        Assert.Equal("off", (await pair.Left.Run("wg", "show", "wg0", "fwmark")).Trim());
        await pair.Left.Run("wg", "set", "wg0", "peer", pair.RightKey, "endpoint", "10.77.0.2:20000");
        await pair.Left.Reaches("192.168.241.2");
    }

    [Fact]
    public async Task Configuration_OfManyPrefixes_ComesBackWhole()
    {
        await using var pair = await WireGuardPair.Wire();
        await pair.Left.Run([.. WireGuardPair.Program(WireGuardPair.Ours), "wg0"]);
        var peer = await WireGuardPair.PublicKey(await pair.NewKey("peer"));
        var path = Path.Combine(pair.Files.Path, "many.conf");
        var prefixes = Enumerable.Range(1, 60).SelectMany(a => Enumerable.Range(0, 256).Select(b => $"AllowedIPs = {a}.{b}.0.0/16, {a:x}::{b:x}/128"));
        await File.WriteAllLinesAsync(path, ["[Interface]", $"PrivateKey = {(await File.ReadAllTextAsync(await pair.NewKey("own"))).Trim()}", "[Peer]", $"PublicKey = {peer}", .. prefixes]);
        await pair.Left.Run("wg", "setconf", "wg0", path);
        var shown = (await pair.Left.Run("wg", "show", "wg0", "allowed-ips")).Split(['\t', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1 + (60 * 256 * 2), shown.Length);
    }
}
