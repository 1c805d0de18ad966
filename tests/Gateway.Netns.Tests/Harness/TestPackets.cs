using System.Buffers.Binary;

namespace Gateway.Netns.Tests.Harness;

/// <summary>Builds the few IPv4 packets that tests write by hand.</summary>
internal static class TestPackets
{
    public static byte[] EchoRequest(byte[] source, byte[] destination)
    {
        var packet = new byte[20 + 8 + 16];
        WriteIpHeader(packet, source, destination, protocol: 1);
        packet[20] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), Checksum(packet.AsSpan(20), 0));
        return packet;
    }

    /// <summary>Answers a SYN as a listener without options but a window of 64 KB and an MSS of 1380 would.</summary>
    public static byte[] SynAck(byte[] syn)
    {
        var packet = new byte[44];
        WriteIpHeader(packet, syn[16..20], syn[12..16], protocol: 6);
        var tcp = packet.AsSpan(20);
        syn.AsSpan(22, 2).CopyTo(tcp);
        syn.AsSpan(20, 2).CopyTo(tcp[2..]);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], 1000);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], BinaryPrimitives.ReadUInt32BigEndian(syn.AsSpan(24)) + 1);
        tcp[12] = 6 << 4;
        tcp[13] = 0x12;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], 65535);
        tcp[20] = 2;
        tcp[21] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[22..], 1380);
        uint pseudo = 6u + (uint)tcp.Length;
        for (var i = 12; i < 20; i += 2) pseudo += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], Checksum(tcp, pseudo));
        return packet;
    }

    /// <summary>A virtio header and a UDP packet 10.9.0.2:5000 → 10.9.0.1:5001, to be split and checksummed by the kernel.</summary>
    public static byte[] UdpSuperPacket(byte[] payload, int segmentBytes)
    {
        var packet = new byte[28 + payload.Length];
        WriteIpHeader(packet, [10, 9, 0, 2], [10, 9, 0, 1], protocol: 17);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), 5000);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), 5001);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), (ushort)(8 + payload.Length));
        // With NEEDS_CSUM the field holds the sum over the pseudo header, not inverted.
        uint pseudo = 17u + 8u + (uint)payload.Length;
        for (var i = 12; i < 20; i += 2) pseudo += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(26), (ushort)~Checksum([], pseudo));
        payload.CopyTo(packet, 28);
        byte[] header = [1, 5, 28, 0, (byte)segmentBytes, (byte)(segmentBytes >> 8), 20, 0, 6, 0];
        return [.. header, .. packet];
    }

    private static void WriteIpHeader(byte[] packet, byte[] source, byte[] destination, byte protocol)
    {
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = protocol;
        source.CopyTo(packet, 12);
        destination.CopyTo(packet, 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum(packet.AsSpan(0, 20), 0));
    }

    private static ushort Checksum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (var i = 0; i + 1 < bytes.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
