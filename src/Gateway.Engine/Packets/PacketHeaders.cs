using System.Buffers.Binary;

namespace Gateway.Engine.Packets;

/// <summary>Where a packet's headers end and what it carries begins: what may be shown without showing what people say to each other.</summary>
public static class PacketHeaders
{
    /// <summary>Bytes of an Ethernet header without tags.</summary>
    public const int EthernetBytes = 14;

    // Of a packet that makes no sense only so much is shown as a well-formed one has at least.
    private const int MalformedBytes = IpPacket.V4HeaderBytes, NotIpBytes = 16;
    private const int UdpBytes = 8, TcpBytes = 20, IcmpBytes = 8;
    private const byte IcmpUnreachable = 3, IcmpQuench = 4, IcmpRedirect = 5, IcmpTimeExceeded = 11, IcmpParameter = 12, FirstIcmpV6Echo = 128;

    /// <summary>Bytes of the headers: link, IP and transport; of an ICMP error also those of the packet that it quotes.</summary>
    /// <param name="packet">The packet's first bytes, an Ethernet frame or an IP packet; it may be cut off anywhere.</param>
    /// <param name="isEthernet">Whether it is a frame.</param>
    public static int Length(ReadOnlySpan<byte> packet, bool isEthernet)
    {
        if (!isEthernet) return IpLength(packet, mayQuote: true);
        if (!IsIpFrame(packet)) return Math.Min(packet.Length, EthernetBytes + IpPacket.V4HeaderBytes + UdpBytes);
        return EthernetBytes + IpLength(packet[EthernetBytes..], mayQuote: true);
    }

    /// <summary>Whether an Ethernet frame carries IPv4 or IPv6, untagged.</summary>
    public static bool IsIpFrame(ReadOnlySpan<byte> frame) =>
        frame.Length > EthernetBytes && BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) is 0x0800 or 0x86DD;

    private static int IpLength(ReadOnlySpan<byte> packet, bool mayQuote)
    {
        if (packet.Length < IpPacket.V4HeaderBytes) return packet.Length;
        int headerBytes;
        byte protocol;
        switch (packet[0] >> 4)
        {
            case 4:
                headerBytes = (packet[0] & 0x0F) * 4;
                protocol = packet[9];
                if (headerBytes < IpPacket.V4HeaderBytes) return MalformedBytes;
                // What a later fragment starts with is payload.
                if ((BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1FFF) != 0) return Math.Min(headerBytes, packet.Length);
                break;
            case 6:
                if (packet.Length < IpPacket.V6HeaderBytes) return packet.Length;
                headerBytes = IpPacket.V6HeaderBytes;
                protocol = packet[6];
                while (protocol is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment or IpProtocol.DestinationOptions && packet.Length >= headerBytes + 8)
                {
                    var extension = packet[headerBytes..];
                    if (protocol == IpProtocol.Fragment && (BinaryPrimitives.ReadUInt16BigEndian(extension[2..]) & 0xFFF8) != 0) return headerBytes + 8;
                    headerBytes += protocol == IpProtocol.Fragment ? 8 : (extension[1] + 1) * 8;
                    protocol = extension[0];
                }

                break;
            default:
                return Math.Min(packet.Length, NotIpBytes);
        }

        if (headerBytes >= packet.Length) return packet.Length;
        var transport = packet[headerBytes..];
        var transportBytes = protocol switch
        {
            IpProtocol.Tcp => transport.Length >= TcpBytes ? Math.Max((transport[12] >> 4) * 4, TcpBytes) : TcpBytes,
            IpProtocol.Udp or IpProtocol.UdpLite => UdpBytes,
            IpProtocol.Icmp or IpProtocol.IcmpV6 => IcmpBytes + QuotedBytes(protocol, transport, mayQuote),
            _ => 0,
        };
        return Math.Min(headerBytes + transportBytes, packet.Length);
    }

    /// <summary>An ICMP error carries the headers of the packet that it complains of (RFC 792; RFC 4443 §3).</summary>
    private static int QuotedBytes(byte protocol, ReadOnlySpan<byte> message, bool mayQuote)
    {
        if (!mayQuote || message.Length <= IcmpBytes) return 0;
        var isError = protocol == IpProtocol.Icmp
            ? message[0] is IcmpUnreachable or IcmpQuench or IcmpRedirect or IcmpTimeExceeded or IcmpParameter
            : message[0] < FirstIcmpV6Echo;
        return isError ? IpLength(message[IcmpBytes..], mayQuote: false) : 0;
    }
}
