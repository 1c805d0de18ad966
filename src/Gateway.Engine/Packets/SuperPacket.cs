using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Gateway.Engine.Packets;

/// <summary>What came of planning a split.</summary>
internal enum SplitStatus
{
    /// <summary>The plan can be followed.</summary>
    Ok,
    /// <summary>Neither IPv4 nor IPv6.</summary>
    NotIp,
    /// <summary>Lengths disagree, or the virtio header asks for what the packet is not.</summary>
    Malformed,
}

/// <summary>
/// How to cut one frame as read from the TUN, [virtio header + packet], into packets for the wire: what the kernel's tcp_gso_segment and
/// __udp_gso_segment do. A packet without GSO is a plan of one segment with no header to build.
/// <para>
/// Use: for each index in ascending order, <see cref="BuildHeader"/> into the <see cref="HeaderBytes"/> bytes before
/// <see cref="PayloadOffset"/>; header and payload then are one packet. That overwrites the end of the segment before, which must have been
/// used by then; the plan keeps its own copy of the original header.
/// </para>
/// </summary>
internal struct SuperPacket
{
    /// <summary>The longest header that is split, bytes: IPv6 with extension headers and full TCP options.</summary>
    public const int MaxHeaderBytes = 256;

    private const int MinTcpHeaderBytes = 20, UdpHeaderBytes = 8;
    private const int TcpChecksumOffset = 16, UdpChecksumOffset = 6;

    private IpPacket _info;
    private int _headerBytes, _payloadStart, _payloadBytes;
    private uint _addressSum, _sequence;
    private ushort _identification;
    private HeaderCopy _header;

    /// <summary>What the headers say; ports, addresses and flags are those of every segment.</summary>
    public readonly IpPacket Info => _info;

    /// <summary>How many packets come of it, at least 1.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of each segment's IP and transport header; 0 where the packet is sent as it is.</summary>
    public readonly int HeaderBytes => _headerBytes;

    /// <summary>Payload bytes of every segment but the last, which may have fewer.</summary>
    public int SegmentPayloadBytes { get; private set; }

    /// <summary>Where a segment's payload starts, bytes from the first byte of the frame, virtio header included.</summary>
    public readonly int PayloadOffset(int index) => _payloadStart + (index * SegmentPayloadBytes);

    /// <summary>Bytes of a segment's payload.</summary>
    public readonly int PayloadBytes(int index) => Math.Min(SegmentPayloadBytes, _payloadBytes - (index * SegmentPayloadBytes));

    /// <summary>
    /// Plans the split of a frame. Where it is an ordinary packet that lacks its checksum, the checksum is completed in place; else nothing is written.
    /// </summary>
    [SkipLocalsInit]
    public static SplitStatus TryPlan(Span<byte> frame, out SuperPacket plan)
    {
        Unsafe.SkipInit(out plan);
        plan._headerBytes = 0;
        plan.Count = 0;
        plan.SegmentPayloadBytes = 0;
        if (!VirtioHeader.TryRead(frame, out var virtio)) return SplitStatus.Malformed;

        var packet = frame[VirtioHeader.Bytes..];
        var status = IpPacket.TryParse(packet, out plan._info);
        if (status != PacketStatus.Ok) return status == PacketStatus.NotIp ? SplitStatus.NotIp : SplitStatus.Malformed;

        packet = packet[..plan._info.TotalBytes];
        return virtio.GsoType == VirtioHeader.GsoNone ? plan.PlanSingle(virtio, packet) : plan.PlanSegments(virtio, packet);
    }

    /// <summary>
    /// Writes the complete header of segment <paramref name="index"/>, checksums included, to the first <see cref="HeaderBytes"/> bytes of
    /// <paramref name="header"/>. <paramref name="payload"/> is that segment's payload.
    /// </summary>
    public readonly void BuildHeader(int index, Span<byte> header, ReadOnlySpan<byte> payload)
    {
        if (_headerBytes == 0) return;

        header = header[.._headerBytes];
        ((ReadOnlySpan<byte>)_header)[.._headerBytes].CopyTo(header);
        var packetBytes = _headerBytes + payload.Length;
        if (_info.Version == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)packetBytes);
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(_identification + index));
            BinaryPrimitives.WriteUInt16BigEndian(header[10..], Checksum.Complete(Checksum.Add(header[.._info.HeaderBytes], 0)));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(packetBytes - IpPacket.V6HeaderBytes));
        }

        var transport = header[_info.TransportOffset..];
        var transportBytes = transport.Length + payload.Length;
        var sum = Checksum.Add(payload, _addressSum + (uint)transportBytes);
        if (_info.Protocol == IpProtocol.Tcp)
        {
            BinaryPrimitives.WriteUInt32BigEndian(transport[4..], _sequence + (uint)(index * SegmentPayloadBytes));
            if (index != Count - 1) transport[13] &= unchecked((byte)~(TcpFlags.Fin | TcpFlags.Psh));
            if (index != 0) transport[13] &= unchecked((byte)~TcpFlags.Cwr);
            BinaryPrimitives.WriteUInt16BigEndian(transport[TcpChecksumOffset..], Checksum.Complete(Checksum.Add(transport, sum)));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transportBytes);
            BinaryPrimitives.WriteUInt16BigEndian(transport[UdpChecksumOffset..], NonZero(Checksum.Complete(Checksum.Add(transport, sum))));
        }
    }

    private SplitStatus PlanSingle(in VirtioHeader virtio, Span<byte> packet)
    {
        if ((virtio.Flags & VirtioHeader.NeedsChecksum) != 0)
        {
            var field = virtio.ChecksumStart + virtio.ChecksumOffset;
            if (virtio.ChecksumStart < _info.HeaderBytes || field + sizeof(ushort) > packet.Length) return SplitStatus.Malformed;

            // The field holds the pseudo-header's sum and is part of what is summed; 0 becomes ffff as in skb_checksum_help.
            var sum = Checksum.Add(packet[virtio.ChecksumStart..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(packet[field..], NonZero(Checksum.Complete(sum)));
        }

        Count = 1;
        _payloadStart = VirtioHeader.Bytes;
        _payloadBytes = SegmentPayloadBytes = packet.Length;
        return SplitStatus.Ok;
    }

    private SplitStatus PlanSegments(in VirtioHeader virtio, ReadOnlySpan<byte> packet)
    {
        var (version, protocol) = virtio.GsoType switch
        {
            VirtioHeader.GsoTcpV4 => (4, IpProtocol.Tcp),
            VirtioHeader.GsoTcpV6 => (6, IpProtocol.Tcp),
            VirtioHeader.GsoUdpL4 => (_info.Version, IpProtocol.Udp),
            _ => (0, default),
        };
        if (version != _info.Version || protocol != _info.Protocol || _info.IsFragment || virtio.GsoSize == 0) return SplitStatus.Malformed;

        // hdr_len is not reliable on forwarded packets: the headers themselves say how long they are.
        var transport = packet[_info.TransportOffset..];
        var transportHeaderBytes = UdpHeaderBytes;
        if (protocol == IpProtocol.Tcp)
        {
            if (transport.Length < MinTcpHeaderBytes) return SplitStatus.Malformed;
            transportHeaderBytes = (transport[12] >> 4) * 4;
            if (transportHeaderBytes < MinTcpHeaderBytes) return SplitStatus.Malformed;
            _sequence = BinaryPrimitives.ReadUInt32BigEndian(transport[4..]);
        }

        var headerBytes = _info.TransportOffset + transportHeaderBytes;
        if (transportHeaderBytes > transport.Length || headerBytes > MaxHeaderBytes) return SplitStatus.Malformed;

        Span<byte> copy = _header;
        packet[..headerBytes].CopyTo(copy);
        if (version == 4)
        {
            _identification = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
            copy.Slice(10, sizeof(ushort)).Clear();
        }

        copy.Slice(_info.TransportOffset + (protocol == IpProtocol.Tcp ? TcpChecksumOffset : UdpChecksumOffset), sizeof(ushort)).Clear();
        _addressSum = Checksum.PseudoHeader(_info.Source, _info.Destination, protocol);
        _headerBytes = headerBytes;
        _payloadStart = VirtioHeader.Bytes + headerBytes;
        _payloadBytes = packet.Length - headerBytes;
        SegmentPayloadBytes = virtio.GsoSize;
        Count = Math.Max(1, (_payloadBytes + SegmentPayloadBytes - 1) / SegmentPayloadBytes);
        return SplitStatus.Ok;
    }

    private static ushort NonZero(ushort checksum) => checksum == 0 ? (ushort)0xFFFF : checksum;

    [InlineArray(MaxHeaderBytes)]
    private struct HeaderCopy
    {
        private byte _first;
    }
}
