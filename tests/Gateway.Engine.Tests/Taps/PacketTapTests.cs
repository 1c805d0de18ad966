using System.Buffers.Binary;
using Gateway.Engine.Taps;
using Gateway.Engine.Tests.Packets;
using Xunit;

namespace Gateway.Engine.Tests.Taps;

public class PacketTapTests
{
    private readonly byte[] _buffer = new byte[256];

    [Fact]
    public void Write_WhileNobodyWatches_KeepsNothing()
    {
        using var tap = new PacketTap(8);
        Assert.False(tap.IsWatched);
        tap.Write(TapDirection.ToPeer, 1, null, 1, [1, 2, 3], 3);
        using var reader = tap.Watch();
        Assert.True(tap.IsWatched);
        Assert.False(reader.TryRead(_buffer, out _));
        Assert.Equal(0, reader.Lost);
    }

    [Fact]
    public void TryRead_WrittenPacket_ComesBackWithItsFacts()
    {
        using var tap = new PacketTap(8, 4);
        using var reader = tap.Watch();
        tap.Write(TapDirection.FromPeer, 5, DropReason.SourceNotAllowed, 42, [1, 2, 3, 4, 5, 6], 1400);
        Assert.True(reader.TryRead(_buffer, out var record));
        Assert.Equal(new TapRecord(TapDirection.FromPeer, 5, DropReason.SourceNotAllowed, 42, 1400, 4), record);
        Assert.Equal([1, 2, 3, 4, 0], _buffer[..5]);

        tap.Write(TapDirection.ToPeer, -1, null, 43, [9, 8], 2);
        Assert.True(reader.TryRead(_buffer.AsSpan(0, 1), out record));
        Assert.Equal(new TapRecord(TapDirection.ToPeer, -1, null, 43, 2, 1), record);
        Assert.False(reader.TryRead(_buffer, out _));
    }

    [Fact]
    public void TryRead_BothDirections_AreMergedByTime()
    {
        using var tap = new PacketTap(8);
        using var reader = tap.Watch();
        foreach (var ticks in new[] { 1, 4, 5 }) tap.Write(TapDirection.FromPeer, 0, null, ticks, [], 0);
        foreach (var ticks in new[] { 2, 3, 6 }) tap.Write(TapDirection.ToPeer, 0, null, ticks, [], 0);
        Assert.Equal([1, 2, 3, 4, 5, 6], ReadAll(reader).Select(record => record.Ticks));
    }

    [Fact]
    public void TryRead_AfterOverrun_GivesTheNewestAndCountsTheLost()
    {
        using var tap = new PacketTap(8);
        using var reader = tap.Watch();
        using var idle = tap.Watch();
        for (var i = 0; i < 21; i++) tap.Write(TapDirection.FromPeer, i, null, i, [], 0);
        Assert.Equal(Enumerable.Range(13, 8), ReadAll(reader).Select(record => record.PeerIndex));
        Assert.Equal(13, reader.Lost);
        for (var i = 21; i < 24; i++) tap.Write(TapDirection.FromPeer, i, null, i, [], 0);
        Assert.Equal([21, 22, 23], ReadAll(reader).Select(record => record.PeerIndex));
        Assert.Equal(13, reader.Lost);
        Assert.Equal(8, ReadAll(idle).Count);
        Assert.Equal(16, idle.Lost);
    }

    [Fact]
    public void Watch_AfterOthers_SeesOnlyWhatComesNext()
    {
        using var tap = new PacketTap(8);
        using var first = tap.Watch();
        tap.Write(TapDirection.FromPeer, 1, null, 1, [], 0);
        using var second = tap.Watch();
        tap.Write(TapDirection.FromPeer, 2, null, 2, [], 0);
        Assert.Equal(2, ReadAll(first).Count);
        Assert.Equal(2, Assert.Single(ReadAll(second)).PeerIndex);
    }

    [Fact]
    public void IsWatched_LastReaderGone_IsFalse()
    {
        using var tap = new PacketTap(8);
        var first = tap.Watch();
        var second = tap.Watch();
        first.Dispose();
        first.Dispose();
        Assert.True(tap.IsWatched);
        second.Dispose();
        Assert.False(tap.IsWatched);
    }

    [Fact]
    public void TryRead_OfADisposedTap_FindsNothing()
    {
        var tap = new PacketTap(8);
        using var reader = tap.Watch();
        tap.Write(TapDirection.FromPeer, 1, null, 1, [], 0);
        tap.Dispose();
        Assert.False(reader.TryRead(_buffer, out _));
        using var late = tap.Watch();
        Assert.False(late.TryRead(_buffer, out _));
    }

    [Fact]
    public void TryRead_WhileBothWritersOvertake_GivesWholePacketsInOrderAndCountsTheRest()
    {
        const int Packets = 50_000;
        using var tap = new PacketTap(64, 64);
        using var reader = tap.Watch();
        var outbound = new Thread(() => WriteAll(tap, TapDirection.ToPeer, Packets));
        var inbound = new Thread(() => WriteAll(tap, TapDirection.FromPeer, Packets));
        outbound.Start();
        inbound.Start();
        var read = 0L;
        var last = new[] { -1, -1 };
        bool isOver;
        do
        {
            // Asked before the last look, so that nothing written in between is missed.
            isOver = !outbound.IsAlive && !inbound.IsAlive;
            while (reader.TryRead(_buffer, out var record))
            {
                read++;
                Assert.True(record.PeerIndex > last[(int)record.Direction]);
                last[(int)record.Direction] = record.PeerIndex;
                Assert.Equal(record.PeerIndex, record.Ticks);
                for (var offset = 0; offset < 64; offset += 4) Assert.Equal(record.PeerIndex, BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(offset)));
            }
        }
        while (!isOver);

        Assert.Equal(2 * Packets, read + reader.Lost);
        Assert.Equal(Packets - 1, last[0]);
        Assert.Equal(Packets - 1, last[1]);
    }

    [Fact]
    public void WriteAndRead_TenThousandTimes_AllocatesNothing()
    {
        using var tap = new PacketTap(16);
        using var reader = tap.Watch();
        var packet = new byte[1400];
        Allocations.AreNone(() =>
        {
            tap.Write(TapDirection.FromPeer, 1, null, 1, packet, 1400);
            reader.TryRead(_buffer, out _);
        });
    }

    private List<TapRecord> ReadAll(PacketTapReader reader)
    {
        var records = new List<TapRecord>();
        while (reader.TryRead(_buffer, out var record)) records.Add(record);
        return records;
    }

    private static void WriteAll(PacketTap tap, TapDirection direction, int packets)
    {
        var packet = new byte[64];
        for (var i = 0; i < packets; i++)
        {
            for (var offset = 0; offset < 64; offset += 4) BinaryPrimitives.WriteInt32LittleEndian(packet.AsSpan(offset), i);
            tap.Write(direction, i, null, i, packet, 64);
        }
    }
}
