using System.Globalization;
using System.Net;
using System.Text;
using PacketDotNet;

namespace Gateway.Features.Packets.Reading;

/// <summary>A packet in one line, in the words of <c>tcpdump -n</c>.</summary>
internal static class PacketSummary
{
    /// <summary>Reads what there is of a packet; any bytes give a line.</summary>
    /// <param name="data">Its first bytes.</param>
    /// <param name="isEthernet">Whether they are a frame.</param>
    public static string Of(byte[] data, bool isEthernet)
    {
        try
        {
            if (!isEthernet) return OfIp(data);
            if (data.Length < 14) return $"[|ether] {data.Length} bytes";
            var frame = new EthernetPacket(new PacketDotNet.Utils.ByteArraySegment(data));
            if (frame.PayloadPacket is IPPacket ip) return OfIp(ip);
            if (frame.PayloadPacket is ArpPacket arp) return OfArp(arp);
            return string.Create(CultureInfo.InvariantCulture, $"{Mac(frame.SourceHardwareAddress)} > {Mac(frame.DestinationHardwareAddress)}, ethertype 0x{(int)frame.Type:x4}");
        }
        // The library reads past the end of what is cut short.
        catch (Exception exception) when (IsUnreadable(exception))
        {
            return $"[|{(isEthernet ? "ether" : "ip")}] {data.Length} bytes that cannot be read";
        }
    }

    /// <summary>Whether the library said so because the packet is cut short or makes no sense.</summary>
    public static bool IsUnreadable(Exception exception) =>
        exception is ArgumentException or IndexOutOfRangeException or InvalidOperationException or NotImplementedException or NotSupportedException or OverflowException or NullReferenceException;

    private static string OfIp(byte[] data)
    {
        if (data.Length == 0) return "[|ip] no bytes";
        var version = data[0] >> 4;
        var segment = new PacketDotNet.Utils.ByteArraySegment(data);
        if (version == 4 && data.Length >= 20) return OfIp(new IPv4Packet(segment));
        if (version == 6 && data.Length >= 40) return OfIp(new IPv6Packet(segment));
        return version is 4 or 6 ? $"[|ip{(version == 6 ? "6" : "")}] {data.Length} bytes" : $"no IP packet: version {version}, {data.Length} bytes";
    }

    private static string OfIp(IPPacket ip)
    {
        var line = new StringBuilder(ip is IPv6Packet ? "IP6 " : "IP ");
        var (sourcePort, destinationPort) = ip.PayloadPacket is TransportPacket ports ? (ports.SourcePort, ports.DestinationPort) : default;
        var hasPorts = ip.PayloadPacket is TransportPacket;
        line.Append(Address(ip.SourceAddress, hasPorts ? sourcePort : null)).Append(" > ").Append(Address(ip.DestinationAddress, hasPorts ? destinationPort : null)).Append(": ");
        return line.Append(OfTransport(ip)).ToString();
    }

    private static string OfTransport(IPPacket ip)
    {
        var payload = PayloadBytes(ip);
        if (ip is IPv4Packet { FragmentOffset: > 0 } fragment) return $"{Protocol(ip)} fragment at {fragment.FragmentOffset * 8}, length {payload}";
        return ip.PayloadPacket switch
        {
            TcpPacket tcp => OfTcp(tcp, payload - (tcp.DataOffset * 4)),
            UdpPacket udp => $"UDP, length {Math.Max(udp.Length - 8, 0)}",
            IcmpV4Packet icmp => OfIcmp(icmp, payload),
            IcmpV6Packet icmp => OfIcmp6(icmp, payload),
            _ => $"{Protocol(ip)}, length {payload}",
        };
    }

    private static string OfTcp(TcpPacket tcp, int length)
    {
        var flags = new StringBuilder();
        if (tcp.Finished) flags.Append('F');
        if (tcp.Synchronize) flags.Append('S');
        if (tcp.Reset) flags.Append('R');
        if (tcp.Push) flags.Append('P');
        if (tcp.Urgent) flags.Append('U');
        if (tcp.CongestionWindowReduced) flags.Append('W');
        if (tcp.ExplicitCongestionNotificationEcho) flags.Append('E');
        if (tcp.Acknowledgment) flags.Append('.');
        var line = new StringBuilder($"Flags [{(flags.Length == 0 ? "none" : flags)}], seq {tcp.SequenceNumber}");
        if (length > 0) line.Append(CultureInfo.InvariantCulture, $":{tcp.SequenceNumber + (uint)length}");
        if (tcp.Acknowledgment) line.Append(CultureInfo.InvariantCulture, $", ack {tcp.AcknowledgmentNumber}");
        return line.Append(CultureInfo.InvariantCulture, $", win {tcp.WindowSize}, length {Math.Max(length, 0)}").ToString();
    }

    private static string OfIcmp(IcmpV4Packet icmp, int length)
    {
        var code = (int)icmp.TypeCode;
        return (code >> 8) switch
        {
            8 => $"ICMP echo request, id {icmp.Id}, seq {icmp.Sequence}, length {length}",
            0 => $"ICMP echo reply, id {icmp.Id}, seq {icmp.Sequence}, length {length}",
            3 => $"ICMP {Unreachable(code & 0xFF)}, length {length}",
            11 => $"ICMP time exceeded {((code & 0xFF) == 0 ? "in-transit" : "in reassembly")}, length {length}",
            5 => $"ICMP redirect, length {length}",
            _ => $"ICMP type {code >> 8}, code {code & 0xFF}, length {length}",
        };
    }

    private static string OfIcmp6(IcmpV6Packet icmp, int length)
    {
        var bytes = icmp.HeaderSegment.ActualBytes() is { Length: >= 8 } header ? header : [.. icmp.HeaderSegment.ActualBytes(), .. icmp.PayloadData ?? []];
        var (id, sequence) = bytes.Length >= 8 ? ((bytes[4] << 8) | bytes[5], (bytes[6] << 8) | bytes[7]) : default;
        return (int)icmp.Type switch
        {
            128 => $"ICMP6, echo request, id {id}, seq {sequence}, length {length}",
            129 => $"ICMP6, echo reply, id {id}, seq {sequence}, length {length}",
            1 => $"ICMP6, destination unreachable, code {icmp.Code}, length {length}",
            2 => $"ICMP6, packet too big, length {length}",
            3 => $"ICMP6, time exceeded, length {length}",
            133 => $"ICMP6, router solicitation, length {length}",
            134 => $"ICMP6, router advertisement, length {length}",
            135 => $"ICMP6, neighbor solicitation, length {length}",
            136 => $"ICMP6, neighbor advertisement, length {length}",
            143 => $"ICMP6, multicast listener report v2, length {length}",
            var type => $"ICMP6, type {type}, code {icmp.Code}, length {length}",
        };
    }

    private static string OfArp(ArpPacket arp) => arp.Operation == ArpOperation.Request
        ? $"ARP, Request who-has {arp.TargetProtocolAddress} tell {arp.SenderProtocolAddress}"
        : $"ARP, Reply {arp.SenderProtocolAddress} is-at {Mac(arp.SenderHardwareAddress)}";

    private static string Unreachable(int code) => code switch
    {
        0 => "net unreachable",
        1 => "host unreachable",
        2 => "protocol unreachable",
        3 => "port unreachable",
        4 => "unreachable - need to frag",
        13 => "unreachable - admin prohibited filter",
        _ => $"unreachable, code {code}",
    };

    private static int PayloadBytes(IPPacket ip) => ip is IPv4Packet v4 ? Math.Max(v4.TotalLength - (v4.HeaderLength * 4), 0) : ((IPv6Packet)ip).PayloadLength;

    private static string Protocol(IPPacket ip) => Flows.ServiceNames.Protocol((int)ip.Protocol).ToUpperInvariant();

    private static string Address(IPAddress address, ushort? port) => port is null ? address.ToString() : $"{address}.{port}";

    private static string Mac(System.Net.NetworkInformation.PhysicalAddress address) => string.Join(':', address.GetAddressBytes().Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
}
