using System.Runtime.InteropServices;

namespace Gateway.Engine.Packets;

/// <summary>
/// The 10-byte virtio_net_hdr that precedes every packet on a TUN with IFF_VNET_HDR (linux/virtio_net.h), in the host's byte order.
/// </summary>
internal readonly struct VirtioHeader
{
    /// <summary>Its length on the wire, bytes.</summary>
    public const int Bytes = 10;

    /// <summary>VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum field holds only the pseudo-header's sum.</summary>
    public const byte NeedsChecksum = 1;

    /// <summary>VIRTIO_NET_HDR_GSO_NONE: an ordinary packet.</summary>
    public const byte GsoNone = 0;

    /// <summary>VIRTIO_NET_HDR_GSO_TCPV4.</summary>
    public const byte GsoTcpV4 = 1;

    /// <summary>VIRTIO_NET_HDR_GSO_TCPV6.</summary>
    public const byte GsoTcpV6 = 4;

    /// <summary>VIRTIO_NET_HDR_GSO_UDP_L4.</summary>
    public const byte GsoUdpL4 = 5;

    /// <summary>VIRTIO_NET_HDR_GSO_ECN, a flag beside the type: the first segment carries CWR.</summary>
    private const byte GsoEcn = 0x80;

    public VirtioHeader(byte flags, byte gsoType, ushort headerBytes, ushort gsoSize, ushort checksumStart, ushort checksumOffset)
    {
        Flags = flags;
        GsoType = gsoType;
        HeaderBytes = headerBytes;
        GsoSize = gsoSize;
        ChecksumStart = checksumStart;
        ChecksumOffset = checksumOffset;
    }

    /// <summary>Bits: <see cref="NeedsChecksum"/>.</summary>
    public byte Flags { get; }

    /// <summary>One of the Gso constants, without the ECN flag.</summary>
    public byte GsoType { get; }

    /// <summary>hdr_len. Not reliable on packets that the kernel forwards: recompute it.</summary>
    public ushort HeaderBytes { get; }

    /// <summary>Payload bytes of each segment but the last.</summary>
    public ushort GsoSize { get; }

    /// <summary>Where checksumming starts, counted from the packet's first byte.</summary>
    public ushort ChecksumStart { get; }

    /// <summary>Where the checksum field is, counted from <see cref="ChecksumStart"/>.</summary>
    public ushort ChecksumOffset { get; }

    /// <summary>Reads a header; false if there are fewer than <see cref="Bytes"/> bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out VirtioHeader header)
    {
        if (source.Length < Bytes)
        {
            header = default;
            return false;
        }

        header = new VirtioHeader(
            source[0], (byte)(source[1] & ~GsoEcn), MemoryMarshal.Read<ushort>(source[2..]), MemoryMarshal.Read<ushort>(source[4..]),
            MemoryMarshal.Read<ushort>(source[6..]), MemoryMarshal.Read<ushort>(source[8..]));
        return true;
    }

    /// <summary>Writes it to the first <see cref="Bytes"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Bytes];
        destination[0] = Flags;
        destination[1] = GsoType;
        MemoryMarshal.Write(destination[2..], HeaderBytes);
        MemoryMarshal.Write(destination[4..], GsoSize);
        MemoryMarshal.Write(destination[6..], ChecksumStart);
        MemoryMarshal.Write(destination[8..], ChecksumOffset);
    }
}
