using System.Collections.Immutable;
using System.Net;
using Gateway.Cli.Device;
using Gateway.Engine;
using Gateway.Linux.Uapi;
using Gateway.Protocol;
using Xunit;

namespace Gateway.Tests.Cli;

/// <summary>A set request, from its lines to the configuration that it makes of a device.</summary>
public sealed class UapiSetTests
{
    private static readonly LibcryptoPrimitives Crypto = new();
    private static readonly PrivateKey Own = Key(1);
    private static readonly string OwnPublic = Own.GetPublicKey(Crypto).ToHex();
    private static readonly string A = Key(2).GetPublicKey(Crypto).ToHex();
    private static readonly string B = Key(3).GetPublicKey(Crypto).ToHex();
    private static readonly TunnelConfig Empty = new() { Id = Guid.NewGuid(), Name = "wg0", ManageLink = false, PrivateKey = Own };

    private static PrivateKey Key(byte fill) => new(Enumerable.Repeat(fill, 32).ToArray());

    private static (UapiChange? Change, UapiError? Error) Parse(params string[] lines)
    {
        var parser = new UapiSetParser();
        foreach (var line in lines) parser.Read(line);
        return parser.Finish();
    }

    private static TunnelConfig Set(TunnelConfig config, params string[] lines)
    {
        var (change, error) = Parse(lines);
        Assert.Null(error);
        return DeviceChange.Apply(config, change!, Crypto);
    }

    private static PeerConfig Peer(TunnelConfig config, string key) => config.Peers.Single(p => p.PublicKey!.Value.ToHex() == key);

    private static string[] Allowed(TunnelConfig config, string key) => [.. Peer(config, key).AllowedIps.Select(p => p.ToString())];

    [Fact]
    public void Device_AllKeys_AreSet()
    {
        var config = Set(Empty, $"private_key={Key(9).ToHex()}", "listen_port=51820", "fwmark=51820", $"public_key={A}", $"preshared_key={Key(7).ToHex()}",
            "protocol_version=1", "endpoint=[fe80::1%1]:51820", "persistent_keepalive_interval=25", "replace_allowed_ips=true", "allowed_ip=10.0.0.9/24", "allowed_ip=::/0");
        Assert.Equal(Key(9), config.PrivateKey);
        Assert.Equal((51820, 51820u), (config.ListenPort, config.FirewallMark));
        var peer = Peer(config, A);
        Assert.Equal(Key(7).ToHex(), peer.PresharedKey!.ToHex());
        Assert.Equal(IPEndPoint.Parse("[fe80::1%1]:51820"), peer.Endpoint);
        Assert.Equal(TimeSpan.FromSeconds(25), peer.PersistentKeepalive);
        Assert.Equal(["10.0.0.0/24", "::/0"], Allowed(config, A));
    }

    [Theory]
    [InlineData("private_key=00", -22)]
    [InlineData("private_key", -71)]
    [InlineData("listen_port=65536", -22)]
    [InlineData("listen_port= 1", -22)]
    [InlineData("fwmark=4294967296", -22)]
    [InlineData("fwmark=0x1", -22)]
    [InlineData("replace_peers=false", -22)]
    [InlineData("bogus=1", -22)]
    [InlineData("endpoint=1.2.3.4:5", -22)]
    [InlineData("public_key=zz", -22)]
    [InlineData("public_key=0000000000000000000000000000000000000000000000000000000000000000", -22)]
    public void DeviceLine_ThatIsWrong_IsRefused(string line, int code)
    {
        var (change, error) = Parse("listen_port=1", line, "this line is not looked at any more");
        Assert.Null(change);
        Assert.Equal(code, error!.Code);
    }

    [Theory]
    [InlineData("endpoint=example.com:51820")]
    [InlineData("endpoint=1.2.3.4")]
    [InlineData("endpoint=1.2.3.4:99999")]
    [InlineData("endpoint=::1:51820")]
    [InlineData("allowed_ip=10.0.0.0")]
    [InlineData("allowed_ip=10.0.0.0/33")]
    [InlineData("allowed_ip=10.0.0/8")]
    [InlineData("allowed_ip=--10.0.0.0/8")]
    [InlineData("persistent_keepalive_interval=65536")]
    [InlineData("preshared_key=0")]
    [InlineData("protocol_version=2")]
    [InlineData("remove=false")]
    [InlineData("update_only=1")]
    [InlineData("replace_allowed_ips=")]
    [InlineData("private_key=0000000000000000000000000000000000000000000000000000000000000000")]
    public void PeerLine_ThatIsWrong_IsRefused(string line) => Assert.Equal(-22, Parse($"public_key={A}", line).Error!.Code);

    [Fact]
    public void Error_NeverHoldsAKey() =>
        Assert.DoesNotContain("0101010", Parse($"private_key={Key(1).ToHex()}ff").Error!.Message + Parse($"nonsense_key={Key(1).ToHex()}").Error!.Message, StringComparison.Ordinal);

    [Fact]
    public void AllowedIp_GivenToAnotherPeer_LeavesTheFirst()
    {
        var before = Set(Empty, $"public_key={A}", "allowed_ip=10.0.0.0/24", "allowed_ip=10.0.1.0/24", $"public_key={B}", "allowed_ip=10.0.2.0/24");
        var after = Set(before, $"public_key={B}", "allowed_ip=10.0.0.77/24");
        Assert.Equal(["10.0.1.0/24"], Allowed(after, A));
        Assert.Equal(["10.0.2.0/24", "10.0.0.0/24"], Allowed(after, B));
    }

    [Fact]
    public void AllowedIp_MovedThereAndBackInOneRequest_EndsWithTheLast()
    {
        var after = Set(Empty, $"public_key={A}", "allowed_ip=10.0.0.0/24", $"public_key={B}", "allowed_ip=10.0.0.0/24", $"public_key={A}", "allowed_ip=10.0.0.0/24");
        Assert.Equal(["10.0.0.0/24"], Allowed(after, A));
        Assert.Empty(Allowed(after, B));
    }

    [Fact]
    public void AllowedIp_WithMinus_IsTakenOnlyFromItsOwner()
    {
        var before = Set(Empty, $"public_key={A}", "allowed_ip=10.0.0.0/24", "allowed_ip=10.0.1.0/24", $"public_key={B}", "allowed_ip=10.0.2.0/24");
        var after = Set(before, $"public_key={B}", "allowed_ip=-10.0.0.0/24", $"public_key={A}", "allowed_ip=-10.0.1.0/24");
        Assert.Equal(["10.0.0.0/24"], Allowed(after, A));
        Assert.Equal(["10.0.2.0/24"], Allowed(after, B));
        Assert.Same(Peer(before, B), Peer(after, B));
    }

    [Fact]
    public void ReplaceAllowedIps_ClearsAlsoWhatTheRequestGaveBefore()
    {
        var before = Set(Empty, $"public_key={A}", "allowed_ip=10.0.0.0/24");
        Assert.Equal(["10.0.9.0/24"], Allowed(Set(before, $"public_key={A}", "allowed_ip=10.0.8.0/24", "replace_allowed_ips=true", "allowed_ip=10.0.9.0/24"), A));
        Assert.Empty(Allowed(Set(before, $"public_key={A}", "replace_allowed_ips=true"), A));
    }

    [Fact]
    public void OwnKey_AsPeer_IsIgnored() => Assert.Empty(Set(Empty, $"public_key={OwnPublic}", "allowed_ip=10.0.0.0/24", "remove=true", $"public_key={OwnPublic}").Peers);

    [Fact]
    public void PrivateKey_ThatBelongsToAPeer_RemovesThatPeer()
    {
        var before = Set(Empty, $"public_key={A}", $"public_key={B}");
        Assert.Equal([B], Set(before, $"private_key={Key(2).ToHex()}").Peers.Select(p => p.PublicKey!.Value.ToHex()));
    }

    [Fact]
    public void PrivateKey_OfZeros_TakesItAway() => Assert.Null(Set(Empty, $"private_key={new string('0', 64)}").PrivateKey);

    [Fact]
    public void PresharedKey_OfZeros_TakesItAway()
    {
        var before = Set(Empty, $"public_key={A}", $"preshared_key={Key(7).ToHex()}");
        Assert.Null(Peer(Set(before, $"public_key={A}", $"preshared_key={new string('0', 64)}"), A).PresharedKey);
    }

    [Fact]
    public void ReplacePeers_KeepsOnlyThoseOfTheRequest()
    {
        var before = Set(Empty, $"public_key={A}", "allowed_ip=10.0.0.0/24");
        var after = Set(before, "replace_peers=true", $"public_key={B}", "allowed_ip=10.0.0.0/24");
        Assert.Equal([B], after.Peers.Select(p => p.PublicKey!.Value.ToHex()));
        Assert.Equal(["10.0.0.0/24"], Allowed(after, B));
    }

    [Fact]
    public void Remove_TakesThePeerAndFreesItsPrefixes()
    {
        var before = Set(Empty, $"public_key={A}", "allowed_ip=10.0.0.0/24", $"public_key={B}");
        var after = Set(before, $"public_key={A}", "remove=true", "allowed_ip=10.0.0.0/8", $"public_key={B}", "allowed_ip=10.0.0.0/24");
        Assert.Equal([B], after.Peers.Select(p => p.PublicKey!.Value.ToHex()));
        Assert.Equal(["10.0.0.0/24"], Allowed(after, B));
        Assert.Empty(Set(after, $"public_key={A}", "remove=true", $"public_key={B}", "remove=true").Peers);
    }

    [Fact]
    public void UpdateOnly_MakesNoPeer()
    {
        var before = Set(Empty, $"public_key={A}");
        var after = Set(before, $"public_key={A}", "update_only=true", "persistent_keepalive_interval=7", $"public_key={B}", "update_only=true", "allowed_ip=10.0.0.0/24");
        Assert.Equal(TimeSpan.FromSeconds(7), Assert.Single(after.Peers).PersistentKeepalive);
    }

    [Fact]
    public void Peers_ThatNothingHappenedTo_StayTheSameObjects()
    {
        var before = Set(Empty, $"public_key={A}", "allowed_ip=10.0.0.0/24", "endpoint=192.0.2.1:1", $"public_key={B}");
        var after = Set(before, $"public_key={B}", "persistent_keepalive_interval=5", $"public_key={A}", "allowed_ip=10.0.0.0/24", "endpoint=192.0.2.1:1", "persistent_keepalive_interval=0",
            $"preshared_key={new string('0', 64)}");
        Assert.Same(Peer(before, A), Peer(after, A));
        Assert.NotSame(Peer(before, B), Peer(after, B));
        Assert.Equal(Peer(before, B).Id, Peer(after, B).Id);
    }

    [Fact]
    public void Endpoint_SetBackAfterRoaming_BecomesAChange()
    {
        var config = Set(Empty, $"public_key={A}", "endpoint=192.0.2.1:1", $"public_key={B}", "endpoint=192.0.2.2:2");
        var roamed = IPEndPoint.Parse("198.51.100.7:7");
        var same = UserspaceDevice.WithSeenEndpoints(config, _ => roamed, Parse($"public_key={A}", "endpoint=192.0.2.1:1").Change!);
        Assert.Equal(roamed, Peer(same!, A).Endpoint);
        Assert.Same(Peer(config, B), Peer(same!, B));
        Assert.Null(UserspaceDevice.WithSeenEndpoints(config, _ => roamed, Parse($"public_key={A}", "endpoint=192.0.2.9:1").Change!));
        Assert.Null(UserspaceDevice.WithSeenEndpoints(config, _ => roamed, Parse("listen_port=1").Change!));
    }

    [Fact]
    public void Get_WritesWhatWgReads()
    {
        var config = Set(Empty, "listen_port=0", "fwmark=7", $"public_key={A}", "allowed_ip=10.0.0.0/24", "persistent_keepalive_interval=5", $"public_key={B}");
        var at = DateTimeOffset.UnixEpoch.AddSeconds(1000).AddTicks(5);
        var status = new TunnelStatus(config.Id, "wg0", TunnelState.Up, null, null, null, 4242, 1420, [], [], [], 2, 11, 22);
        var peer = new PeerStatus(config.Peers[0].Id, config.Peers[0].Name, config.Peers[0].PublicKey, new IPEndPoint(IPAddress.Parse("::ffff:192.0.2.1"), 9), at, null, null, 11, 22, 0, 0, ImmutableArray<long>.Empty);
        var zero = new string('0', 64);
        Assert.Equal(
            $"private_key={Own.ToHex()}\nlisten_port=4242\nfwmark=7\n" +
            $"public_key={A}\npreshared_key={zero}\nprotocol_version=1\nendpoint=192.0.2.1:9\nlast_handshake_time_sec=1000\nlast_handshake_time_nsec=500\ntx_bytes=22\nrx_bytes=11\npersistent_keepalive_interval=5\nallowed_ip=10.0.0.0/24\n" +
            $"public_key={B}\npreshared_key={zero}\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n",
            UapiText.Write(new UapiDevice(config, status, [peer])));
    }
}
