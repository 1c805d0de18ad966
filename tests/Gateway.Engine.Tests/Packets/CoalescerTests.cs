using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CsCheck;
using Gateway.Engine.Packets;
using Gateway.Engine.Ports;
using Xunit;

namespace Gateway.Engine.Tests.Packets;

public class CoalescerTests
{
    private const byte AckPsh = TcpFlags.Ack | TcpFlags.Psh;

    [Fact]
    public void RoundTrip_AnyTcpSuperPacket_ComesBackAsItWas() =>
        Gen.Select(Gen.Int[200, 60_000], Gen.Int[100, 1440], Gen.Bool, Gen.Bool, Gen.UInt).Sample((bytes, gso, isV6, push, sequence) =>
        {
            gso = Math.Max(gso, (bytes + Coalescer.MaxPackets - 1) / Coalescer.MaxPackets);
            if (bytes <= gso) gso = bytes / 2;
            var original = new TestPacket
            {
                Source = isV6 ? "fd00::1" : "10.0.0.1",
                Destination = isV6 ? "fd00::2" : "10.0.0.2",
                Flags = push ? AckPsh : TcpFlags.Ack,
                Sequence = sequence,
                TcpOptions = TestFrames.Timestamps,
                Payload = TestFrames.Bytes(bytes, (int)sequence),
            }.Build();
            var packets = TestFrames.Split(TestFrames.Frame((byte[])original.Clone(), isV6 ? VirtioHeader.GsoTcpV6 : VirtioHeader.GsoTcpV4, gso, VirtioHeader.NeedsChecksum));
            using var harness = new Harness();
            var write = Assert.Single(harness.Run(packets));

            Assert.Equal(packets.Count, write.Packets);
            Assert.True(VirtioHeader.TryRead(write.Bytes, out var virtio));
            var ip = isV6 ? 40 : 20;
            Assert.Equal((VirtioHeader.NeedsChecksum, gso, ip, 16, ip + 32), (virtio.Flags, virtio.GsoSize, virtio.ChecksumStart, virtio.ChecksumOffset, virtio.HeaderBytes));
            Assert.Equal(isV6 ? VirtioHeader.GsoTcpV6 : VirtioHeader.GsoTcpV4, virtio.GsoType);

            // The kernel completes the checksum; done here, the packet must be the original to the last byte.
            Assert.Equal(original, Complete(write.Bytes));
        }, iter: 300);

    [Fact]
    public void RoundTrip_AnyUdpSuperPacket_ComesBackAsItWas() =>
        Gen.Select(Gen.Int[100, 50_000], Gen.Int[20, 1440], Gen.Bool).Sample((bytes, gso, isV6) =>
        {
            gso = Math.Max(gso, (bytes + Coalescer.MaxPackets - 1) / Coalescer.MaxPackets);
            if (bytes <= gso) gso = bytes / 2;
            var original = new TestPacket
            {
                Source = isV6 ? "fd00::1" : "10.0.0.1",
                Destination = isV6 ? "fd00::2" : "10.0.0.2",
                Protocol = IpProtocol.Udp,
                Payload = TestFrames.Bytes(bytes, bytes),
            }.Build();
            var packets = TestFrames.Split(TestFrames.Frame((byte[])original.Clone(), VirtioHeader.GsoUdpL4, gso, VirtioHeader.NeedsChecksum));
            using var harness = new Harness();
            var write = Assert.Single(harness.Run(packets));
            Assert.True(VirtioHeader.TryRead(write.Bytes, out var virtio));
            Assert.Equal((VirtioHeader.GsoUdpL4, gso, 6), (virtio.GsoType, virtio.GsoSize, virtio.ChecksumOffset));
            Assert.Equal(original, Complete(write.Bytes));
        }, iter: 200);

    [Fact]
    public void Add_AnyMixOfPackets_KeepsBytesAndOrderOfEveryFlow() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 11], Gen.Int[1, 3], Gen.Bool).Array[0, 200].Sample(steps =>
        {
            var sequences = new uint[3];
            var packets = new List<byte[]>();
            var number = 0;
            foreach (var (flow, kind, size, push) in steps)
            {
                var packet = new TestPacket
                {
                    SourcePort = 1000 + flow,
                    Protocol = flow == 2 ? IpProtocol.Udp : IpProtocol.Tcp,
                    Sequence = sequences[flow],
                    Identification = (ushort)(number * 3),
                    FragmentField = 0x4000,
                    TrafficClass = (byte)(kind == 1 ? 8 : 0),
                    HopLimit = (byte)(kind == 2 ? 63 : 64),
                    Flags = (byte)(TcpFlags.Ack | (push ? TcpFlags.Psh : 0) | (kind == 3 ? TcpFlags.Fin : 0)),
                    Window = (ushort)(kind == 4 ? 511 : 512),
                    Payload = TestFrames.Bytes(kind == 5 ? 0 : size * 100, number++),
                };
                packet = packet with { Identification = (ushort)(kind % 2 == 0 ? sequences[flow] / 100 : 5) };
                if (kind != 6) sequences[flow] += (uint)packet.Payload.Length;
                packets.Add(packet.Build());
            }

            using var harness = new Harness();
            var writes = harness.Run(packets);
            Assert.Equal(packets.Count, writes.Sum(write => write.Packets));
            var back = writes.SelectMany(write => TestFrames.Split(write.Bytes)).ToList();
            Assert.All(back, packet => Assert.True(TestPacket.IsIntact(packet)));
            for (var flow = 0; flow < 3; flow++)
            {
                // Identifications of atomic packets (DF) are free to change.
                Assert.Equal(packets.Where(p => Flow(p) == flow).Select(WithoutId), back.Where(p => Flow(p) == flow).Select(WithoutId));
            }
        }, iter: 500);

    [Fact]
    public void Add_PushOrShorterPacket_EndsTheRun()
    {
        using var harness = new Harness();
        Assert.Equal([3, 2], harness.Counts(Tcp(0, 100), Tcp(100, 100), Tcp(200, 100, AckPsh), Tcp(300, 100), Tcp(400, 100)));
        Assert.Equal([2, 1], harness.Counts(Tcp(0, 100), Tcp(100, 50), Tcp(150, 50)));
        Assert.Equal([1, 2], harness.Counts(Tcp(0, 50), Tcp(50, 100), Tcp(150, 100)));
    }

    [Theory]
    [InlineData("gap")]
    [InlineData("acknowledgement")]
    [InlineData("window")]
    [InlineData("tos")]
    [InlineData("ttl")]
    [InlineData("df")]
    [InlineData("timestamps")]
    [InlineData("options length")]
    [InlineData("identification")]
    [InlineData("fin")]
    [InlineData("ece")]
    [InlineData("urgent flag")]
    [InlineData("ip options")]
    public void Add_PacketThatDiffers_IsNotJoined(string difference)
    {
        var first = Tcp(0, 100) with { TcpOptions = TestFrames.Timestamps };
        var second = Tcp(100, 100) with { TcpOptions = TestFrames.Timestamps };
        Assert.Equal([2], new Harness().CountsAndDispose(first, second));
        second = difference switch
        {
            "gap" => second with { Sequence = 101 },
            "acknowledgement" => second with { Acknowledgement = 78 },
            "window" => second with { Window = 513 },
            "tos" => second with { TrafficClass = 1 },
            "ttl" => second with { HopLimit = 63 },
            "df" => second with { FragmentField = 0 },
            "timestamps" => second with { TcpOptions = [1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 5] },
            "options length" => second with { TcpOptions = [] },
            "identification" => second with { Identification = 99 },
            "fin" => second with { Flags = TcpFlags.Ack | TcpFlags.Fin },
            "ece" => second with { Flags = TcpFlags.Ack | TcpFlags.Ece },
            "urgent flag" => second with { Flags = TcpFlags.Ack | TcpFlags.Urg },
            "ip options" => second with { IpOptions = [1, 1, 1, 0] },
            _ => throw new ArgumentOutOfRangeException(nameof(difference)),
        };
        Assert.Equal([1, 1], new Harness().CountsAndDispose(first, second));
    }

    [Fact]
    public void Add_EqualIdentifications_JoinOnlyWithDontFragment()
    {
        using var harness = new Harness();
        var fixedId = new uint[] { 0, 100, 200 }.Select(sequence => Tcp(sequence, 100) with { Identification = 0 }).ToArray();
        Assert.Equal([3], harness.Counts(fixedId));
        Assert.Equal([1, 1, 1], harness.Counts([.. fixedId.Select(packet => packet with { FragmentField = 0 })]));
        // One rule throughout: up by one, then equal, is neither.
        Assert.Equal([2, 1], harness.Counts(Tcp(0, 100) with { Identification = 0 }, Tcp(100, 100) with { Identification = 1 }, Tcp(200, 100) with { Identification = 0 }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Add_CorruptPacket_IsWrittenAloneAsItIs(int corrupt)
    {
        var packets = new[] { Tcp(0, 100).Build(), Tcp(100, 100).Build(), Tcp(200, 100).Build() };
        packets[corrupt][60] ^= 0x10;
        using var harness = new Harness();
        var writes = harness.Run(packets);
        var alone = Assert.Single(writes, write => write.Packets == 1 && write.Bytes.AsSpan(VirtioHeader.Bytes).SequenceEqual(packets[corrupt]));
        Assert.Equal(new byte[VirtioHeader.Bytes], alone.Bytes[..VirtioHeader.Bytes]);
        foreach (var write in writes.Where(write => write.Packets > 1)) Assert.All(TestFrames.Split(write.Bytes), packet => Assert.True(TestPacket.IsIntact(packet)));
    }

    [Fact]
    public void Add_CorruptIpHeader_IsNotRepaired()
    {
        var packets = new[] { Tcp(0, 100).Build(), Tcp(100, 100).Build() };
        packets[0][10] ^= 1;
        using var harness = new Harness();
        Assert.Equal(packets[0], harness.Run(packets)[0].Bytes[VirtioHeader.Bytes..]);
    }

    [Fact]
    public void Add_UdpWithoutChecksumOrWithoutDeviceSupport_IsNotJoined()
    {
        var udp = new TestPacket { Protocol = IpProtocol.Udp, Payload = new byte[100] };
        var second = udp with { Identification = 8 };
        using var harness = new Harness();
        Assert.Equal([2], harness.Counts(udp, second));
        using var without = new Harness(canUdp: false);
        Assert.Equal([1, 1], without.Counts(udp, second));

        var packets = new[] { udp.Build(), second.Build() };
        packets[1][26] = packets[1][27] = 0;
        Assert.Equal([1, 1], harness.Run(packets).Select(write => write.Packets));
    }

    [Fact]
    public void Add_PureAckBetweenData_KeepsItsPlace()
    {
        using var harness = new Harness();
        Assert.Equal([2, 1, 1], harness.Counts(Tcp(0, 100), Tcp(100, 100), Tcp(200, 0), Tcp(200, 100)));
    }

    [Fact]
    public void Add_InterleavedFlows_AreJoinedSeparately()
    {
        using var harness = new Harness();
        Assert.Equal([2, 2], harness.Counts(Tcp(0, 100), Tcp(5000, 80) with { SourcePort = 9 }, Tcp(100, 100), Tcp(5080, 80) with { SourcePort = 9, Identification = 51 }));
    }

    [Fact]
    public void Add_MoreFlowsThanRuns_ClosesTheOldestAndLosesNothing()
    {
        var packets = Enumerable.Range(0, 40).SelectMany(flow => new[] { Tcp(0, 100) with { SourcePort = flow } }).Select(packet => packet.Build()).ToList();
        using var harness = new Harness();
        var writes = harness.Run(packets);
        Assert.Equal(packets, writes.Select(write => write.Bytes[VirtioHeader.Bytes..]));
    }

    [Fact]
    public void Add_RunAtTheSizeLimit_StartsAnother()
    {
        var packets = Enumerable.Range(0, 60).Select(i => Tcp((uint)(i * 1400), 1400) with { Identification = (ushort)i }).ToArray();
        using var harness = new Harness();
        Assert.Equal([46, 14], harness.Counts(packets));
        var small = Enumerable.Range(0, 70).Select(i => Tcp((uint)(i * 10), 10) with { Identification = (ushort)i }).ToArray();
        Assert.Equal([Coalescer.MaxPackets, 70 - Coalescer.MaxPackets], harness.Counts(small));
    }

    [Fact]
    public void Add_DeviceWithoutVirtioHeader_WritesBarePackets()
    {
        using var harness = new Harness(hasVirtioHeader: false);
        var packets = new[] { Tcp(0, 100).Build(), Tcp(100, 100).Build() };
        Assert.Equal(packets, harness.Run(packets).Select(write => write.Bytes));
    }

    [Fact]
    public void Add_Padding_IsNotWritten()
    {
        using var harness = new Harness();
        var packet = Tcp(0, 100).Build();
        Assert.Equal(packet, harness.Run([[.. packet, 0, 0, 0, 0]])[0].Bytes[VirtioHeader.Bytes..]);
    }

    [Fact]
    public void Add_AnyBytes_WritesThemAll() =>
        Gen.Select(Gen.Byte.Array[20, 100], Gen.OneOf<byte>(6, 17), Gen.OneOf(4, 6)).Array[1, 20].Sample(rows =>
        {
            var packets = new List<byte[]>();
            foreach (var (data, protocol, version) in rows)
            {
                if (version == 6 && data.Length < 40) continue;
                data[0] = (byte)((version << 4) | (version == 4 ? 5 : 0));
                BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(version == 4 ? 2 : 4), (ushort)(version == 4 ? data.Length : data.Length - 40));
                data[version == 4 ? 9 : 6] = protocol;
                packets.Add(data);
            }

            using var harness = new Harness();
            return harness.Run(packets).Sum(write => write.Bytes.Length - VirtioHeader.Bytes) == packets.Sum(packet => packet.Length);
        }, iter: 3000);

    [Fact]
    public unsafe void Add_TenThousandBatches_AllocatesNothing()
    {
        using var harness = new Harness(record: false);
        var packets = Enumerable.Range(0, 20).Select(i => Tcp((uint)(i * 500), 500) with { Identification = (ushort)i }).Select(p => p.Build()).ToArray();
        var slots = harness.Place(packets);
        Allocations.AreNone(() =>
        {
            harness.Coalescer.Begin();
            foreach (var (address, bytes) in slots)
            {
                IpPacket.TryParse(new ReadOnlySpan<byte>((void*)address, bytes), out var info);
                harness.Coalescer.Add(address, bytes, info);
            }

            harness.Coalescer.Flush();
        });
    }

    private static TestPacket Tcp(uint sequence, int bytes, byte flags = TcpFlags.Ack) => new()
    {
        Sequence = sequence,
        Identification = (ushort)(sequence / 100),
        Flags = flags,
        Payload = TestFrames.Bytes(bytes, (int)sequence),
    };

    private static int Flow(byte[] packet) => BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(20)) - 1000;

    private static string WithoutId(byte[] packet)
    {
        var copy = (byte[])packet.Clone();
        copy[4] = copy[5] = copy[10] = copy[11] = 0;
        return Convert.ToHexString(copy);
    }

    private static byte[] Complete(byte[] frame)
    {
        // The virtio header without GSO leaves only the checksum to be completed.
        Assert.True(VirtioHeader.TryRead(frame, out var virtio));
        var copy = (byte[])frame.Clone();
        new VirtioHeader(virtio.Flags, VirtioHeader.GsoNone, 0, 0, virtio.ChecksumStart, virtio.ChecksumOffset).Write(copy);
        return Assert.Single(TestFrames.Split(copy));
    }

    /// <summary>Lays packets into native memory with headroom, as the receive buffer has them, and keeps what is written.</summary>
    private sealed unsafe class Harness : ICoalescedWriter, IDisposable
    {
        private readonly List<(byte[] Bytes, int Packets)> _writes = [];
        private readonly List<nint> _memory = [];
        private readonly bool _record;

        public Harness(bool hasVirtioHeader = true, bool canUdp = true, bool record = true)
        {
            _record = record;
            Coalescer = new Coalescer(this, hasVirtioHeader, canUdp);
        }

        public Coalescer Coalescer { get; }

        public List<(nint Address, int Bytes)> Place(IEnumerable<byte[]> packets)
        {
            var slots = new List<(nint, int)>();
            foreach (var packet in packets)
            {
                // SAFETY: freed in Dispose; the packet fits behind the headroom.
                var memory = (byte*)NativeMemory.AllocZeroed((nuint)(Coalescer.HeadroomBytes + packet.Length));
                new Span<byte>(memory, Coalescer.HeadroomBytes).Fill(0xEE);
                packet.CopyTo(new Span<byte>(memory + Coalescer.HeadroomBytes, packet.Length));
                _memory.Add((nint)memory);
                slots.Add(((nint)(memory + Coalescer.HeadroomBytes), packet.Length));
            }

            return slots;
        }

        public List<(byte[] Bytes, int Packets)> Run(IEnumerable<byte[]> packets)
        {
            _writes.Clear();
            Coalescer.Begin();
            foreach (var (address, bytes) in Place(packets))
            {
                Assert.Equal(PacketStatus.Ok, IpPacket.TryParse(new ReadOnlySpan<byte>((void*)address, bytes), out var info));
                Coalescer.Add(address, bytes, info);
            }

            Coalescer.Flush();
            return [.. _writes];
        }

        public int[] Counts(params TestPacket[] packets) => [.. Run(packets.Select(packet => packet.Build())).Select(write => write.Packets)];

        public int[] CountsAndDispose(params TestPacket[] packets)
        {
            using (this) return Counts(packets);
        }

        public void Write(ReadOnlySpan<Segment> pieces, int packets)
        {
            if (!_record) return;
            var bytes = new List<byte>();
            foreach (var piece in pieces) bytes.AddRange(new ReadOnlySpan<byte>((void*)piece.Address, (int)piece.Length));
            _writes.Add(([.. bytes], packets));
        }

        public void Dispose()
        {
            foreach (var memory in _memory) NativeMemory.Free((void*)memory);
        }
    }
}
