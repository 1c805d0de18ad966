using System.Buffers.Binary;
using System.Globalization;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using PacketDotNet;
using PacketDotNet.Utils;

namespace Gateway.Features.Packets.Reading;

/// <summary>
/// Takes a packet apart into a tree whose parts know their bytes. PacketDotNet finds the layers; where each field of a layer lies is in its RFC.
/// What is cut short is shown as far as it goes.
/// </summary>
internal static class PacketDissector
{
    /// <summary>The datagram around it, then the layers inside, outermost first.</summary>
    public static IReadOnlyList<PacketPart> Dissect(PacketRow row)
    {
        var parts = new List<PacketPart>();
        if (row.OuterRemote is { } remote)
        {
            var (source, destination) = (remote, $"this gateway:{row.OuterLocalPort}");
            if (row.Direction == PacketDirections.ToPeer) (source, destination) = (destination, source);
            // Known of the peer, not read from these bytes: the datagram was decrypted, or is not made yet.
            parts.Add(new PacketPart("Outer datagram, UDP", $"{source} → {destination}", 0, 0, []));
        }

        parts.AddRange(Dissect(row.Data, row.Layer == Layers.Ethernet));
        return parts;
    }

    /// <summary>The layers of a packet's first bytes.</summary>
    public static IReadOnlyList<PacketPart> Dissect(byte[] data, bool isEthernet)
    {
        var layers = new List<PacketPart>();
        try
        {
            Packet? packet = isEthernet
                ? data.Length < 14 ? null : new EthernetPacket(new ByteArraySegment(data))
                : data.Length == 0 ? null : (data[0] >> 4) switch
                {
                    4 when data.Length >= 20 => new IPv4Packet(new ByteArraySegment(data)),
                    6 when data.Length >= 40 => new IPv6Packet(new ByteArraySegment(data)),
                    _ => null,
                };
            for (; packet is not null; packet = packet.PayloadPacket)
            {
                var header = packet.HeaderSegment;
                // The library believes lengths that a packet claims.
                if (header.Offset >= data.Length) break;
                layers.Add(Layer(packet, data, header.Offset, Math.Min(header.Length, data.Length - header.Offset)));
            }
        }
        catch (Exception exception) when (PacketSummary.IsUnreadable(exception))
        {
            // What was read so far stands; the rest is bytes.
        }

        var end = layers.Count > 0 ? layers.Max(layer => layer.Offset + layer.Length) : 0;
        if (end < data.Length) layers.Add(new PacketPart(layers.Count == 0 ? "Bytes that are no packet" : "Payload", $"{data.Length - end} bytes", end, data.Length - end, []));
        return layers;
    }

    private static PacketPart Layer(Packet packet, byte[] data, int offset, int length)
    {
        var fields = new Fields(data, offset, length);
        var (name, value) = packet switch
        {
            EthernetPacket => Ethernet(fields),
            ArpPacket => Arp(fields),
            IPv4Packet => Ip4(fields, length),
            IPv6Packet => Ip6(fields, length),
            TcpPacket tcp => Tcp(fields, tcp, length),
            UdpPacket => Udp(fields),
            IcmpV4Packet => Icmp(fields, "Internet Control Message Protocol", 8, 0),
            IcmpV6Packet => Icmp(fields, "Internet Control Message Protocol v6", 128, 129),
            _ => (packet.GetType().Name.Replace("Packet", "", StringComparison.Ordinal), null),
        };
        return new PacketPart(name, value, offset, length, fields.Parts);
    }

    private static (string, string?) Ethernet(Fields fields)
    {
        var destination = fields.Mac("Destination", 0);
        var source = fields.Mac("Source", 6);
        fields.Hex("Type", 12, 2);
        return ("Ethernet II", $"{source} → {destination}");
    }

    private static (string, string?) Arp(Fields fields)
    {
        fields.Number("Hardware type", 0, 2);
        fields.Hex("Protocol type", 2, 2);
        var operation = fields.Number("Operation", 6, 2);
        fields.Mac("Sender MAC address", 8);
        var sender = fields.Address("Sender IP address", 14, 4);
        fields.Mac("Target MAC address", 18);
        var target = fields.Address("Target IP address", 24, 4);
        return ("Address Resolution Protocol", operation == 1 ? $"who has {target}? tell {sender}" : $"{sender} is here");
    }

    // RFC 791 §3.1
    private static (string, string?) Ip4(Fields fields, int length)
    {
        fields.Add("Version", 0, 1, at => (at[0] >> 4).ToString(CultureInfo.InvariantCulture));
        fields.Add("Header length", 0, 1, at => $"{(at[0] & 0xF) * 4} bytes");
        fields.Add("DSCP, ECN", 1, 1, at => $"{at[0] >> 2}, {at[0] & 3}");
        fields.Number("Total length", 2, 2);
        fields.Hex("Identification", 4, 2);
        fields.Add("Flags", 6, 1, at => string.Join(", ", new[] { (at[0] & 0x40) != 0 ? "don't fragment" : null, (at[0] & 0x20) != 0 ? "more fragments" : null }.Where(flag => flag is not null)) is { Length: > 0 } set ? set : "none");
        fields.Add("Fragment offset", 6, 2, at => ((BinaryPrimitives.ReadUInt16BigEndian(at) & 0x1FFF) * 8).ToString(CultureInfo.InvariantCulture));
        fields.Number("Time to live", 8, 1);
        fields.Protocol("Protocol", 9);
        fields.Hex("Header checksum", 10, 2);
        var source = fields.Address("Source", 12, 4);
        var destination = fields.Address("Destination", 16, 4);
        if (length > 20) fields.Bytes("Options", 20, length - 20);
        return ("Internet Protocol Version 4", $"{source} → {destination}");
    }

    // RFC 8200 §3
    private static (string, string?) Ip6(Fields fields, int length)
    {
        fields.Add("Version", 0, 1, at => (at[0] >> 4).ToString(CultureInfo.InvariantCulture));
        fields.Add("Traffic class", 0, 2, at => $"0x{((at[0] & 0xF) << 4) | (at[1] >> 4):x2}");
        fields.Add("Flow label", 1, 3, at => $"0x{((at[0] & 0xF) << 16) | (at[1] << 8) | at[2]:x5}");
        fields.Number("Payload length", 4, 2);
        fields.Protocol("Next header", 6);
        fields.Number("Hop limit", 7, 1);
        var source = fields.Address("Source", 8, 16);
        var destination = fields.Address("Destination", 24, 16);
        if (length > 40) fields.Bytes("Extension headers", 40, length - 40);
        return ("Internet Protocol Version 6", $"{source} → {destination}");
    }

    // RFC 9293 §3.1
    private static (string, string?) Tcp(Fields fields, TcpPacket tcp, int length)
    {
        var source = fields.Number("Source port", 0, 2);
        var destination = fields.Number("Destination port", 2, 2);
        fields.Number("Sequence number", 4, 4);
        fields.Number("Acknowledgment number", 8, 4);
        fields.Add("Header length", 12, 1, at => $"{(at[0] >> 4) * 4} bytes");
        fields.Add("Flags", 12, 2, at => string.Join(", ", Flags(at[1])));
        fields.Number("Window", 14, 2);
        fields.Hex("Checksum", 16, 2);
        fields.Number("Urgent pointer", 18, 2);
        if (length > 20) fields.Bytes("Options", 20, length - 20);
        return ("Transmission Control Protocol", $"{source} → {destination} [{string.Join(", ", Flags((byte)tcp.Flags))}]");

        static IEnumerable<string> Flags(byte flags) => ((ReadOnlySpan<string>)["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]).ToArray().Where((_, bit) => (flags & (1 << bit)) != 0);
    }

    private static (string, string?) Udp(Fields fields)
    {
        var source = fields.Number("Source port", 0, 2);
        var destination = fields.Number("Destination port", 2, 2);
        fields.Number("Length", 4, 2);
        fields.Hex("Checksum", 6, 2);
        return ("User Datagram Protocol", $"{source} → {destination}");
    }

    // RFC 792, RFC 4443: an echo's identifier and sequence number lie behind type, code and checksum in both.
    private static (string, string?) Icmp(Fields fields, string name, int request, int reply)
    {
        var type = fields.Number("Type", 0, 1);
        var code = fields.Number("Code", 1, 1);
        fields.Hex("Checksum", 2, 2);
        if (type != request && type != reply) return (name, $"type {type}, code {code}");
        var id = fields.Number("Identifier", 4, 2);
        var sequence = fields.Number("Sequence number", 6, 2);
        return (name, $"echo {(type == request ? "request" : "reply")}, id {id}, seq {sequence}");
    }

    /// <summary>Collects the fields of one layer that are there in full.</summary>
    private sealed class Fields(byte[] data, int start, int length)
    {
        // PacketDotNet counts the echo's second word of ICMPv6 as payload: fields may lie behind the header as long as there are bytes.
        private readonly int _end = Math.Min(Math.Max(start + length, start + 8), data.Length);

        public List<PacketPart> Parts { get; } = [];

        public void Add(string name, int offset, int bytes, Func<byte[], string> show)
        {
            if (start + offset + bytes > _end) return;
            Parts.Add(new PacketPart(name, show(data[(start + offset)..(start + offset + bytes)]), start + offset, bytes, []));
        }

        public long? Number(string name, int offset, int bytes)
        {
            long? number = null;
            Add(name, offset, bytes, at => (number = at.Aggregate(0L, (sum, one) => (sum << 8) | one)).Value.ToString(CultureInfo.InvariantCulture));
            return number;
        }

        public void Hex(string name, int offset, int bytes) => Add(name, offset, bytes, at => $"0x{Convert.ToHexStringLower(at)}");

        public void Bytes(string name, int offset, int bytes) => Add(name, offset, bytes, at => Convert.ToHexStringLower(at));

        public void Protocol(string name, int offset) => Add(name, offset, 1, at => $"{Flows.ServiceNames.Protocol(at[0]).ToUpperInvariant()} ({at[0]})");

        public string? Address(string name, int offset, int bytes)
        {
            string? address = null;
            Add(name, offset, bytes, at => address = new System.Net.IPAddress(at).ToString());
            return address;
        }

        public string? Mac(string name, int offset)
        {
            string? address = null;
            Add(name, offset, 6, at => address = string.Join(':', at.Select(one => one.ToString("x2", CultureInfo.InvariantCulture))));
            return address;
        }
    }
}
