using Gateway.Engine.Drops;
using Gateway.Engine.Tests.Packets;
using Xunit;
using TestFrames = Gateway.Testing.TestPackets;

namespace Gateway.Engine.Tests.Drops;

public class DropLedgerTests
{
    private static readonly byte[] s_payload = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

    [Fact]
    public void Record_SamePeerNetworkAndReason_IsOneLine()
    {
        using var ledger = new DropLedger(isEthernet: false);
        ledger.Inbound.Record(3, DropReason.DestinationNotAllowed, 1, TestFrames.Udp("192.168.53.99", "10.9.8.7", s_payload), 100);
        ledger.Inbound.Record(3, DropReason.DestinationNotAllowed, 2, TestFrames.Udp("192.168.53.99", "10.9.8.200", s_payload), 200);
        var drop = Assert.Single(ledger.Snapshot().Drops);
        Assert.Equal((3, DropReason.DestinationNotAllowed, DropWay.In, "10.9.8.0/24", 3L, 100L, 200L),
            (drop.PeerIndex, drop.Reason, drop.Way, drop.Destination.ToString(), drop.Packets, drop.FirstSeen, drop.LastSeen));
        // The first packet's headers: the second came within a second. Nothing of the payload.
        Assert.Equal(28, drop.Sample.Length);
        Assert.Equal(7, drop.Sample.Span[19]);
        Assert.Equal(38, drop.SampleOriginalBytes);
    }

    [Fact]
    public void Record_AnotherPeerReasonNetworkOrWay_IsAnotherLine()
    {
        using var ledger = new DropLedger(isEthernet: false);
        var packet = TestFrames.Udp("192.168.53.99", "10.9.8.7", s_payload);
        ledger.Inbound.Record(1, DropReason.SourceNotAllowed, 1, packet, 1);
        ledger.Inbound.Record(2, DropReason.SourceNotAllowed, 1, packet, 2);
        ledger.Inbound.Record(1, DropReason.DestinationNotAllowed, 1, packet, 3);
        ledger.Inbound.Record(1, DropReason.SourceNotAllowed, 1, TestFrames.Udp("fd53::1", "fd60::1", s_payload), 4);
        ledger.Inbound.Record(-1, DropReason.BadTag, 1, [], 5);
        ledger.Outbound.Record(1, DropReason.SourceNotAllowed, 1, packet, 6);
        ledger.Control.Record(-1, DropReason.HandshakeRefused, 1, [], 7);
        var drops = ledger.Snapshot().Drops;
        Assert.Equal(7, drops.Count);
        Assert.Contains(drops, drop => drop.Destination?.ToString() == "fd60::/64");
        Assert.Contains(drops, drop => drop is { Reason: DropReason.BadTag, Destination: null, Sample.Length: 0, PeerIndex: -1 });
    }

    [Fact]
    public void Record_IntoAFullLedger_EvictsTheLongestUnseenAndCountsIt()
    {
        using var ledger = new DropLedger(isEthernet: false, capacity: 4);
        for (var i = 0; i < 4; i++) ledger.Outbound.Record(i, DropReason.NoSession, 1, [], i);
        ledger.Outbound.Record(0, DropReason.NoSession, 1, [], 10);
        ledger.Outbound.Record(9, DropReason.NoSession, 1, [], 11);
        var snapshot = ledger.Snapshot();
        Assert.Equal(1, snapshot.Evictions);
        Assert.Equal([0, 2, 3, 9], snapshot.Drops.Select(drop => drop.PeerIndex).Order());
        Assert.Equal(2, snapshot.Drops.Single(drop => drop.PeerIndex == 0).Packets);
        // Many more: the table stays whole.
        for (var i = 0; i < 10_000; i++) ledger.Outbound.Record(i % 7, DropReason.NoSession, 1, [], 20 + i);
        snapshot = ledger.Snapshot();
        Assert.Equal(4, snapshot.Drops.Count);
        Assert.Equal(4, snapshot.Drops.Select(drop => drop.PeerIndex).Distinct().Count());
    }

    [Fact]
    public void Record_OfAFrame_ReadsTheIpHeaderBehindTheLinkHeader()
    {
        using var ledger = new DropLedger(isEthernet: true);
        byte[] frame = [.. new byte[12], 0x08, 0x00, .. TestFrames.Udp("192.168.53.99", "10.9.8.7", s_payload)];
        ledger.Outbound.Record(-1, DropReason.NoEndpoint, 1, frame, 1);
        var drop = Assert.Single(ledger.Snapshot().Drops);
        Assert.Equal("10.9.8.0/24", drop.Destination.ToString());
        Assert.Equal((42, true), (drop.Sample.Length, drop.IsEthernet));
    }

    [Fact]
    public void Record_AnyBytes_StaysWithinThem()
    {
        using var ledger = new DropLedger(isEthernet: false, capacity: 16);
        var random = new Random(7);
        var bytes = new byte[200];
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            if (i % 2 == 0) bytes[0] = (byte)(i % 4 == 0 ? 0x45 : 0x60);
            ledger.Inbound.Record(0, DropReason.Malformed, 1, bytes.AsSpan(0, random.Next(bytes.Length)), i);
        }

        var snapshot = ledger.Snapshot();
        Assert.InRange(snapshot.Drops.Count, 1, 16);
        Assert.All(snapshot.Drops, drop => Assert.InRange(drop.Sample.Length, 0, drop.SampleOriginalBytes));
    }

    [Fact]
    public void Record_TenThousandTimes_AllocatesNothing()
    {
        using var ledger = new DropLedger(isEthernet: false, capacity: 16);
        var packet = TestFrames.Udp("192.168.53.99", "10.9.8.7", s_payload);
        var time = 0L;
        Allocations.AreNone(() => ledger.Inbound.Record((int)(++time % 40), DropReason.SourceNotAllowed, 1, packet, time * TimeSpan.TicksPerMillisecond));
    }

    [Fact]
    public void Snapshot_WhileAnotherThreadRecords_NeverSeesHalfALine()
    {
        using var ledger = new DropLedger(isEthernet: false, capacity: 4);
        var writer = new Thread(() =>
        {
            // Count and times go together: packets = last seen.
            for (var i = 1L; i <= 200_000; i++) ledger.Inbound.Record(1, DropReason.NotIp, 1, [0, (byte)i], i);
        });
        writer.Start();
        while (writer.IsAlive) Assert.All(ledger.Snapshot().Drops, drop => Assert.Equal(drop.Packets, drop.LastSeen));
        writer.Join();
    }
}
