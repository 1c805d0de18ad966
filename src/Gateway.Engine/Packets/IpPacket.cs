using System.Buffers.Binary;

namespace Gateway.Engine.Packets;

/// <summary>What came of reading a packet's headers.</summary>
internal enum PacketStatus
{
    /// <summary>The headers are sound.</summary>
    Ok,
    /// <summary>Neither IPv4 nor IPv6.</summary>
    NotIp,
    /// <summary>Its lengths disagree, or an IPv6 packet carries IPv4-mapped addresses.</summary>
    Malformed,
}

/// <summary>IP protocol numbers that are treated specially (IANA).</summary>
internal static class IpProtocol
{
    public const byte HopByHop = 0, Icmp = 1, Tcp = 6, Udp = 17, Dccp = 33, Routing = 43, Fragment = 44, Authentication = 51, IcmpV6 = 58,
        DestinationOptions = 60, Sctp = 132, UdpLite = 136;
}

/// <summary>Bits of the TCP flags byte (RFC 9293 §3.1).</summary>
internal static class TcpFlags
{
    public const byte Fin = 0x01, Syn = 0x02, Rst = 0x04, Psh = 0x08, Ack = 0x10, Urg = 0x20, Ece = 0x40, Cwr = 0x80;
}

/// <summary>
/// What the data plane wants to know about an IP packet. The IP header's own lengths are checked; a transport header that is cut short only
/// leaves the ports 0, as routers do not care.
/// </summary>
internal readonly struct IpPacket
{
    /// <summary>A fixed IPv4 header, bytes.</summary>
    public const int V4HeaderBytes = 20;

    /// <summary>A fixed IPv6 header, bytes.</summary>
    public const int V6HeaderBytes = 40;

    // Ours: real packets have one or two; more of them is somebody probing.
    private const int MaxExtensionHeaders = 8;

    private const ushort MoreFragments = 0x2000, FragmentOffsetMask = 0x1FFF;
    private const byte IcmpEchoReply = 0, IcmpEcho = 8, IcmpV6Echo = 128, IcmpV6EchoReply = 129;

    private readonly byte _version, _protocol, _tcpFlags;
    private readonly bool _isFragment;
    private readonly ushort _headerBytes, _sourcePort, _destinationPort, _echoSequence;
    private readonly int _totalBytes;

    private IpPacket(byte version, byte protocol, int headerBytes, int totalBytes, bool isFragment, bool isFirst, InetAddress source, InetAddress destination, ReadOnlySpan<byte> transport)
    {
        _version = version;
        _protocol = protocol;
        _headerBytes = (ushort)headerBytes;
        _totalBytes = totalBytes;
        _isFragment = isFragment;
        Source = source;
        Destination = destination;
        if (!isFirst) return;

        if (protocol == IpProtocol.Tcp && transport.Length > 13) _tcpFlags = transport[13];
        switch (protocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp or IpProtocol.Dccp or IpProtocol.UdpLite:
                if (transport.Length < 4) return;
                _sourcePort = BinaryPrimitives.ReadUInt16BigEndian(transport);
                _destinationPort = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]);
                break;
            case IpProtocol.Icmp when transport.Length >= 6 && transport[0] is IcmpEcho or IcmpEchoReply:
            case IpProtocol.IcmpV6 when transport.Length >= 6 && transport[0] is IcmpV6Echo or IcmpV6EchoReply:
                _sourcePort = _destinationPort = BinaryPrimitives.ReadUInt16BigEndian(transport[4..]);
                if (transport.Length >= 8) _echoSequence = BinaryPrimitives.ReadUInt16BigEndian(transport[6..]);
                break;
        }
    }

    /// <summary>4 or 6.</summary>
    public int Version => _version;

    /// <summary>Bytes of the IP header with options or extension headers.</summary>
    public int HeaderBytes => _headerBytes;

    /// <summary>Where the transport header starts, bytes from the packet's first; the same as <see cref="HeaderBytes"/>.</summary>
    public int TransportOffset => _headerBytes;

    /// <summary>Bytes of the whole packet by its IP header. What lies behind them is padding.</summary>
    public int TotalBytes => _totalBytes;

    /// <summary>The transport protocol, see <see cref="IpProtocol"/>; behind IPv6 extension headers.</summary>
    public byte Protocol => _protocol;

    /// <summary>Where it says that it comes from.</summary>
    public InetAddress Source { get; }

    /// <summary>Where it goes.</summary>
    public InetAddress Destination { get; }

    /// <summary>The port; of an ICMP echo its identifier; else, or in a later fragment, 0.</summary>
    public int SourcePort => _sourcePort;

    /// <summary>The port; of an ICMP echo its identifier; else, or in a later fragment, 0.</summary>
    public int DestinationPort => _destinationPort;

    /// <summary>The sequence number of an ICMP echo message; else 0.</summary>
    public ushort EchoSequence => _echoSequence;

    /// <summary>The flags byte, see <see cref="Packets.TcpFlags"/>; 0 if not TCP.</summary>
    public byte TcpFlags => _tcpFlags;

    /// <summary>Whether it is a fragment, the first included.</summary>
    public bool IsFragment => _isFragment;

    /// <summary>Whether both are of one conversation in the same direction: protocol, addresses and ports.</summary>
    public bool IsSameFlow(in IpPacket other) =>
        _protocol == other._protocol && _sourcePort == other._sourcePort && _destinationPort == other._destinationPort && Source == other.Source && Destination == other.Destination;

    /// <summary>Reads the headers of a packet whose bytes come from anywhere.</summary>
    public static PacketStatus TryParse(ReadOnlySpan<byte> packet, out IpPacket info)
    {
        info = default;
        if (packet.IsEmpty) return PacketStatus.NotIp;
        return (packet[0] >> 4) switch
        {
            4 => TryParseV4(packet, ref info),
            6 => TryParseV6(packet, ref info),
            _ => PacketStatus.NotIp,
        };
    }

    private static PacketStatus TryParseV4(ReadOnlySpan<byte> packet, ref IpPacket info)
    {
        if (packet.Length < V4HeaderBytes) return PacketStatus.Malformed;
        var headerBytes = (packet[0] & 0x0F) * 4;
        var totalBytes = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (headerBytes < V4HeaderBytes || totalBytes < headerBytes || totalBytes > packet.Length) return PacketStatus.Malformed;

        var fragment = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        info = new IpPacket(
            4, packet[9], headerBytes, totalBytes, (fragment & (MoreFragments | FragmentOffsetMask)) != 0, (fragment & FragmentOffsetMask) == 0,
            InetAddress.FromV4(packet[12..]), InetAddress.FromV4(packet[16..]), packet[headerBytes..totalBytes]);
        return PacketStatus.Ok;
    }

    private static PacketStatus TryParseV6(ReadOnlySpan<byte> packet, ref IpPacket info)
    {
        if (packet.Length < V6HeaderBytes) return PacketStatus.Malformed;
        var totalBytes = V6HeaderBytes + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (totalBytes > packet.Length) return PacketStatus.Malformed;

        var source = InetAddress.FromV6(packet[8..]);
        var destination = InetAddress.FromV6(packet[24..]);
        // A mapped address has no place on the wire (RFC 4942 §2.2); here it would pass for the IPv4 address of another peer.
        if (source.IsV4 || destination.IsV4) return PacketStatus.Malformed;

        packet = packet[..totalBytes];
        var protocol = packet[6];
        var headerBytes = V6HeaderBytes;
        var isFragment = false;
        var isFirst = true;
        for (var walked = 0; walked < MaxExtensionHeaders && isFirst && IsExtension(protocol); walked++)
        {
            if (packet.Length < headerBytes + 8) return PacketStatus.Malformed;
            var extension = packet[headerBytes..];
            var extensionBytes = protocol switch
            {
                IpProtocol.Fragment => 8,
                IpProtocol.Authentication => (extension[1] + 2) * 4,
                _ => (extension[1] + 1) * 8,
            };
            if (extensionBytes > extension.Length) return PacketStatus.Malformed;
            if (protocol == IpProtocol.Fragment)
            {
                // RFC 6946: offset 0 without M is a whole packet with a fragment header.
                var fragment = BinaryPrimitives.ReadUInt16BigEndian(extension[2..]);
                isFragment |= (fragment & 0xFFF9) != 0;
                isFirst = (fragment & 0xFFF8) == 0;
            }

            protocol = extension[0];
            headerBytes += extensionBytes;
        }

        info = new IpPacket(6, protocol, headerBytes, totalBytes, isFragment, isFirst, source, destination, packet[headerBytes..]);
        return PacketStatus.Ok;
    }

    private static bool IsExtension(byte protocol) =>
        protocol is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment or IpProtocol.Authentication or IpProtocol.DestinationOptions;
}
