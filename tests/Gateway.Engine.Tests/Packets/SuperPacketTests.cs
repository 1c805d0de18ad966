using System.Buffers.Binary;
using CsCheck;
using Gateway.Engine.Packets;
using Xunit;

namespace Gateway.Engine.Tests.Packets;

public class SuperPacketTests
{
    private const byte Everything = TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin | TcpFlags.Cwr;

    [Fact]
    public void Split_TcpV4_MakesIntactPacketsAsTheKernelWould()
    {
        var whole = new TestPacket { Flags = Everything, Identification = 0xFFFF, Sequence = 0xFFFF_FF00, TcpOptions = TestFrames.Timestamps, Payload = TestFrames.Bytes(3500) };
        var packets = TestFrames.Split(TestFrames.Frame(whole.Build(), VirtioHeader.GsoTcpV4, 1000, VirtioHeader.NeedsChecksum, 20, 16));

        Assert.Equal(4, packets.Count);
        for (var i = 0; i < 4; i++)
        {
            var flags = TcpFlags.Ack | (i == 0 ? TcpFlags.Cwr : 0) | (i == 3 ? TcpFlags.Psh | TcpFlags.Fin : 0);
            var expected = whole with
            {
                Flags = (byte)flags,
                Identification = unchecked((ushort)(0xFFFF + i)),
                Sequence = unchecked(0xFFFF_FF00 + (uint)(i * 1000)),
                Payload = whole.Payload[(i * 1000)..Math.Min(3500, (i + 1) * 1000)],
            };
            Assert.Equal(expected.Build(), packets[i]);
        }
    }

    [Fact]
    public void Split_TcpV6BehindExtensionHeader_MakesIntactPackets()
    {
        var whole = new TestPacket { Source = "fd00::1", Destination = "fd00::2", Payload = TestFrames.Bytes(2000) }.Build();
        byte[] packet = [.. whole[..40], IpProtocol.Tcp, 0, 1, 4, 0, 0, 0, 0, .. whole[40..]];
        packet[6] = IpProtocol.DestinationOptions;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(packet.Length - 40));

        var packets = TestFrames.Split(TestFrames.Frame(packet, VirtioHeader.GsoTcpV6, 1200, VirtioHeader.NeedsChecksum, 48, 16));
        Assert.Equal(2, packets.Count);
        foreach (var segment in packets)
        {
            Assert.Equal(segment.Length - 40, BinaryPrimitives.ReadUInt16BigEndian(segment.AsSpan(4)));
            byte[] bare = [.. segment[..40], .. segment[48..]];
            bare[6] = IpProtocol.Tcp;
            BinaryPrimitives.WriteUInt16BigEndian(bare.AsSpan(4), (ushort)(bare.Length - 40));
            Assert.True(TestPacket.IsIntact(bare));
        }
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void Split_Udp_MakesIntactDatagramsWithOwnLengths(string source, string destination)
    {
        var whole = new TestPacket { Source = source, Destination = destination, Protocol = IpProtocol.Udp, Payload = TestFrames.Bytes(2500) };
        var packets = TestFrames.Split(TestFrames.Frame(whole.Build(), VirtioHeader.GsoUdpL4, 1000, VirtioHeader.NeedsChecksum, 20, 6));
        for (var i = 0; i < 3; i++)
        {
            var expected = whole with { Identification = (ushort)(7 + i), Payload = whole.Payload[(i * 1000)..Math.Min(2500, (i + 1) * 1000)] };
            Assert.Equal(expected.Build(), packets[i]);
        }
    }

    [Fact]
    public void Split_LargestV6SuperPacket_IsNotTooLong()
    {
        var whole = new TestPacket { Source = "fd00::1", Destination = "fd00::2", Payload = TestFrames.Bytes(ushort.MaxValue - 20) };
        var packets = TestFrames.Split(TestFrames.Frame(whole.Build(), VirtioHeader.GsoTcpV6, 1300, VirtioHeader.NeedsChecksum, 40, 16));
        Assert.Equal(51, packets.Count);
        Assert.All(packets, packet => Assert.True(TestPacket.IsIntact(packet)));
    }

    [Fact]
    public void BuildHeader_UdpChecksumOfZero_IsSentAsOnes()
    {
        // A payload word that makes the one's-complement sum ffff, so that the checksum would be 0 = "none".
        var packet = new TestPacket { Protocol = IpProtocol.Udp, Payload = [0, 0, 1, 2] };
        var checksum = BinaryPrimitives.ReadUInt16BigEndian(packet.Build().AsSpan(26));
        packet.Payload[0] = (byte)(checksum >> 8);
        packet.Payload[1] = (byte)checksum;
        var packets = TestFrames.Split(TestFrames.Frame(packet.Build(), VirtioHeader.GsoUdpL4, 1000, VirtioHeader.NeedsChecksum, 20, 6));
        Assert.Equal(0xFFFF, BinaryPrimitives.ReadUInt16BigEndian(packets[0].AsSpan(26)));
    }

    [Theory]
    [InlineData(IpProtocol.Tcp, 16)]
    [InlineData(IpProtocol.Udp, 6)]
    public void TryPlan_OrdinaryPacketThatNeedsItsChecksum_CompletesItInPlace(byte protocol, int offset)
    {
        var whole = new TestPacket { Protocol = protocol, Payload = TestFrames.Bytes(333) }.Build();
        var partial = (byte[])whole.Clone();
        Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(partial, out var info));
        var pseudo = Checksum.Fold(Checksum.PseudoHeader(info.Source, info.Destination, protocol, partial.Length - 20));
        BinaryPrimitives.WriteUInt16BigEndian(partial.AsSpan(20 + offset), pseudo);

        var packets = TestFrames.Split(TestFrames.Frame([.. partial, 0, 0], flags: VirtioHeader.NeedsChecksum, checksumStart: 20, checksumOffset: offset));
        Assert.Equal(whole, Assert.Single(packets));
    }

    [Fact]
    public void TryPlan_OrdinaryPacket_IsLeftAlone()
    {
        var whole = new TestPacket { Payload = TestFrames.Bytes(100) }.Build();
        Assert.Equal(whole, Assert.Single(TestFrames.Split(TestFrames.Frame(whole))));
    }

    [Fact]
    public void TryPlan_HeaderThatAsksForWhatThePacketIsNot_IsMalformed()
    {
        var tcp = new TestPacket { Payload = new byte[3000] };
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(tcp.Build(), VirtioHeader.GsoTcpV6, 1000)));
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(tcp.Build(), VirtioHeader.GsoUdpL4, 1000)));
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(tcp.Build(), VirtioHeader.GsoTcpV4, 0)));
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(tcp.Build(), 77, 1000)));
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame((tcp with { FragmentField = 0x2000 }).Build(), VirtioHeader.GsoTcpV4, 1000)));
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(tcp.Build()[..100], VirtioHeader.GsoTcpV4, 1000)));
        Assert.Equal(SplitStatus.Malformed, Plan(new byte[9]));
        Assert.Equal(SplitStatus.NotIp, Plan(new byte[100]));
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(tcp.Build(), flags: VirtioHeader.NeedsChecksum, checksumStart: 3039, checksumOffset: 0)));
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(tcp.Build(), flags: VirtioHeader.NeedsChecksum, checksumStart: 0, checksumOffset: 10)));

        var badOffset = tcp.Build();
        badOffset[32] = 0x40;
        Assert.Equal(SplitStatus.Malformed, Plan(TestFrames.Frame(badOffset, VirtioHeader.GsoTcpV4, 1000)));
    }

    [Fact]
    public void Split_AnyBytes_NeverThrowsAndCoversThePayload() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.OneOf<byte>(0, 1, 4, 5), Gen.UShort[0, 60], Gen.OneOf(4, 6), Gen.OneOf<byte>(6, 17, 60))
            .Sample((data, gsoType, gsoSize, version, protocol) =>
            {
                if (data.Length > 51)
                {
                    new VirtioHeader(data[0], gsoType, 0, gsoSize, data[6], data[8]).Write(data);
                    data[10] = (byte)((version << 4) | 5);
                    data[12] = data[14] = 0;
                    (data[16], data[17]) = version == 4 ? ((byte)0, (byte)0) : (protocol, data[17]);
                    if (version == 4) data[19] = protocol;
                }

                if (SuperPacket.TryPlan(data, out var plan) != SplitStatus.Ok) return true;
                var covered = 0;
                for (var i = 0; i < plan.Count; i++)
                {
                    plan.BuildHeader(i, data.AsSpan(plan.PayloadOffset(i) - plan.HeaderBytes), data.AsSpan(plan.PayloadOffset(i), plan.PayloadBytes(i)));
                    covered += plan.PayloadBytes(i);
                }

                return covered == plan.Info.TotalBytes - plan.HeaderBytes;
            }, iter: 30_000);

    [Fact]
    public void Split_TenThousandTimes_AllocatesNothing()
    {
        var frame = TestFrames.Frame(new TestPacket { Payload = new byte[3000] }.Build(), VirtioHeader.GsoTcpV4, 1400, VirtioHeader.NeedsChecksum, 20, 16);
        Allocations.AreNone(() =>
        {
            SuperPacket.TryPlan(frame, out var plan);
            for (var i = 0; i < plan.Count; i++)
                plan.BuildHeader(i, frame.AsSpan(plan.PayloadOffset(i) - plan.HeaderBytes), frame.AsSpan(plan.PayloadOffset(i), plan.PayloadBytes(i)));
        });
    }

    private static SplitStatus Plan(byte[] frame) => SuperPacket.TryPlan(frame, out _);
}
