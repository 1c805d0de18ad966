using System.Buffers.Binary;
using System.Net;

namespace Gateway.Netns.Tests.Harness;

/// <summary>Makes packets by hand.</summary>
internal static class Packets
{
    /// <summary>An IPv4 ICMP echo request of 28 bytes with correct checksums.</summary>
    public static byte[] EchoRequest(string source, string destination, ushort id, ushort sequence)
    {
        byte[] packet =
        [
            0x45, 0, 0, 28, 0x12, 0x34, 0x40, 0, 64, 1, 0, 0,
            .. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(destination).GetAddressBytes(),
            8, 0, 0, 0, (byte)(id >> 8), (byte)id, (byte)(sequence >> 8), (byte)sequence,
        ];
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum(packet.AsSpan(0, 20)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), Checksum(packet.AsSpan(20)));
        return packet;
    }

    // RFC 1071.
    private static ushort Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var at = 0; at < bytes.Length; at += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
        while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
