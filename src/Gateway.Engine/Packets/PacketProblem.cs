using System.Buffers.Binary;

namespace Gateway.Engine.Packets;

/// <summary>Says in a sentence what is wrong with bytes that somebody took for a packet.</summary>
public static class PacketProblem
{
    /// <summary>Null where the bytes are exactly one well-formed IPv4 or IPv6 packet.</summary>
    public static string? OfIpPacket(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty) return "The packet is empty.";
        var version = packet[0] >> 4;
        if (version is not (4 or 6)) return $"Not an IP packet: its first four bits are the version, 4 or 6, and here they are {version}.";
        var headerBytes = version == 4 ? 20 : 40;
        if (packet.Length < headerBytes) return $"Not an IPv{version} packet: the header alone has {headerBytes} bytes, here are {packet.Length}.";
        var totalBytes = version == 4 ? BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) : headerBytes + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (totalBytes != packet.Length) return $"The IPv{version} header says {totalBytes} bytes in all, here are {packet.Length}.";
        return IpPacket.TryParse(packet, out _) == PacketStatus.Ok ? null : $"The IPv{version} packet's header lengths do not fit into its {packet.Length} bytes.";
    }
}
