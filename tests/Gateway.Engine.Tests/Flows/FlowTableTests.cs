using System.Net;
using CsCheck;
using Gateway.Engine.Flows;
using Gateway.Engine.Packets;
using Gateway.Engine.Tests.Packets;
using Xunit;
using TestFrames = Gateway.Testing.TestPackets;

namespace Gateway.Engine.Tests.Flows;

public class FlowTableTests
{
    private const long Second = TimeSpan.TicksPerSecond;

    // A monotonic clock starts anywhere; not at 0, which means "never".
    private const long T0 = 1_000_000 * Second;

    private static readonly TestPacket Request = new();
    private static readonly TestPacket Answer = new() { Source = Request.Destination, Destination = Request.Source, SourcePort = 5001, DestinationPort = 40000 };

    [Fact]
    public void Snapshot_BothDirections_AreOneFlow()
    {
        using var table = new FlowTable(16);
        table.Inbound.Record(3, Info(Request with { Flags = TcpFlags.Syn }), 1, 60, T0);
        table.Outbound.Record(3, Info(Answer with { Flags = TcpFlags.Syn | TcpFlags.Ack }), 2, 3000, T0 + 5);
        table.Inbound.Record(3, Info(Request), 1, 40, T0 + 9);

        Assert.Equal(new FlowRecord
        {
            PeerIndex = 3,
            Protocol = IpProtocol.Tcp,
            PeerAddress = InetAddress.From(IPAddress.Parse("192.168.53.99")),
            PeerPort = 40000,
            OtherAddress = InetAddress.From(IPAddress.Parse("192.168.60.101")),
            OtherPort = 5001,
            PacketsFromPeer = 2,
            BytesFromPeer = 100,
            PacketsToPeer = 2,
            BytesToPeer = 3000,
            TcpFlagsFromPeer = TcpFlags.Syn | TcpFlags.Ack,
            TcpFlagsToPeer = TcpFlags.Syn | TcpFlags.Ack,
            LargestFromPeer = 60,
            LargestToPeer = 1500,
            FirstSeenFromPeer = T0,
            FirstSeenToPeer = T0 + 5,
            LastSeenFromPeer = T0 + 9,
            LastSeenToPeer = T0 + 5,
            // SYN to SYN-ACK is the way to the responder, SYN-ACK to ACK the way to the initiator.
            RoundTripToOther = new TimeSpan(5),
            RoundTripToPeer = new TimeSpan(4),
        }, Assert.Single(table.Snapshot(T0 + 10)));
    }

    [Fact]
    public void RoundTrip_OfAPing_IsFromTheRequestToTheReplyOfTheSameNumber()
    {
        using var table = new FlowTable(16);
        var (request, reply) = (TestFrames.Echo("192.168.53.99", "192.168.60.101", 77, 5), TestFrames.Echo("192.168.60.101", "192.168.53.99", 77, 5, isReply: true));
        table.Inbound.Record(3, Parsed(request), 1, request.Length, T0);
        Assert.Null(Assert.Single(table.Snapshot(T0)).RoundTripToOther);
        table.Outbound.Record(3, Parsed(reply), 1, reply.Length, T0 + 50);
        var flow = Assert.Single(table.Snapshot(T0 + 60));
        Assert.Equal((new TimeSpan(50), null, 77), (flow.RoundTripToOther, flow.RoundTripToPeer, flow.PeerPort));
        // The next request is under way: nothing is known of it yet.
        request = TestFrames.Echo("192.168.53.99", "192.168.60.101", 77, 6);
        table.Inbound.Record(3, Parsed(request), 1, request.Length, T0 + 100);
        flow = Assert.Single(table.Snapshot(T0 + 110));
        Assert.Equal((null, null), (flow.RoundTripToOther, flow.RoundTripToPeer));
    }

    [Theory]
    [InlineData(TcpFlags.Syn, 0, TcpState.SynSent)]
    [InlineData(0, TcpFlags.Syn, TcpState.SynSent)]
    [InlineData(TcpFlags.Syn, TcpFlags.Syn | TcpFlags.Ack, TcpState.SynReceived)]
    [InlineData(TcpFlags.Syn | TcpFlags.Ack, TcpFlags.Syn | TcpFlags.Ack, TcpState.Established)]
    [InlineData(TcpFlags.Ack, TcpFlags.Ack, TcpState.Established)]
    [InlineData(TcpFlags.Ack, 0, TcpState.OneWay)]
    [InlineData(TcpFlags.Ack | TcpFlags.Fin, TcpFlags.Ack, TcpState.Closing)]
    [InlineData(TcpFlags.Ack | TcpFlags.Fin, TcpFlags.Ack | TcpFlags.Fin, TcpState.Closed)]
    [InlineData(TcpFlags.Syn, TcpFlags.Rst | TcpFlags.Ack, TcpState.Reset)]
    public void TcpState_FromTheFlagsOfBothDirections_IsNamed(byte fromPeer, byte toPeer, TcpState expected) => Assert.Equal(expected, FlowRules.StateOf(fromPeer, toPeer));

    [Fact]
    public void Record_WhateverDiffersInTheKey_IsAnotherFlow()
    {
        using var table = new FlowTable(16);
        table.Inbound.Record(1, Info(Request), 1, 1, T0);
        table.Inbound.Record(2, Info(Request), 1, 1, T0);
        table.Inbound.Record(1, Info(Request with { SourcePort = 1 }), 1, 1, T0);
        table.Inbound.Record(1, Info(Request with { DestinationPort = 1 }), 1, 1, T0);
        table.Inbound.Record(1, Info(Request with { Source = "192.168.53.98" }), 1, 1, T0);
        table.Inbound.Record(1, Info(Request with { Destination = "192.168.60.1" }), 1, 1, T0);
        table.Inbound.Record(1, Info(Request with { Protocol = IpProtocol.Udp }), 1, 1, T0);
        table.Inbound.Record(1, Info(Request with { Source = "fd00::1", Destination = "fd00::2" }), 1, 1, T0);
        // Seen from the peer's side this is the swapped pair, not the answer.
        table.Inbound.Record(1, Info(Answer), 1, 1, T0);
        Assert.Equal(9, table.Snapshot(T0).Count);
        Assert.All(table.Snapshot(T0), flow => Assert.Equal(1, flow.PacketsFromPeer));
    }

    [Fact]
    public void Record_AnyMixOfFlows_CountsLikeAPlainDictionary() =>
        Gen.Select(Gen.Int[0, 30], Gen.Bool, Gen.Int[1, 50]).Array[0, 400].Sample(steps =>
        {
            using var table = new FlowTable(64);
            var model = new Dictionary<int, (long Out, long In)>();
            foreach (var (flow, isOutbound, bytes) in steps)
            {
                var counts = model.GetValueOrDefault(flow);
                if (isOutbound) table.Outbound.Record(flow % 3, Info(Answer with { DestinationPort = flow }), 1, bytes, T0);
                else table.Inbound.Record(flow % 3, Info(Request with { SourcePort = flow }), 1, bytes, T0);
                model[flow] = isOutbound ? counts with { Out = counts.Out + bytes } : counts with { In = counts.In + bytes };
            }

            Assert.Equal(
                model.Select(flow => (flow.Key, flow.Value.Out, flow.Value.In)).Order(),
                table.Snapshot(T0).Select(flow => (flow.PeerPort, flow.BytesToPeer, flow.BytesFromPeer)).Order());
            Assert.Equal(0, table.Evictions);
        }, iter: 200);

    [Theory]
    [InlineData(IpProtocol.Udp, 60)]
    [InlineData(IpProtocol.Icmp, 60)]
    [InlineData(IpProtocol.Tcp, 3600)]
    public void Snapshot_SilentFlow_LeavesAfterItsTime(byte protocol, int seconds)
    {
        using var table = new FlowTable(16);
        table.Inbound.Record(1, Info(Request with { Protocol = protocol }), 1, 1, T0);
        Assert.Single(table.Snapshot(T0 + (seconds * Second) - 1));
        Assert.Empty(table.Snapshot(T0 + (seconds * Second)));

        table.Inbound.Sweep(T0 + (seconds * Second) - 1);
        Assert.Equal(1, table.Inbound.Count);
        table.Inbound.Sweep(T0 + (seconds * Second));
        Assert.Equal(0, table.Inbound.Count);
    }

    [Theory]
    [InlineData(TcpFlags.Rst | TcpFlags.Ack, TcpFlags.Ack)]
    [InlineData(TcpFlags.Ack, TcpFlags.Rst)]
    [InlineData(TcpFlags.Fin | TcpFlags.Ack, TcpFlags.Fin | TcpFlags.Ack)]
    public void Sweep_EndedTcp_LeavesBothHalvesAfterTenSeconds(byte fromPeer, byte toPeer)
    {
        using var table = new FlowTable(16);
        table.Inbound.Record(1, Info(Request), 1, 1, T0);
        table.Outbound.Record(1, Info(Answer), 1, 1, T0);
        table.Inbound.Record(1, Info(Request with { Flags = fromPeer }), 1, 1, T0 + 1);
        table.Outbound.Record(1, Info(Answer with { Flags = toPeer }), 1, 1, T0 + 2);
        Assert.True(Assert.Single(table.Snapshot(T0 + 3)).IsClosed);

        table.Inbound.Sweep(T0 + (10 * Second));
        table.Outbound.Sweep(T0 + (10 * Second));
        Assert.Equal((1, 1), (table.Inbound.Count, table.Outbound.Count));
        Assert.Empty(table.Snapshot(T0 + (10 * Second) + 2));
        table.Inbound.Sweep(T0 + (10 * Second) + 2);
        table.Outbound.Sweep(T0 + (10 * Second) + 2);
        Assert.Equal((0, 0), (table.Inbound.Count, table.Outbound.Count));
    }

    [Fact]
    public void Sweep_HalfClosedTcp_Stays()
    {
        using var table = new FlowTable(16);
        table.Inbound.Record(1, Info(Request with { Flags = TcpFlags.Fin | TcpFlags.Ack }), 1, 1, T0);
        table.Outbound.Record(1, Info(Answer), 1, 1, T0);
        table.Inbound.Sweep(T0 + (11 * Second));
        table.Outbound.Sweep(T0 + (11 * Second));
        Assert.Single(table.Snapshot(T0 + (11 * Second)));
        Assert.Equal((1, 1), (table.Inbound.Count, table.Outbound.Count));
    }

    [Fact]
    public void Record_SynOnAClosedFlow_StartsItAnew()
    {
        using var table = new FlowTable(16);
        table.Inbound.Record(1, Info(Request with { Flags = TcpFlags.Rst }), 5, 500, T0);
        table.Inbound.Record(1, Info(Request with { Flags = TcpFlags.Syn }), 1, 60, T0 + Second);
        var flow = Assert.Single(table.Snapshot(T0 + Second));
        Assert.Equal((1, 60, T0 + Second, TcpFlags.Syn), (flow.PacketsFromPeer, flow.BytesFromPeer, flow.FirstSeen, flow.TcpFlagsFromPeer));
        Assert.Single(table.Snapshot(T0 + (100 * Second)));
    }

    [Fact]
    public void Record_OtherFlowsGoOn_ExpiresWithoutASweep()
    {
        using var table = new FlowTable(100);
        for (var port = 0; port < 50; port++) table.Inbound.Record(1, Info(Request with { Protocol = IpProtocol.Udp, SourcePort = port }), 1, 1, T0);
        for (var i = 0; i < 50; i++) table.Inbound.Record(1, Info(Request), 1, 1, T0 + (61 * Second));
        Assert.Equal(1, table.Inbound.Count);
        Assert.Equal(0, table.Evictions);
    }

    [Fact]
    public void Record_FullTable_EvictsTheOldestAndCounts()
    {
        using var table = new FlowTable(10);
        for (var port = 0; port < 10; port++) table.Inbound.Record(1, Info(Request with { SourcePort = port }), 1, 1, T0 + (port * 2 * Second));
        table.Inbound.Record(1, Info(Request with { SourcePort = 0 }), 1, 1, T0 + (20 * Second));
        table.Inbound.Record(1, Info(Request with { SourcePort = 10 }), 1, 1, T0 + (22 * Second));
        table.Inbound.Record(1, Info(Request with { SourcePort = 11, Protocol = IpProtocol.Udp }), 1, 1, T0 + (24 * Second));
        Assert.Equal([0, 3, 4, 5, 6, 7, 8, 9, 10, 11], table.Snapshot(T0 + (25 * Second)).Select(flow => flow.PeerPort).Order());
        Assert.Equal(2, table.Evictions);
    }

    [Fact]
    public void Record_ConversationBusyOneWay_KeepsBothHalves()
    {
        using var table = new FlowTable(10);
        var udp = Request with { Protocol = IpProtocol.Udp };
        table.Inbound.Record(1, Info(udp with { SourcePort = 1 }), 1, 77, T0);
        for (var second = 1; second < 200; second++)
        {
            table.Outbound.Record(1, Info(Answer with { Protocol = IpProtocol.Udp, DestinationPort = 1 }), 1, 1, T0 + (second * Second));
            table.Inbound.Record(1, Info(udp with { SourcePort = 1000 + second }), 1, 1, T0 + (second * Second));
        }

        Assert.True(table.Evictions > 100);
        Assert.Equal(77, Assert.Single(table.Snapshot(T0 + (200 * Second)), flow => flow.PeerPort == 1).BytesFromPeer);
    }

    [Fact]
    public void Record_ManyShortFlows_NeverOutgrowsItsCapacity()
    {
        using var table = new FlowTable(1000);
        var info = new IpPacket[5000];
        for (var port = 0; port < info.Length; port++) info[port] = Info(Request with { SourcePort = port, Flags = port % 3 == 0 ? TcpFlags.Rst : TcpFlags.Ack });
        for (var i = 0; i < 500_000; i++) table.Inbound.Record(i % 7, info[i * 7919L % info.Length], 1, 1, T0 + (i * Second / 100));
        Assert.InRange(table.Inbound.Count, 1, 1000);
        Assert.Equal(table.Inbound.Count, Enumerable.Range(FlowHalf.Start, table.Inbound.End - FlowHalf.Start).Count(index => table.Inbound.TryCopy(index, out _)));
        Assert.Equal(1004, table.Inbound.End);
    }

    [Fact]
    public void Snapshot_WhileBothHalvesAreWritten_SeesWholeEntriesOnly()
    {
        using var table = new FlowTable(50);
        var requests = Enumerable.Range(0, 200).Select(port => Info(Request with { SourcePort = port, Flags = port % 5 == 0 ? TcpFlags.Rst : TcpFlags.Ack })).ToArray();
        var answers = Enumerable.Range(0, 200).Select(port => Info(Answer with { DestinationPort = port })).ToArray();
        var isOver = false;
        // Every packet has 1000 + port bytes: a copy taken across a write or a reuse of its entry does not add up.
        var outbound = new Thread(() => Write(table.Outbound, answers, 13));
        var inbound = new Thread(() => Write(table.Inbound, requests, 17));
        outbound.Start();
        inbound.Start();
        try
        {
            for (var i = 0; i < 100; i++)
            {
                foreach (var flow in table.Snapshot(T0))
                {
                    Assert.Equal(flow.PacketsFromPeer * (1000 + flow.PeerPort), flow.BytesFromPeer);
                    Assert.Equal(flow.PacketsToPeer * (1000 + flow.PeerPort), flow.BytesToPeer);
                }
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            outbound.Join();
            inbound.Join();
        }

        Assert.True(table.Evictions > 0);

        void Write(FlowHalf half, IpPacket[] packets, int stride)
        {
            for (var i = 0; !Volatile.Read(ref isOver); i += stride)
            {
                var port = (int)((uint)i % 200);
                half.Record(1, packets[port], 1, 1000 + port, T0);
            }
        }
    }

    [Fact]
    public void Snapshot_OfADisposedTable_IsEmpty()
    {
        var table = new FlowTable(10);
        table.Inbound.Record(1, Info(Request), 1, 1, T0);
        table.Dispose();
        table.Dispose();
        Assert.Empty(table.Snapshot(T0));
    }

    [Fact]
    public void Record_TenThousandTimes_AllocatesNothing()
    {
        using var table = new FlowTable(100);
        var infos = Enumerable.Range(0, 300).Select(port => Info(Request with { SourcePort = port })).ToArray();
        var i = 0;
        Allocations.AreNone(() =>
        {
            table.Inbound.Record(1, infos[i++ % 300], 1, 100, T0 + (i * Second));
            table.Inbound.Sweep(T0 + (i * Second));
        });
    }

    private static IpPacket Parsed(byte[] packet)
    {
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(packet, out var info));
        return info;
    }

    private static IpPacket Info(TestPacket packet)
    {
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(packet.Build(), out var info));
        return info;
    }
}
