using System.Net;
using System.Security.Cryptography;
using Gateway.Protocol;
using Gateway.Testing;
using Xunit;

namespace Gateway.Engine.Tests;

/// <summary>A peer gets a new key: both work until the new one has made a session.</summary>
public class KeyRotationTests
{
    private const string HostU = "192.168.53.99";
    private const string HostV = "192.168.60.101";

    [Fact]
    public async Task Rotation_OldKey_WorksUntilTheNewOneHasMadeASession()
    {
        await using var pair = await Pair.StartAsync();
        var oldKey = pair.UConfig.PrivateKey!;
        var newKey = NewKey();
        await Passes(pair, "before");
        var counted = pair.GatewayPeer.ReceivedPackets;

        await Rotate(pair, newKey);
        await Passes(pair, "old key, old session");
        await Answers(pair, "to the old key");
        await UseKey(pair, oldKey, newKey);
        await Passes(pair, "new key");
        await Answers(pair, "to the new key");

        Assert.Equal(counted + 2, pair.GatewayPeer.ReceivedPackets);
        await HasHappened(pair, DataPlaneEventKind.KeyReplaced);
        // The configuration does not know yet, and changes meanwhile: the old key stays out all the same.
        var peer = pair.GatewayConfig.Peers[0];
        pair.GatewayConfig = pair.GatewayConfig with { Peers = [peer with { Name = "renamed" }] };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig]);
        await Answers(pair, "still to the new key");
        await UseKey(pair, newKey, oldKey);
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "old key again"u8));
        await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.HandshakeRefused) > 0, "the old key's handshake refused");
    }

    [Fact]
    public async Task Rotation_ClientRestartedWithTheOldKey_IsLetInAgain()
    {
        await using var pair = await Pair.StartAsync();
        await Passes(pair, "before");
        await Rotate(pair, NewKey());
        // As a client does that starts anew: no session is left, the key is the one that it has.
        await pair.U.ApplyAsync([]);
        pair.Time.Advance(TimeSpan.FromSeconds(1));
        await pair.U.ApplyAsync([pair.UConfig with { Id = Guid.NewGuid() }]);
        await Passes(pair, "after a restart with the old key");
        await Answers(pair, "and back");
    }

    [Fact]
    public async Task Rotation_GatewayDials_TriesTheNewKeyToo()
    {
        await using var pair = await Pair.StartAsync();
        var newKey = NewKey();
        // U waits to be called, under its new key.
        var u = pair.UConfig with { PrivateKey = newKey, ListenPort = 40000, Peers = [pair.UConfig.Peers[0] with { Endpoint = null }] };
        await pair.U.ApplyAsync([]);
        await pair.U.ApplyAsync([u with { Id = Guid.NewGuid() }]);
        pair.GatewayConfig = pair.GatewayConfig with { Peers = [pair.GatewayConfig.Peers[0] with { Endpoint = IPEndPoint.Parse("10.0.2.7:40000") }] };
        await Rotate(pair, newKey);
        await Answers(pair, "dialled");
    }

    [Fact]
    public async Task Rotation_GraceTimeEnds_OldKeyIsOut()
    {
        await using var pair = await Pair.StartAsync();
        await Passes(pair, "before");
        await Rotate(pair, NewKey());
        await Passes(pair, "in the grace time");
        pair.GatewayConfig = pair.GatewayConfig with { Peers = [pair.GatewayConfig.Peers[0] with { Previous = null }] };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig]);
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "too late"u8));
        await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.NoSession) > 0, "the old session unknown");
    }

    private static PrivateKey NewKey()
    {
        using var random = RandomNumberGenerator.Create();
        return PrivateKey.Generate(random);
    }

    private static async Task Rotate(Pair pair, PrivateKey newKey)
    {
        var peer = pair.GatewayConfig.Peers[0];
        pair.GatewayConfig = pair.GatewayConfig with
        {
            Peers = [peer with { PublicKey = newKey.GetPublicKey(Pair.Crypto), Previous = new PreviousKey(peer.PublicKey!.Value, peer.PresharedKey) }],
        };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig]);
    }

    private static async Task UseKey(Pair pair, PrivateKey old, PrivateKey key)
    {
        Assert.Equal(old.GetPublicKey(Pair.Crypto), pair.UConfig.PrivateKey!.GetPublicKey(Pair.Crypto));
        pair.UConfig = pair.UConfig with { PrivateKey = key };
        // A handshake starts at most every 20 ms, and its time must be a later one.
        pair.Time.Advance(TimeSpan.FromSeconds(1));
        await pair.U.ApplyAsync([pair.UConfig]);
    }

    private static async Task Passes(Pair pair, string text)
    {
        var packet = TestPackets.Udp(HostU, HostV, System.Text.Encoding.UTF8.GetBytes(text));
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    private static async Task Answers(Pair pair, string text)
    {
        var packet = TestPackets.Udp(HostV, HostU, System.Text.Encoding.UTF8.GetBytes(text));
        pair.GatewayDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.UDevice));
    }

    private static async Task HasHappened(Pair pair, DataPlaneEventKind kind)
    {
        using var deadline = new CancellationTokenSource(Pair.Deadline);
        await foreach (var happened in pair.Gateway.Events.ReadAllAsync(deadline.Token))
        {
            if (happened.Kind == kind) return;
        }
    }
}
