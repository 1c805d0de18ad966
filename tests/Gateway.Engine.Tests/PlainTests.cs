using System.Net;
using Gateway.Testing;
using Xunit;

namespace Gateway.Engine.Tests;

public class PlainTests
{
    [Fact]
    public async Task Packet_OnThePlainTransport_IsTheDatagramAsItIs()
    {
        await using var pair = await Pair.StartAsync(TunnelTransport.Plain);
        var seen = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.Network.Passes = (datagram, _, _) =>
        {
            seen.TrySetResult(datagram);
            return true;
        };
        var packet = TestPackets.Udp("192.168.53.99", "192.168.60.101", "raw"u8);
        pair.UDevice.SendPacket(packet);
        Assert.Equal(packet, await Pair.ReceiveAsync(pair.GatewayDevice));
        Assert.Equal(packet, await seen.Task);
    }

    [Fact]
    public async Task Endpoint_IsLearnedFromTheLastPacketWhoseInnerSourceIsThePeers()
    {
        await using var pair = await Pair.StartAsync(TunnelTransport.Plain);
        var somewhere = UdpEndpoint.From(IPEndPoint.Parse("10.0.2.66:1234"));
        pair.GatewayPorts.Socket!.Arrive(TestPackets.Udp("192.168.53.77", "192.168.60.101", "stranger"u8), somewhere);
        await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.SourceNotAllowed) == 1, "stranger dropped");
        Assert.Null(pair.GatewayPeer.Endpoint);

        pair.GatewayPorts.Socket!.Arrive(TestPackets.Udp("192.168.53.99", "192.168.60.101", "U"u8), somewhere);
        await Pair.ReceiveAsync(pair.GatewayDevice);
        Assert.Equal("10.0.2.66:1234", pair.GatewayPeer.Endpoint!.ToString());
    }

    [Fact]
    public async Task SuperPacket_OnThePlainTransport_IsSplit()
    {
        await using var pair = await Pair.StartAsync(TunnelTransport.Plain);
        var payload = new byte[5000];
        Random.Shared.NextBytes(payload);
        pair.UDevice.SendFrame(TestPackets.TcpSuperFrame("192.168.53.99", "192.168.60.101", payload, 1360));
        var received = new List<byte>();
        for (var i = 0; i < 4; i++) received.AddRange((await Pair.ReceiveAsync(pair.GatewayDevice))[40..]);
        Assert.Equal(payload, received);
    }

    [Fact]
    public async Task Ethernet_ArpAndAnswer_PassAndTheSwitchLearns()
    {
        await using var pair = await Pair.StartAsync(TunnelTransport.Plain, TunnelLayer.Ethernet);
        byte[] uMac = [2, 0, 0, 0, 0, 0x99];
        byte[] gatewayMac = [2, 0, 0, 0, 0, 1];
        var request = Arp([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], uMac, 1, "192.168.53.99", "192.168.53.1");
        pair.UDevice.SendFrame(request);
        Assert.Equal(request, await Pair.ReceiveAsync(pair.GatewayDevice));
        var reply = Arp(uMac, gatewayMac, 2, "192.168.53.1", "192.168.53.99");
        pair.GatewayDevice.SendFrame(reply);
        Assert.Equal(reply, await Pair.ReceiveAsync(pair.UDevice));
    }

    [Fact]
    public async Task Ethernet_FrameFromAnUnknownSource_IsDropped()
    {
        await using var pair = await Pair.StartAsync(TunnelTransport.Plain, TunnelLayer.Ethernet);
        pair.GatewayPorts.Socket!.Arrive(Arp([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [2, 0, 0, 0, 0, 6], 1, "6.6.6.6", "192.168.53.1"), UdpEndpoint.From(IPEndPoint.Parse("6.6.6.6:6")));
        await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.UnknownSource) == 1, "unknown source counted");
        Assert.False(pair.GatewayDevice.Written.TryRead(out _));
    }

    [Fact]
    public async Task Ethernet_BetweenTwoPeers_IsSwitchedWithoutTheDevice()
    {
        await using var pair = await Pair.StartAsync(TunnelTransport.Plain, TunnelLayer.Ethernet);
        var second = new PeerConfig { Id = Guid.NewGuid(), Name = "host-w", AllowedIps = [IPNetwork.Parse("192.168.53.98/32")] };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { Peers = [.. pair.GatewayConfig.Peers, second] }]);
        byte[] uMac = [2, 0, 0, 0, 0, 0x99];
        byte[] wMac = [2, 0, 0, 0, 0, 0x98];
        var broadcast = Arp([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], wMac, 1, "192.168.53.98", "192.168.53.1");

        pair.UDevice.SendFrame(Arp([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], uMac, 1, "192.168.53.99", "192.168.53.1"));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        pair.GatewayPorts.Socket!.Arrive(broadcast, UdpEndpoint.From(IPEndPoint.Parse("10.0.2.9:9")));
        Assert.Equal(broadcast, await Pair.ReceiveAsync(pair.GatewayDevice));
        Assert.Equal(broadcast, await Pair.ReceiveAsync(pair.UDevice));

        var direct = Arp(uMac, wMac, 2, "192.168.53.98", "192.168.53.99");
        pair.GatewayPorts.Socket!.Arrive(direct, UdpEndpoint.From(IPEndPoint.Parse("10.0.2.9:9")));
        Assert.Equal(direct, await Pair.ReceiveAsync(pair.UDevice));
        Assert.False(pair.GatewayDevice.Written.TryRead(out _));
    }

    [Fact]
    public async Task Ethernet_FloodBetweenTwoPeers_IsDroppedBeyondABoundAndCounted()
    {
        await using var pair = await Pair.StartAsync(TunnelTransport.Plain, TunnelLayer.Ethernet);
        var second = new PeerConfig { Id = Guid.NewGuid(), Name = "host-w", AllowedIps = [IPNetwork.Parse("192.168.53.98/32")] };
        await pair.Gateway.ApplyAsync([pair.GatewayConfig with { Peers = [.. pair.GatewayConfig.Peers, second] }]);
        var broadcast = Arp([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [2, 0, 0, 0, 0, 0x98], 1, "192.168.53.98", "192.168.53.1");
        pair.UDevice.SendFrame(Arp([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [2, 0, 0, 0, 0, 0x99], 1, "192.168.53.99", "192.168.53.1"));
        await Pair.ReceiveAsync(pair.GatewayDevice);

        using var jammed = new ManualResetEventSlim();
        pair.Network.Passes = (_, _, _) =>
        {
            jammed.Wait(Pair.Deadline);
            return true;
        };
        for (var i = 0; i < 3000; i++) pair.GatewayPorts.Socket!.Arrive(broadcast, UdpEndpoint.From(IPEndPoint.Parse("10.0.2.9:9")));
        for (var i = 0; i < 3000; i++) await Pair.ReceiveAsync(pair.GatewayDevice);
        try
        {
            await Pair.UntilAsync(() => pair.GatewayDrops(DropReason.QueueFull) > 0, "frames beyond the bound dropped");
        }
        finally
        {
            jammed.Set();
        }

        Assert.Equal(broadcast, await Pair.ReceiveAsync(pair.UDevice));
    }

    private static byte[] Arp(byte[] to, byte[] from, byte operation, string sender, string target) =>
        [.. to, .. from, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, operation, .. from, .. IPAddress.Parse(sender).GetAddressBytes(), .. new byte[6], .. IPAddress.Parse(target).GetAddressBytes()];
}
