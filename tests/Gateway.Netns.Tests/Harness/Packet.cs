using System.Buffers.Binary;
using System.Net;

namespace Gateway.Netns.Tests.Harness;

/// <summary>One captured packet, as far as the tests look: what is absent is zero or null.</summary>
internal sealed record Packet
{
    private const ushort EtherTypeIpv4 = 0x0800, EtherTypeArp = 0x0806;
    private const byte Icmp = 1, Tcp = 6, Udp = 17;

    /// <summary>ARP: the operation, 1 = who-has, 2 = is-at.</summary>
    public int ArpOperation { get; private init; }

    /// <summary>Ethernet: where the frame goes, as 12 hex digits.</summary>
    public string? EthernetDestination { get; private init; }

    public byte Protocol { get; private init; }

    /// <summary>The inner-most address pair: IPv4's, or ARP's protocol addresses.</summary>
    public IPAddress Source { get; private init; } = IPAddress.None;

    public IPAddress Destination { get; private init; } = IPAddress.None;

    /// <summary>IPv4 total length in bytes.</summary>
    public int Length { get; private init; }

    public int Ttl { get; private init; }

    public bool DontFragment { get; private init; }

    /// <summary>8 = echo request, 0 = echo reply; -1 = no ICMP.</summary>
    public int IcmpType { get; private init; } = -1;

    public int IcmpId { get; private init; }

    public int IcmpSequence { get; private init; }

    public int SourcePort { get; private init; }

    public int DestinationPort { get; private init; }

    /// <summary>What follows the UDP header.</summary>
    public byte[] Payload { get; private init; } = [];

    /// <summary>The captured bytes.</summary>
    public byte[] Bytes { get; private init; } = [];

    public bool IsEchoRequest => IcmpType == 8;

    public bool IsEchoReply => IcmpType == 0;

    public bool IsUdp => Protocol == Udp;

    public bool IsTcp => Protocol == Tcp;

    public bool IsBetween(string source, string destination) =>
        Source.Equals(IPAddress.Parse(source)) && Destination.Equals(IPAddress.Parse(destination));

    /// <summary>Reads an Ethernet frame.</summary>
    public static Packet FromEthernet(byte[] frame)
    {
        if (frame.Length < 14) return new Packet { Bytes = frame };
        var destination = Convert.ToHexStringLower(frame.AsSpan(0, 6));
        var inside = frame.AsSpan(14);
        return BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) switch
        {
            EtherTypeIpv4 => FromIp(inside.ToArray()) with { EthernetDestination = destination, Bytes = frame },
            EtherTypeArp when inside.Length >= 28 => new Packet
            {
                Bytes = frame,
                EthernetDestination = destination,
                ArpOperation = BinaryPrimitives.ReadUInt16BigEndian(inside[6..]),
                Source = new IPAddress(inside.Slice(14, 4)),
                Destination = new IPAddress(inside.Slice(24, 4)),
            },
            _ => new Packet { EthernetDestination = destination, Bytes = frame },
        };
    }

    /// <summary>Reads an IPv4 packet; anything else keeps only its bytes.</summary>
    public static Packet FromIp(byte[] bytes)
    {
        if (bytes.Length < 20 || bytes[0] >> 4 != 4) return new Packet { Bytes = bytes };
        var header = (bytes[0] & 15) * 4;
        var body = bytes.AsSpan(header);
        var packet = new Packet
        {
            Bytes = bytes,
            Length = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(2)),
            DontFragment = (bytes[6] & 0x40) != 0,
            Ttl = bytes[8],
            Protocol = bytes[9],
            Source = new IPAddress(bytes.AsSpan(12, 4)),
            Destination = new IPAddress(bytes.AsSpan(16, 4)),
        };
        return packet.Protocol switch
        {
            Icmp when body.Length >= 8 => packet with
            {
                IcmpType = body[0],
                IcmpId = BinaryPrimitives.ReadUInt16BigEndian(body[4..]),
                IcmpSequence = BinaryPrimitives.ReadUInt16BigEndian(body[6..]),
            },
            Udp or Tcp when body.Length >= 8 => packet with
            {
                SourcePort = BinaryPrimitives.ReadUInt16BigEndian(body),
                DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(body[2..]),
                Payload = packet.Protocol == Udp ? body[8..].ToArray() : [],
            },
            _ => packet,
        };
    }

    public override string ToString() => (Protocol, ArpOperation) switch
    {
        (_, 1) => $"ARP who-has {Destination} tell {Source}",
        (_, > 1) => $"ARP {Source} is-at",
        (Icmp, _) => $"{Source} > {Destination} ICMP {IcmpType} id {IcmpId} seq {IcmpSequence} ttl {Ttl} length {Length}",
        (Udp, _) => $"{Source}.{SourcePort} > {Destination}.{DestinationPort} UDP length {Payload.Length}",
        (Tcp, _) => $"{Source}.{SourcePort} > {Destination}.{DestinationPort} TCP length {Length}",
        _ => $"{Bytes.Length} bytes {Convert.ToHexStringLower(Bytes.AsSpan(0, Math.Min(16, Bytes.Length)))}",
    };
}
