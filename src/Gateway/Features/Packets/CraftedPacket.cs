using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Gateway.Web;
using PacketDotNet;
using PacketDotNet.Utils;
using ProtocolType = PacketDotNet.ProtocolType;

namespace Gateway.Features.Packets;

/// <summary>What a crafted packet is made of, as a person writes it.</summary>
internal sealed record CraftedPacket
{
    public const string Icmp = "icmp";
    public const string Udp = "udp";
    public const string Tcp = "tcp";
    private const int EchoHeaderBytes = 8;
    private const byte EchoRequest4 = 8;
    private const byte EchoRequest6 = 128;
    private const int MaxPayloadBytes = 65_535 - 60 - 60;

    public required string Protocol { get; init; }

    public string? Source { get; init; }

    public string? Destination { get; init; }

    public string? SourcePort { get; init; }

    public string? DestinationPort { get; init; }

    /// <summary>Of a TCP segment: SYN, ACK, FIN, RST, PSH, with blanks between.</summary>
    public string? Flags { get; init; }

    public string? Ttl { get; init; }

    /// <summary>The payload as text, UTF-8.</summary>
    public string? Payload { get; init; }

    /// <summary>Where the packet is a frame: whom it is for. Null = no Ethernet header.</summary>
    public string? DestinationMac { get; init; }

    /// <summary>The packet's bytes, with lengths and checksums right; or all that is wrong.</summary>
    public Outcome<byte[]> Build()
    {
        var errors = new RuleErrors();
        var source = ReadAddress("source", Source, errors);
        var destination = ReadAddress("destination", Destination, errors);
        if (source is not null && destination is not null && source.AddressFamily != destination.AddressFamily)
            errors.Add("destination", "It is of another family than the source.", "Give two IPv4 or two IPv6 addresses.");
        var ttl = ReadNumber("ttl", Ttl, 64, 1, 255, errors);
        var payload = Encoding.UTF8.GetBytes(Payload ?? "");
        if (payload.Length > MaxPayloadBytes) errors.Add("payload", $"{payload.Length} bytes do not fit into one packet.", $"Give up to {MaxPayloadBytes} bytes.");
        var isIcmp = Protocol == Icmp;
        var sourcePort = isIcmp ? 0 : ReadNumber("sourcePort", SourcePort, 40_000, 0, 65_535, errors);
        var destinationPort = isIcmp ? 0 : ReadNumber("destinationPort", DestinationPort, null, 0, 65_535, errors);
        var flags = Protocol == Tcp ? ReadFlags(errors) : (ushort)0;
        var mac = ReadMac(errors);
        if (errors.Any) return errors.ToFailure();

        var isIpv4 = source!.AddressFamily == AddressFamily.InterNetwork;
        IPPacket ip = isIpv4 ? new IPv4Packet(source, destination!) : new IPv6Packet(source, destination!);
        ip.TimeToLive = ttl;
        switch (Protocol)
        {
            case Icmp:
                ip.Protocol = isIpv4 ? ProtocolType.Icmp : ProtocolType.IcmpV6;
                ip.PayloadPacket = Echo(isIpv4, payload, ip);
                break;
            case Udp:
                ip.Protocol = ProtocolType.Udp;
                ip.PayloadPacket = new UdpPacket((ushort)sourcePort, (ushort)destinationPort) { PayloadData = payload };
                break;
            default:
                ip.Protocol = ProtocolType.Tcp;
                ip.PayloadPacket = new TcpPacket((ushort)sourcePort, (ushort)destinationPort) { Flags = flags, WindowSize = 64_240, PayloadData = payload };
                break;
        }

        ip.PayloadPacket.UpdateCalculatedValues();
        ip.UpdateCalculatedValues();
        // PacketDotNet's ICMPv6 checksum is right only for a packet that was parsed: its pseudo-header is the parent's as it was read.
        if (ip.Protocol == ProtocolType.IcmpV6) ip = (IPPacket)Packet.ParsePacket(LinkLayers.Raw, ip.Bytes).PayloadPacket;
        Complete(ip);
        if (mac is null) return ip.Bytes;
        var frame = new EthernetPacket(PhysicalAddress.Parse("020000000001"), mac, isIpv4 ? EthernetType.IPv4 : EthernetType.IPv6) { PayloadPacket = ip };
        return frame.Bytes;
    }

    // After the lengths: checksums cover them.
    private static void Complete(IPPacket ip)
    {
        switch (ip.PayloadPacket)
        {
            case UdpPacket udp: udp.UpdateUdpChecksum(); break;
            case TcpPacket tcp: tcp.UpdateTcpChecksum(); break;
            case IcmpV4Packet icmp: icmp.UpdateIcmpChecksum(); break;
            case IcmpV6Packet icmp: icmp.UpdateIcmpChecksum(); break;
        }

        if (ip is IPv4Packet header) header.UpdateIPChecksum();
    }

    private static Packet Echo(bool isIpv4, byte[] payload, IPPacket parent)
    {
        var bytes = new byte[EchoHeaderBytes + payload.Length];
        bytes[0] = isIpv4 ? EchoRequest4 : EchoRequest6;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), 1);
        payload.CopyTo(bytes, EchoHeaderBytes);
        var segment = new ByteArraySegment(bytes);
        return isIpv4 ? new IcmpV4Packet(segment, parent) : new IcmpV6Packet(segment, parent);
    }

    private static IPAddress? ReadAddress(string field, string? text, RuleErrors errors)
    {
        const string Expected = "Write it like 192.168.60.101 or fd60::1.";
        if (string.IsNullOrWhiteSpace(text)) errors.Add(field, "It is missing.", Expected);
        else if (!IPAddress.TryParse(text.Trim(), out var address) || (address.AddressFamily == AddressFamily.InterNetwork && text.Count(c => c == '.') != 3))
            errors.Add(field, $"'{text}' is no IP address.", Expected);
        else return address;
        return null;
    }

    private static int ReadNumber(string field, string? text, int? otherwise, int least, int most, RuleErrors errors)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            if (otherwise is null) errors.Add(field, "It is missing.", $"It is a whole number from {least} to {most}.");
            return otherwise ?? 0;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        errors.Add(field, $"'{text}' does not fit.", $"It is a whole number from {least} to {most}.");
        return 0;
    }

    // RFC 9293 §3.1: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    private ushort ReadFlags(RuleErrors errors)
    {
        string[] names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
        var flags = 0;
        foreach (var word in (Flags ?? "").Split([' ', ','], StringSplitOptions.RemoveEmptyEntries))
        {
            var bit = Array.FindIndex(names, n => n.Equals(word, StringComparison.OrdinalIgnoreCase));
            if (bit < 0) errors.Add("flags", $"'{word}' is no TCP flag.", $"Flags are {string.Join(", ", names)}.");
            else flags |= 1 << bit;
        }

        return (ushort)flags;
    }

    private PhysicalAddress? ReadMac(RuleErrors errors)
    {
        if (DestinationMac is null) return null;
        if (PhysicalAddress.TryParse(DestinationMac.Trim(), out var mac) && mac.GetAddressBytes().Length == 6) return mac;
        errors.Add("destinationMac", $"'{DestinationMac}' is no MAC address.", "Write it like ff:ff:ff:ff:ff:ff.");
        return null;
    }
}
