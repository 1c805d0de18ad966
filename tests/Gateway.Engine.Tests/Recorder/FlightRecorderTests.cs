using System.Net;
using System.Text;
using Gateway.Engine.Recorder;
using Gateway.Engine.Taps;
using Gateway.Testing;
using Xunit;

namespace Gateway.Engine.Tests.Recorder;

public sealed class FlightRecorderTests
{
    [Fact]
    public void MoreThanItHolds_KeepsTheLast_TheOldestFirst()
    {
        using var recorder = new FlightRecorder(4);
        var block = -1;
        for (var i = 0; i < 100; i++) recorder.Inbound!.Record(7, ref block, null, i, [(byte)i]);
        Assert.Equal(Enumerable.Range(68, 32), recorder.Read(7).Select(packet => (int)packet.Data[0]));
        Assert.Empty(recorder.Read(8));
    }

    [Fact]
    public void ABusyPeer_LeavesTheOthersPackets()
    {
        using var recorder = new FlightRecorder(2);
        int quiet = -1, busy = -1;
        recorder.Outbound!.Record(0, ref quiet, DropReason.NoEndpoint, 1, "once"u8);
        for (var i = 0; i < 1_000; i++) recorder.Outbound.Record(1, ref busy, null, 2 + i, "often"u8);
        var kept = Assert.Single(recorder.Read(0));
        Assert.Equal(("once", TapDirection.ToPeer, (DropReason?)DropReason.NoEndpoint), (Encoding.ASCII.GetString(kept.Data), kept.Direction, kept.Drop));
    }

    [Fact]
    public void MorePeersThanItHolds_TheOneUnheardLongestMakesRoom()
    {
        using var recorder = new FlightRecorder(3);
        int[] blocks = [-1, -1, -1, -1];
        foreach (var (peer, at) in ((int, int)[])[(0, 1), (1, 2), (2, 3), (0, 4), (3, 5)]) recorder.Inbound!.Record(peer, ref blocks[peer], null, at, [(byte)peer]);
        Assert.Empty(recorder.Read(1));
        Assert.Equal([2, 1, 1], ((int[])[0, 2, 3]).Select(peer => recorder.Read(peer).Length));
        // Who comes back gets a new place, and finds nobody else's packets in it.
        recorder.Inbound!.Record(1, ref blocks[1], null, 6, [1]);
        Assert.Single(recorder.Read(1));
    }

    [Fact]
    public void SeveralOfOneFlow_AreOneEntry_SeenWhenTheyHavePassed()
    {
        using var recorder = new FlightRecorder(1);
        var block = -1;
        recorder.Inbound!.Open(0, ref block, 5, new byte[1_420]);
        recorder.Inbound.Record(0, ref block, DropReason.SourceNotAllowed, 6, new byte[60]);
        Assert.Single(recorder.Read(0));
        recorder.Inbound.Close(12, 17_040);
        var first = recorder.Read(0)[0];
        Assert.Equal((1_420, 12, 17_040, FlightHalf.SnapBytes), (first.OriginalBytes, first.Packets, first.Bytes, first.Data.Length));
    }

    [Fact]
    public async Task Reader_BesideTheWriter_SeesWholePacketsOnly()
    {
        using var recorder = new FlightRecorder(1);
        var half = recorder.Inbound!;
        var done = false;
        var writer = Task.Run(() =>
        {
            var block = -1;
            Span<byte> packet = stackalloc byte[FlightHalf.SnapBytes];
            for (var i = 0; !Volatile.Read(ref done); i++)
            {
                packet.Fill((byte)i);
                half.Record(0, ref block, null, i, packet);
            }
        }, TestContext.Current.CancellationToken);
        for (var i = 0; i < 20_000; i++)
        {
            foreach (var packet in recorder.Read(0)) Assert.DoesNotContain(packet.Data, b => b != (byte)packet.Ticks);
        }

        Volatile.Write(ref done, true);
        await writer;
    }

    [Fact]
    public async Task Tunnel_BothWaysAndDropped_IsRecordedByPeer()
    {
        await using var pair = await Pair.StartAsync();
        var (tunnel, peer) = (pair.GatewayConfig.Id, pair.GatewayConfig.Peers[0].Id);
        pair.UDevice.SendPacket(TestPackets.Udp("192.168.53.99", "192.168.60.101", "asked"u8));
        await Pair.ReceiveAsync(pair.GatewayDevice);
        pair.GatewayDevice.SendPacket(TestPackets.Udp("192.168.60.101", "192.168.53.99", "answered"u8));
        await Pair.ReceiveAsync(pair.UDevice);
        pair.UDevice.SendPacket(TestPackets.Udp("192.168.53.99", "192.168.77.1", "not allowed"u8));
        await Pair.UntilAsync(() => pair.Gateway.GetLastPackets(tunnel, peer).Length == 3, "three packets");
        var packets = pair.Gateway.GetLastPackets(tunnel, peer);
        Assert.Equal([(TapDirection.FromPeer, null), (TapDirection.ToPeer, null), (TapDirection.FromPeer, (DropReason?)DropReason.DestinationNotAllowed)],
            packets.OrderBy(packet => packet.Drop is not null).ThenBy(packet => packet.Direction == TapDirection.ToPeer).Select(packet => (packet.Direction, packet.Drop)));
        Assert.Equal(IPAddress.Parse("192.168.60.101"), new IPAddress(packets.First(packet => packet.Direction == TapDirection.FromPeer).Data.AsSpan(16, 4)));
        Assert.Empty(pair.U.GetLastPackets(pair.UConfig.Id, pair.UConfig.Peers[0].Id));
    }
}
