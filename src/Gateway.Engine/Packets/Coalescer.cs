using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gateway.Engine.Ports;

namespace Gateway.Engine.Packets;

/// <summary>Takes what the <see cref="Coalescer"/> hands over.</summary>
internal interface ICoalescedWriter
{
    /// <summary>Writes one packet or super-packet, gathered from its pieces; the first starts with the virtio header if the device has one.</summary>
    /// <param name="pieces">Valid during the call.</param>
    /// <param name="packets">How many packets it was made of.</param>
    void Write(ReadOnlySpan<Segment> pieces, int packets);
}

/// <summary>
/// Joins consecutive packets of one flow into super-packets for the TUN, as the kernel's GRO does (tcp_gro_receive, udp_gro_receive_segment,
/// inet_gro_receive), so that the kernel's stack is walked once for many of them. Packets are not copied: a super-packet is a gather list of
/// the first packet with its header rewritten in place and of the payloads of the others.
/// <para>
/// One batch: <see cref="Begin"/>, <see cref="Add"/> for each packet, <see cref="Flush"/>; the packets' memory stays as it is until then.
/// The order within a flow is kept. What cannot be joined is written by itself with a zero virtio header and not changed.
/// </para>
/// </summary>
// SAFETY: every pointer here is a packet that the caller owns until Flush (Add's contract), in memory that does not move; reads stay within
// TotalBytes, which TryParse has checked against the memory, and within header lengths that TryDescribe has checked against TotalBytes.
internal sealed unsafe class Coalescer
{
    /// <summary>Flows that can be collected at once. A batch holds a few bulk flows at most; one more closes the oldest.</summary>
    public const int MaxRuns = 16;

    /// <summary>Packets of one run; UDP receivers before Linux 6.9 take no more than 64 (UDP_MAX_SEGMENTS).</summary>
    public const int MaxPackets = 64;

    /// <summary>Bytes that may be overwritten directly before each packet.</summary>
    public const int HeadroomBytes = 16;

    private const int MaxTotalBytes = ushort.MaxValue;
    private const int TcpChecksumOffset = 16, UdpChecksumOffset = 6, UdpHeaderBytes = 8, MinTcpHeaderBytes = 20;

    private readonly ICoalescedWriter _writer;
    private readonly bool _hasVirtioHeader;
    private readonly Segment[] _pieces = new Segment[MaxRuns * MaxPackets];
    private readonly Run[] _runs = new Run[MaxRuns];
    private readonly Segment[] _single = new Segment[1];
    private uint _openRuns;
    private uint _started;

    /// <summary>Makes a coalescer for one device.</summary>
    /// <param name="writer">Gets the packets.</param>
    /// <param name="hasVirtioHeader">Whether the device takes virtio headers; without them every packet is written by itself.</param>
    /// <param name="canUdp">Whether it takes UDP super-packets (USO).</param>
    public Coalescer(ICoalescedWriter writer, bool hasVirtioHeader, bool canUdp)
    {
        _writer = writer;
        _hasVirtioHeader = hasVirtioHeader;
        CanUdp = canUdp;
    }

    /// <summary>Whether UDP is joined. May be switched off between batches, when the kernel has refused it.</summary>
    public bool CanUdp { get; set; }

    private enum IdRule : byte
    {
        Unknown,
        Increments,
        Stays,
    }

    /// <summary>Starts a batch. What an abandoned batch left is forgotten, as its memory may be gone.</summary>
    public void Begin() => _openRuns = 0;

    /// <summary>Takes one packet that starts at <paramref name="packet"/>, whose <see cref="HeadroomBytes"/> bytes before it are free.</summary>
    /// <param name="packet">Its first byte, in memory that does not move.</param>
    /// <param name="bytes">Bytes there, padding included; the padding is not written.</param>
    /// <param name="info">What <see cref="IpPacket.TryParse"/> said of it.</param>
    public void Add(nint packet, int bytes, in IpPacket info)
    {
        Debug.Assert(info.TotalBytes <= bytes, "The packet was parsed from other memory.");
        var start = (byte*)packet;
        if (!_hasVirtioHeader)
        {
            WriteSingle(start, info.TotalBytes);
            return;
        }

        var index = FindRun(info);
        if (!TryDescribe(start, info, out var candidate))
        {
            if (index >= 0) Close(index);
            WriteSingle(start, info.TotalBytes);
            return;
        }

        if (index >= 0)
        {
            if (TryJoin(index, candidate, start)) return;
            Close(index);
        }

        Open(candidate, info);
    }

    /// <summary>Hands over everything that is still open.</summary>
    public void Flush()
    {
        while (_openRuns != 0) Close(OldestRun());
    }

    /// <summary>The open run of this packet's flow, or -1. Fragments have no ports and count for every flow between their addresses.</summary>
    private int FindRun(in IpPacket info)
    {
        if (info.IsFragment) CloseBetween(info);

        var ports = Ports(info);
        for (var open = _openRuns; open != 0; open &= open - 1)
        {
            var index = BitOperations.TrailingZeroCount(open);
            ref var run = ref _runs[index];
            if (run.Ports == ports && run.Protocol == info.Protocol && run.Destination == info.Destination && run.Source == info.Source) return index;
        }

        return -1;
    }

    private void CloseBetween(in IpPacket info)
    {
        for (var open = _openRuns; open != 0; open &= open - 1)
        {
            var index = BitOperations.TrailingZeroCount(open);
            ref var run = ref _runs[index];
            if (run.Protocol == info.Protocol && run.Destination == info.Destination && run.Source == info.Source) Close(index);
        }
    }

    private static uint Ports(in IpPacket info) => ((uint)info.SourcePort << 16) | (uint)info.DestinationPort;

    /// <summary>Whether the packet is of a kind that can be in a run at all, and its measures.</summary>
    private bool TryDescribe(byte* packet, in IpPacket info, out Candidate candidate)
    {
        candidate = default;
        if (info.IsFragment) return false;
        if (info.Version == 4)
        {
            // No options; of the flags only DF; and the header's checksum must be right, as a run gets a new one.
            if (info.HeaderBytes != IpPacket.V4HeaderBytes || (packet[6] & 0xBF) != 0) return false;
            if (!Checksum.IsValid(Checksum.Add(new ReadOnlySpan<byte>(packet, IpPacket.V4HeaderBytes), 0))) return false;
        }
        else if (info.HeaderBytes != IpPacket.V6HeaderBytes)
        {
            return false;
        }

        var transport = packet + info.TransportOffset;
        var transportBytes = info.TotalBytes - info.TransportOffset;
        if (info.Protocol == IpProtocol.Tcp)
        {
            if (transportBytes < MinTcpHeaderBytes) return false;
            candidate.TransportHeaderBytes = (transport[12] >> 4) * 4;
            var flags = transport[13] & ~TcpFlags.Psh;
            if (flags != TcpFlags.Ack || (transport[12] & 0x0F) != 0 || candidate.TransportHeaderBytes < MinTcpHeaderBytes) return false;
            candidate.IsPush = (transport[13] & TcpFlags.Psh) != 0;
            candidate.Sequence = ReadBigEndian(transport + 4);
        }
        else if (info.Protocol == IpProtocol.Udp && CanUdp)
        {
            if (transportBytes < UdpHeaderBytes) return false;
            candidate.TransportHeaderBytes = UdpHeaderBytes;
            // A zero checksum means "none" and cannot be re-made per segment; a length of its own would be lost.
            if (Unsafe.ReadUnaligned<ushort>(transport + UdpChecksumOffset) == 0) return false;
            if (BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(transport + 4, 2)) != transportBytes) return false;
        }
        else
        {
            return false;
        }

        candidate.HeaderBytes = info.HeaderBytes + candidate.TransportHeaderBytes;
        candidate.PayloadBytes = info.TotalBytes - candidate.HeaderBytes;
        candidate.Packet = packet;
        return candidate.PayloadBytes > 0;
    }

    private bool TryJoin(int index, in Candidate next, byte* packet)
    {
        ref var run = ref _runs[index];
        if (run.Packets == MaxPackets || next.HeaderBytes != run.HeaderBytes || next.PayloadBytes > run.SegmentBytes) return false;
        if (run.TotalBytes + next.PayloadBytes > MaxTotalBytes || !HasSameHeader(run, packet)) return false;
        if (run.Protocol == IpProtocol.Tcp && next.Sequence != run.NextSequence) return false;
        if (run.Version == 4 && !FollowsIdentification(ref run, packet)) return false;

        // A run goes to the kernel with "checksum to be completed": a damaged packet in it would leave with a right one.
        if (!run.HeadVerified && !(run.HeadVerified = HasValidChecksum(run, run.Head, run.SegmentBytes))) return false;
        if (!HasValidChecksum(run, packet, next.PayloadBytes)) return false;

        _pieces[(index * MaxPackets) + run.Packets] = new Segment((nint)(packet + run.HeaderBytes), next.PayloadBytes);
        run.Packets++;
        run.TotalBytes += next.PayloadBytes;
        run.NextSequence += (uint)next.PayloadBytes;
        run.IsPush = next.IsPush;
        if (next.IsPush || next.PayloadBytes < run.SegmentBytes || run.Packets == MaxPackets) Close(index);
        return true;
    }

    /// <summary>Whether all is equal that a split would copy from the first packet.</summary>
    private static bool HasSameHeader(in Run run, byte* packet)
    {
        var head = run.Head;
        int transport;
        if (run.Version == 4)
        {
            // Version, header length, TOS; flags; TTL and protocol. Addresses and ports were compared to find the run.
            if (!Same<ushort>(head, packet, 0) || !Same<ushort>(head, packet, 6) || !Same<ushort>(head, packet, 8)) return false;
            transport = IpPacket.V4HeaderBytes;
        }
        else
        {
            // Version, traffic class, flow label; next header and hop limit.
            if (!Same<uint>(head, packet, 0) || !Same<ushort>(head, packet, 6)) return false;
            transport = IpPacket.V6HeaderBytes;
        }

        if (run.Protocol != IpProtocol.Tcp) return true;

        // Acknowledgement; header length; window; urgent pointer; options.
        if (!Same<uint>(head, packet, transport + 8) || head[transport + 12] != packet[transport + 12]) return false;
        if (!Same<ushort>(head, packet, transport + 14) || !Same<ushort>(head, packet, transport + 18)) return false;
        for (var option = transport + MinTcpHeaderBytes; option < run.HeaderBytes; option += sizeof(uint))
        {
            if (!Same<uint>(head, packet, option)) return false;
        }

        return true;
    }

    /// <summary>
    /// IPv4 identifications count up by one; with DF they may also all be equal (inet_gro_receive). A run follows one rule throughout.
    /// </summary>
    private static bool FollowsIdentification(ref Run run, byte* packet)
    {
        var distance = (ushort)(ReadIdentification(packet) - ReadIdentification(run.Head));
        var rule = distance == run.Packets ? IdRule.Increments : distance == 0 && (packet[6] & 0x40) != 0 ? IdRule.Stays : IdRule.Unknown;
        if (rule == IdRule.Unknown || (run.IdRule != IdRule.Unknown && rule != run.IdRule)) return false;
        run.IdRule = rule;
        return true;
    }

    private static bool HasValidChecksum(in Run run, byte* packet, int payloadBytes)
    {
        var transportBytes = run.HeaderBytes - run.IpHeaderBytes + payloadBytes;
        return Checksum.IsValid(Checksum.Add(new ReadOnlySpan<byte>(packet + run.IpHeaderBytes, transportBytes), run.AddressSum + (uint)transportBytes));
    }

    private void Open(in Candidate first, in IpPacket info)
    {
        if (first.IsPush)
        {
            WriteSingle(first.Packet, info.TotalBytes);
            return;
        }

        if (BitOperations.PopCount(_openRuns) == MaxRuns) Close(OldestRun());
        var index = BitOperations.TrailingZeroCount(~_openRuns);
        _openRuns |= 1u << index;
        ref var run = ref _runs[index];
        run.Source = info.Source;
        run.Destination = info.Destination;
        run.Ports = Ports(info);
        run.Protocol = info.Protocol;
        run.Version = (byte)info.Version;
        run.AddressSum = Checksum.PseudoHeader(info.Source, info.Destination, info.Protocol);
        run.Head = first.Packet;
        run.IpHeaderBytes = info.HeaderBytes;
        run.HeaderBytes = first.HeaderBytes;
        run.SegmentBytes = first.PayloadBytes;
        run.TotalBytes = info.TotalBytes;
        run.Packets = 1;
        run.NextSequence = first.Sequence + (uint)first.PayloadBytes;
        run.IdRule = IdRule.Unknown;
        run.IsPush = false;
        run.HeadVerified = false;
        run.Started = _started++;
    }

    private int OldestRun()
    {
        var oldest = BitOperations.TrailingZeroCount(_openRuns);
        for (var open = _openRuns & (_openRuns - 1); open != 0; open &= open - 1)
        {
            var index = BitOperations.TrailingZeroCount(open);
            if ((int)(_runs[index].Started - _runs[oldest].Started) < 0) oldest = index;
        }

        return oldest;
    }

    private void Close(int index)
    {
        _openRuns &= ~(1u << index);
        ref var run = ref _runs[index];
        if (run.Packets == 1)
        {
            WriteSingle(run.Head, run.TotalBytes);
            return;
        }

        RewriteHead(run);
        var pieces = _pieces.AsSpan(index * MaxPackets, run.Packets);
        pieces[0] = new Segment((nint)(run.Head - VirtioHeader.Bytes), VirtioHeader.Bytes + run.HeaderBytes + run.SegmentBytes);
        _writer.Write(pieces, run.Packets);
    }

    /// <summary>Turns the first packet's header into the super-packet's, and lays the virtio header before it.</summary>
    private static void RewriteHead(in Run run)
    {
        // SAFETY: the head's header was checked when it was added, and 16 bytes before it are ours by Add's contract.
        var ip = new Span<byte>(run.Head, run.IpHeaderBytes);
        if (run.Version == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)run.TotalBytes);
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum.Complete(Checksum.Add(ip, 0)));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(run.TotalBytes - IpPacket.V6HeaderBytes));
        }

        var transport = new Span<byte>(run.Head + run.IpHeaderBytes, run.HeaderBytes - run.IpHeaderBytes);
        var transportBytes = run.TotalBytes - run.IpHeaderBytes;
        var isTcp = run.Protocol == IpProtocol.Tcp;
        var checksumOffset = isTcp ? TcpChecksumOffset : UdpChecksumOffset;
        if (isTcp && run.IsPush) transport[13] |= TcpFlags.Psh;
        if (!isTcp) BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transportBytes);
        BinaryPrimitives.WriteUInt16BigEndian(transport[checksumOffset..], Checksum.Fold(run.AddressSum + (uint)transportBytes));

        var gsoType = !isTcp ? VirtioHeader.GsoUdpL4 : run.Version == 4 ? VirtioHeader.GsoTcpV4 : VirtioHeader.GsoTcpV6;
        new VirtioHeader(
            VirtioHeader.NeedsChecksum, gsoType, (ushort)run.HeaderBytes, (ushort)run.SegmentBytes, (ushort)run.IpHeaderBytes, (ushort)checksumOffset)
            .Write(new Span<byte>(run.Head - VirtioHeader.Bytes, VirtioHeader.Bytes));
    }

    private void WriteSingle(byte* packet, int bytes)
    {
        if (_hasVirtioHeader)
        {
            packet -= VirtioHeader.Bytes;
            bytes += VirtioHeader.Bytes;
            // SAFETY: Add's contract: 16 bytes before each packet are ours.
            new Span<byte>(packet, VirtioHeader.Bytes).Clear();
        }

        _single[0] = new Segment((nint)packet, bytes);
        _writer.Write(_single, 1);
    }

    private static bool Same<T>(byte* a, byte* b, int offset) where T : unmanaged, IEquatable<T> =>
        Unsafe.ReadUnaligned<T>(a + offset).Equals(Unsafe.ReadUnaligned<T>(b + offset));

    private static ushort ReadIdentification(byte* packet) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(packet + 4));

    private static uint ReadBigEndian(byte* field) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(field));

    /// <summary>Measures of a packet that can be in a run.</summary>
    private struct Candidate
    {
        public byte* Packet;
        public int HeaderBytes, TransportHeaderBytes, PayloadBytes;
        public uint Sequence;
        public bool IsPush;
    }

    /// <summary>Packets of one flow that will be one write.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Run
    {
        public InetAddress Source, Destination;
        public byte* Head;
        public uint Ports, AddressSum, NextSequence, Started;
        public int IpHeaderBytes, HeaderBytes, SegmentBytes, TotalBytes, Packets;
        public byte Protocol, Version;
        public IdRule IdRule;
        public bool IsPush, HeadVerified;
    }
}
