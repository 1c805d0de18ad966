using System.Buffers.Binary;
using Gateway.Engine.Packets;

namespace Gateway.Engine.Probes;

/// <summary>What makes a packet the answer to a probe.</summary>
/// <param name="Source">The probe's source, an address of the peer.</param>
/// <param name="Destination">Its destination.</param>
/// <param name="Protocol">Its IP protocol: ICMP, ICMPv6, TCP or UDP.</param>
/// <param name="SourcePort">Its source port; the identifier of an echo.</param>
/// <param name="DestinationPort">Its destination port; the identifier of an echo.</param>
public sealed record ProbeKey(InetAddress Source, InetAddress Destination, byte Protocol, ushort SourcePort, ushort DestinationPort)
{
    private const int IcmpHeaderBytes = 8;

    /// <summary>Whether an IP packet answers the probe: the reply itself, or an ICMP error that quotes it.</summary>
    public bool IsAnsweredBy(ReadOnlySpan<byte> packet) => IpPacket.TryParse(packet, out var info) == PacketStatus.Ok && IsAnsweredBy(packet, in info);

    /// <summary>Whether a packet is the probe itself, as it is seen on a device.</summary>
    public bool IsProbe(ReadOnlySpan<byte> packet) => IpPacket.TryParse(packet, out var info) == PacketStatus.Ok && info.Protocol == Protocol
        && info.Destination == Destination && info.SourcePort == SourcePort && info.DestinationPort == DestinationPort;

    /// <summary>Whether a packet comes from the destination for whom the probe was sent, whatever address that has behind a translation of the source.</summary>
    public bool IsReply(ReadOnlySpan<byte> packet) => IpPacket.TryParse(packet, out var info) == PacketStatus.Ok && info.Protocol == Protocol
        && info.Source == Destination && info.SourcePort == DestinationPort && info.DestinationPort == SourcePort;

    internal bool IsAnsweredBy(ReadOnlySpan<byte> packet, in IpPacket info)
    {
        if (info.Destination != Source) return false;
        if (info.Protocol == Protocol && info.Source == Destination) return info.DestinationPort == SourcePort && info.SourcePort == DestinationPort;
        var isError = info.Protocol == IpProtocol.Icmp ? packet[info.HeaderBytes] is 3 or 11 or 12 : info.Protocol == IpProtocol.IcmpV6 && packet[info.HeaderBytes] is >= 1 and <= 4;
        return isError && IsQuotedIn(packet[(info.HeaderBytes + IcmpHeaderBytes)..]);
    }

    // What an ICMP error quotes is cut short, so its lengths disagree: only addresses, protocol and ports are read (RFC 792, RFC 4443 §3).
    private bool IsQuotedIn(ReadOnlySpan<byte> quote)
    {
        if (Source.IsV4 ? quote.Length < IpPacket.V4HeaderBytes + 8 || quote[0] >> 4 != 4 : quote.Length < IpPacket.V6HeaderBytes + 8 || quote[0] >> 4 != 6) return false;
        var header = Source.IsV4 ? (quote[0] & 15) * 4 : IpPacket.V6HeaderBytes;
        if (header < IpPacket.V4HeaderBytes || quote.Length < header + 8) return false;
        var (source, destination, protocol) = Source.IsV4
            ? (InetAddress.FromV4(quote.Slice(12, 4)), InetAddress.FromV4(quote.Slice(16, 4)), quote[9])
            : (InetAddress.FromV6(quote.Slice(8, 16)), InetAddress.FromV6(quote.Slice(24, 16)), quote[6]);
        var port = BinaryPrimitives.ReadUInt16BigEndian(quote[(protocol is IpProtocol.Icmp or IpProtocol.IcmpV6 ? header + 4 : header)..]);
        return source == Source && destination == Destination && protocol == Protocol && port == SourcePort;
    }
}
