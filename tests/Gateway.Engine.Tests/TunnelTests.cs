using System.Net;
using Gateway.Engine.Ports;
using Gateway.Testing;
using Xunit;

namespace Gateway.Engine.Tests;

public class TunnelTests
{
    private const string HostU = "192.168.53.99";
    private const string HostV = "192.168.60.101";

    [Fact]
    public async Task Packet_BothWays_ArrivesUnchanged()
    {
        await using var pair = await Pair.StartAsync();
        var request = TestPackets.Udp(HostU, HostV, "ask"u8);
        var answer = TestPackets.Udp(HostV, HostU, "answer"u8, 2222, 1111);

        pair.UDevice.SendPacket(request);
        Assert.Equal(request, await Pair.ReceiveAsync(pair.GatewayDevice));
        pair.GatewayDevice.SendPacket(answer);
        Assert.Equal(answer, await Pair.ReceiveAsync(pair.UDevice));

        await Pair.UntilAsync(() => pair.GatewayPeer is { ReceivedPackets: 1, SentPackets: 1, LastHandshake: not null }, "counted at the gateway");
        Assert.Equal("10.0.2.7", pair.GatewayPeer.Endpoint!.Address.ToString());
    }

    [Fact]
    public async Task Packet_IPv6Inside_ArrivesUnchanged()
    {
        await using var pair = await Pair.StartAsync();
        var packet = TestPackets.Udp("fd53::99", "fd60::101", "six"u8);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    [Fact]
    public async Task Packets_BeforeTheSession_WaitAndArriveInOrder()
    {
        await using var pair = await Pair.StartAsync(vnetHeader: false);
        var packets = Enumerable.Range(0, 40).Select(i => TestPackets.Udp(HostU, HostV, [(byte)i])).ToArray();
        foreach (var packet in packets) pair.UDevice.SendPacket(packet);
        foreach (var packet in packets) Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    [Theory]
    [InlineData(HostU, HostV)]
    [InlineData("fd53::99", "fd60::101")]
    public async Task SuperPacket_Tcp_IsSplitSealedAndCoalescedToTheSamePayload(string from, string to)
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(from, to, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);

        var payload = new byte[60_001];
        Random.Shared.NextBytes(payload);
        pair.UDevice.SendFrame(TestPackets.TcpSuperFrame(from, to, payload, 1360));

        var headerBytes = (from.Contains(':', StringComparison.Ordinal) ? 40 : 20) + 20;
        var received = new List<byte>();
        var frames = 0;
        while (received.Count < payload.Length)
        {
            received.AddRange((await Pair.ReceiveAsync(pair.GatewayDevice))[headerBytes..]);
            frames++;
        }

        Assert.Equal(payload, received);
        Assert.InRange(frames, 1, 30);
        Assert.Equal(1 + 45, pair.GatewayPeer.ReceivedPackets);
    }

    [Fact]
    public async Task Datagram_SentTwice_IsDeliveredOnceAndCountedAsReplay()
    {
        await using var pair = await Pair.StartAsync();
        pair.Network.Passes = (datagram, from, _) =>
        {
            if (datagram[0] == 4 && from.Port != 51820) pair.GatewayPorts.Socket!.Arrive(datagram, from);
            return true;
        };
        var first = TestPackets.Udp(HostU, HostV, "one"u8);
        var second = TestPackets.Udp(HostU, HostV, "two"u8);
        pair.UDevice.SendPacket(first);
        Assert.Equal(first, await Pair.ReceiveAsync(pair.GatewayDevice));
        pair.UDevice.SendPacket(second);
        Assert.Equal(second, await Pair.ReceiveAsync(pair.GatewayDevice));
        await Pair.UntilAsync(() => pair.GatewayPeer.Drops[(int)DropReason.Replay] >= 2, "two replays counted");
    }

    [Fact]
    public async Task Datagram_Changed_IsCountedAsBadTagAndMovesNothing()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        await Pair.UntilAsync(() => pair.GatewayPeer.Endpoint is not null, "endpoint learned");
        var endpoint = pair.GatewayPeer.Endpoint;

        pair.Network.Passes = (datagram, from, _) =>
        {
            if (datagram[0] != 4) return true;
            datagram[^1] ^= 1;
            pair.GatewayPorts.Socket!.Arrive(datagram, @from with { Address = InetAddress.From(IPAddress.Parse("6.6.6.6")) });
            return false;
        };
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "bad"u8));
        await Pair.UntilAsync(() => pair.GatewayPeer.Drops[(int)DropReason.BadTag] == 1, "bad tag counted");
        Assert.Equal(endpoint, pair.GatewayPeer.Endpoint);
        Assert.False(pair.GatewayDevice.Written.TryRead(out _));
    }

    [Fact]
    public async Task Source_NotThePeers_IsDropped()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp("1.2.3.4", HostV, "spoofed"u8));
        await Pair.UntilAsync(() => pair.GatewayPeer.Drops[(int)DropReason.SourceNotAllowed] == 1, "source not allowed counted");
        Assert.False(pair.GatewayDevice.Written.TryRead(out _));
    }

    [Fact]
    public async Task Source_OfAnotherPeersSubset_IsDropped()
    {
        // The second peer owns one address inside what the first owns: the longest prefix decides, also for the source.
        await using var pair = await Pair.StartAsync();
        var host = pair.GatewayConfig.Peers[0] with { AllowedIps = [IPNetwork.Parse("192.168.53.0/24")] };
        var other = new PeerConfig { Id = Guid.NewGuid(), PublicKey = Pair.NewPublicKey(), AllowedIps = [IPNetwork.Parse("192.168.53.99/32")] };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { Peers = [host, other] }]);

        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "not mine"u8));
        await Pair.UntilAsync(() => pair.GatewayPeer.Drops[(int)DropReason.SourceNotAllowed] == 1, "source not allowed counted");
        var mine = TestPackets.Udp("192.168.53.98", HostV, "mine"u8);
        pair.UDevice.SendPacket(mine);
        Assert.Equal(mine, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    [Fact]
    public async Task Destination_OutsideTheClientRoutes_IsDroppedUntilTheRouteIsAdded()
    {
        await using var pair = await Pair.StartAsync();
        var packet = TestPackets.Udp(HostU, "172.16.0.1", "elsewhere"u8);
        pair.UDevice.SendPacket(packet);
        await Pair.UntilAsync(() => pair.GatewayPeer.Drops[(int)DropReason.DestinationNotAllowed] == 1, "destination not allowed counted");

        var peer = pair.GatewayConfig.Peers[0] with { AllowedDestinations = [IPNetwork.Parse("172.16.0.0/12")] };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { Peers = [peer] }]);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    [Fact]
    public async Task Packet_ThatNobodyOwnsOrIsNone_IsCountedByReason()
    {
        await using var pair = await Pair.StartAsync();
        pair.GatewayDevice.SendPacket(TestPackets.Udp(HostV, "192.168.77.1", "nobody"u8));
        pair.GatewayDevice.SendPacket(TestPackets.Udp(HostV, HostU, "no endpoint yet"u8));
        pair.GatewayDevice.SendPacket([0x00, 1, 2, 3]);
        pair.GatewayDevice.SendPacket([0x45, 0, 0, 99]);
        await Pair.UntilAsync(
            () => pair.GatewayDrops(DropReason.NoPeerForDestination) == 1 && pair.GatewayDrops(DropReason.NoEndpoint) == 1
                && pair.GatewayDrops(DropReason.NotIp) == 1 && pair.GatewayDrops(DropReason.Malformed) == 1,
            "each counted once");
    }

    [Fact]
    public async Task Datagrams_OfGarbage_AreCountedAndHarmless()
    {
        await using var pair = await Pair.StartAsync();
        var stranger = UdpEndpoint.From(IPEndPoint.Parse("6.6.6.6:6"));
        byte[][] garbage = [[], [4], [4, 0, 0, 0], [9, 9, 9, 9, 9], new byte[65_000], [1, 0, 0, 0, .. new byte[144]], [2, 0, 0, 0, .. new byte[88]], [4, 0, 0, 0, .. new byte[28]], [4, 0, 0, 0, .. new byte[29]]];
        foreach (var datagram in garbage) pair.GatewayPorts.Socket!.Arrive(datagram, stranger);
        var packet = TestPackets.Udp(HostU, HostV, "still here"u8);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
        await Pair.UntilAsync(() => Enum.GetValues<DropReason>().Sum(pair.GatewayDrops) >= garbage.Length, "garbage counted");
    }

    [Fact]
    public async Task Endpoint_FollowsThePeerToAnotherPort()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "here"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        await pair.U.ApplyAsync([pair.UConfig with { ListenPort = 7777 }]);
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "there"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        Assert.Equal(7777, pair.GatewayPeer.Endpoint!.Port);

        var answer = TestPackets.Udp(HostV, HostU, "found you"u8);
        pair.GatewayDevice.SendPacket(answer);
        Assert.Equal(answer, await Pair.ReceiveAsync(pair.UDevice));
    }

    [Fact]
    public async Task Port_InUse_LeavesWhatRunsRunningAndSaysSo()
    {
        await using var pair = await Pair.StartAsync();
        var second = new TunnelConfig { Id = Guid.NewGuid(), Name = "wg1", ListenPort = 5555, Transport = TunnelTransport.Plain };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig, second]);
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { ListenPort = 5555 }, second]);
        var status = pair.Gateway.GetTunnels()[0];
        Assert.Equal(51820, status.ListenPort);
        Assert.Contains("5555", Assert.Single(status.LinkProblems).What, StringComparison.Ordinal);
        var packet = TestPackets.Udp(HostU, HostV, "still"u8);
        pair.UDevice.SendPacket(packet);
        await Pair.UntilAsync(() => pair.GatewayPeer.ReceivedPackets == 1, "the packet passed");
    }

    [Fact]
    public async Task Peer_AddedBesides_KeepsTheOthersSession()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        await Pair.UntilAsync(() => pair.GatewayPeer.LastHandshake is not null, "session confirmed");
        var handshake = pair.GatewayPeer.LastHandshake;
        pair.Time.Advance(TimeSpan.FromSeconds(1));

        var added = new PeerConfig { Id = Guid.NewGuid(), PublicKey = Pair.NewPublicKey(), AllowedIps = [IPNetwork.Parse("192.168.53.7/32")] };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { Peers = [added, .. pair.GatewayConfig.Peers] }]);
        var packet = TestPackets.Udp(HostU, HostV, "same session"u8);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
        Assert.Equal(handshake, pair.Gateway.GetPeers(pair.GatewayConfig.Id)[1].LastHandshake);
    }

    [Fact]
    public async Task Peer_Removed_IsHeardNoMore()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { Peers = [] }]);
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "gone"u8));
        await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.NoSession) == 1, "no session counted");
        Assert.False(pair.GatewayDevice.Written.TryRead(out _));
    }

    [Fact]
    public async Task Device_Deleted_HealsByItselfAndLeavesTheOtherTunnelAlone()
    {
        await using var pair = await Pair.StartAsync();
        var otherPorts = pair.GatewayPorts;
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        var broken = pair.GatewayDevice;
        var second = new TunnelConfig { Id = Guid.NewGuid(), Name = "wg1", ListenPort = 5555, Transport = TunnelTransport.Plain };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig, second]);

        otherPorts.DeviceFailure = new PortException("no device today", "Try tomorrow.");
        broken.Delete();
        await Pair.UntilAsync(() => pair.Gateway.GetTunnels()[0].State == TunnelState.Failed, "failure reported");
        Assert.Contains("gone", pair.Gateway.GetTunnels()[0].Cause, StringComparison.Ordinal);
        Assert.Equal(TunnelState.Up, pair.Gateway.GetTunnels()[1].State);

        pair.Time.Advance(TimeSpan.FromSeconds(1));
        await Pair.UntilAsync(() => pair.Gateway.GetTunnels()[0].Cause == "no device today", "the second failure has its own cause");
        Assert.Equal("Try tomorrow.", pair.Gateway.GetTunnels()[0].Remedy);

        otherPorts.DeviceFailure = null;
        pair.Time.Advance(TimeSpan.FromSeconds(2));
        await Pair.UntilAsync(() => pair.Gateway.GetTunnels()[0].State == TunnelState.Up, "healed");
        var packet = TestPackets.Udp(HostU, HostV, "back"u8);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    [Fact]
    public async Task Socket_Broken_HealsByItself()
    {
        await using var pair = await Pair.StartAsync();
        var broken = pair.GatewayPorts.Socket!;
        broken.Break();
        await Pair.UntilAsync(() => pair.Gateway.GetTunnels()[0].State == TunnelState.Failed, "failure reported");
        pair.Time.Advance(TimeSpan.FromSeconds(1));
        await Pair.UntilAsync(() => pair.Gateway.GetTunnels()[0].State == TunnelState.Up, "healed");
    }

    [Fact]
    public async Task Session_AfterTwoMinutes_IsRenewedWithoutLoss()
    {
        await using var pair = await Pair.StartAsync();
        DateTimeOffset? last = null;
        for (var round = 0; round < 4; round++)
        {
            // In the first round it waits for a session; in the others it goes with the old one and asks for the next (whitepaper §6.2).
            var packet = TestPackets.Udp(HostU, HostV, [(byte)round]);
            pair.UDevice.SendPacket(packet);
            Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
            await Pair.UntilAsync(() => pair.GatewayPeer.LastHandshake > (last ?? DateTimeOffset.MinValue), "a new session");
            last = pair.GatewayPeer.LastHandshake;
            pair.Time.Advance(TimeSpan.FromSeconds(121));
        }
    }

    [Fact]
    public async Task Gateway_Restarted_DialsTheLastKnownEndpoint()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        var peer = pair.GatewayConfig.Peers[0] with { Endpoint = pair.GatewayPeer.Endpoint, DialOnStart = true };
        await pair.Gateway.ApplyAsync([]);
        pair.Time.Advance(TimeSpan.FromSeconds(10));
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { Peers = [peer] }]);

        await Pair.UntilAsync(() => pair.GatewayPeer.LastHandshake is not null, "the gateway made a session by itself");
        var answer = TestPackets.Udp(HostV, HostU, "go on"u8);
        pair.GatewayDevice.SendPacket(answer);
        Assert.Equal(answer, await Pair.ReceiveAsync(pair.UDevice));
    }

    [Fact]
    public async Task Flows_OfAConversation_CountBothDirections()
    {
        await using var pair = await Pair.StartAsync();
        var request = TestPackets.Udp(HostU, HostV, new byte[100]);
        pair.UDevice.SendPacket(request);
        await Pair.ReceiveAsync(pair.GatewayDevice);
        pair.GatewayDevice.SendPacket(TestPackets.Udp(HostV, HostU, new byte[7], 2222, 1111));
        await Pair.ReceiveAsync(pair.UDevice);
        var flow = Assert.Single(pair.Gateway.GetFlows(pair.GatewayConfig.Id));
        Assert.Equal((HostU, HostV), (flow.PeerAddress.ToString(), flow.OtherAddress.ToString()));
        Assert.Equal((128, 35), (flow.BytesFromPeer, flow.BytesToPeer));
    }

    [Fact]
    public async Task Crafted_Packet_ReachesTheDeviceAndThePeer()
    {
        await using var pair = await Pair.StartAsync();
        var packet = TestPackets.Udp("1.2.3.4", HostV, "forged"u8);
        Assert.Equal(new InjectResult(true, null), pair.Gateway.InjectToDevice(pair.GatewayConfig.Id, packet));
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));

        var peerId = pair.GatewayConfig.Peers[0].Id;
        Assert.Contains("endpoint", pair.Gateway.InjectToPeer(pair.GatewayConfig.Id, peerId, packet).Error, StringComparison.Ordinal);
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        await Pair.UntilAsync(() => pair.GatewayPeer.LastHandshake is not null, "session confirmed");
        Assert.True(pair.Gateway.InjectToPeer(pair.GatewayConfig.Id, peerId, packet).Written);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.UDevice));
    }

    [Theory]
    [InlineData("68656c6c6f", "IPv6")]
    [InlineData("00", "version")]
    [InlineData("", "empty")]
    [InlineData("4500001500000000000000000102030401020304", "21 bytes")]
    public async Task Crafted_Garbage_IsRefusedWithTheReason(string hex, string reason)
    {
        await using var pair = await Pair.StartAsync();
        var result = pair.Gateway.InjectToDevice(pair.GatewayConfig.Id, Convert.FromHexString(hex));
        Assert.False(result.Written);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        Assert.False(pair.GatewayDevice.Written.TryRead(out _));
    }

    [Fact]
    public async Task PrivateKey_Changed_EndsTheSessionsMadeWithTheOld()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        var key = Protocol.PrivateKey.Generate(System.Security.Cryptography.RandomNumberGenerator.Create());
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { PrivateKey = key }]);
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "old session"u8));
        await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.NoSession) == 1, "the old session is unknown");

        var known = pair.UConfig.Peers[0] with { PublicKey = key.GetPublicKey(Pair.Crypto) };
        await pair.U.ApplyAsync([pair.UConfig with { Peers = [known] }]);
        pair.Time.Advance(TimeSpan.FromSeconds(6));
        var packet = TestPackets.Udp(HostU, HostV, "new session"u8);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }

    [Fact]
    public async Task PrivateKey_TakenAway_IsAnsweredForNoMore()
    {
        await using var pair = await Pair.StartAsync();
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "session"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { PrivateKey = null }]);
        pair.Time.Advance(TimeSpan.FromSeconds(181));
        pair.UDevice.SendPacket(TestPackets.Udp(HostU, HostV, "hello?"u8));
        await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.HandshakeRefused) >= 1, "the handshake is refused");
        Assert.False(pair.GatewayDevice.Written.TryRead(out _));
    }

    [Fact]
    public async Task Device_WithoutVnetHeader_StillCarriesPackets()
    {
        await using var pair = await Pair.StartAsync(vnetHeader: false);
        var packet = TestPackets.Tcp(HostU, HostV, 1, 0x10, new byte[1000]);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
    }
}
