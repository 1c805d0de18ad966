using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Gateway.Testing;

/// <summary>Builds small well-formed packets, with their own arithmetic, so that they check the product's.</summary>
public static class TestPackets
{
    /// <summary>A UDP packet, IPv4 or IPv6 by its addresses.</summary>
    public static byte[] Udp(string source, string destination, ReadOnlySpan<byte> payload, ushort sourcePort = 1111, ushort destinationPort = 2222)
    {
        var transport = new byte[8 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(transport, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(2), destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(4), (ushort)transport.Length);
        payload.CopyTo(transport.AsSpan(8));
        return Ip(source, destination, 17, transport, checksumAt: 6);
    }

    /// <summary>An ICMP echo message, for IPv4 or IPv6 by its addresses.</summary>
    public static byte[] Echo(string source, string destination, ushort id, ushort sequence, bool isReply = false, int payloadBytes = 56)
    {
        var isV4 = IPAddress.Parse(source).AddressFamily == AddressFamily.InterNetwork;
        var message = new byte[8 + payloadBytes];
        message[0] = (byte)(isV4 ? isReply ? 0 : 8 : isReply ? 129 : 128);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), id);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), sequence);
        if (!isV4) return Ip(source, destination, 58, message, checksumAt: 2);
        // ICMP has no pseudo header.
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), InternetChecksum(message));
        return Ip(source, destination, 1, message, checksumAt: -1);
    }

    /// <summary>A TCP segment without options.</summary>
    public static byte[] Tcp(string source, string destination, uint sequence, byte flags, ReadOnlySpan<byte> payload, ushort sourcePort = 1111, ushort destinationPort = 2222)
    {
        var transport = new byte[20 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(transport, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(2), destinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(transport.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(transport.AsSpan(8), 1);
        transport[12] = 5 << 4;
        transport[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(14), 65_000);
        payload.CopyTo(transport.AsSpan(20));
        return Ip(source, destination, 6, transport, checksumAt: 16);
    }

    /// <summary>[virtio header] one TCP super-packet that the kernel wants cut into pieces of <paramref name="segmentBytes"/>.</summary>
    public static byte[] TcpSuperFrame(string source, string destination, ReadOnlySpan<byte> payload, ushort segmentBytes)
    {
        var packet = Tcp(source, destination, 1000, 0x10, payload);
        var header = new byte[10];
        var ipBytes = packet[0] >> 4 == 4 ? 20 : 40;
        header[0] = 1;
        header[1] = ipBytes == 20 ? (byte)1 : (byte)4;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(2), (ushort)(ipBytes + 20));
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), segmentBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(6), (ushort)ipBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), 16);
        return [.. header, .. packet];
    }

    /// <summary>One's-complement sum of 16-bit words (RFC 1071), the slow way.</summary>
    public static ushort InternetChecksum(ReadOnlySpan<byte> data, uint seed = 0)
    {
        ulong sum = seed;
        for (var i = 0; i < data.Length; i += 2) sum += (uint)((data[i] << 8) | (i + 1 < data.Length ? data[i + 1] : 0));
        while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    private static byte[] Ip(string source, string destination, byte protocol, byte[] transport, int checksumAt)
    {
        var from = IPAddress.Parse(source);
        var to = IPAddress.Parse(destination);
        byte[] pseudo = [.. from.GetAddressBytes(), .. to.GetAddressBytes(), 0, 0, (byte)(transport.Length >> 8), (byte)transport.Length, 0, 0, 0, protocol];
        if (checksumAt >= 0) BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(checksumAt), InternetChecksum([.. pseudo, .. transport]));
        if (from.AddressFamily == AddressFamily.InterNetwork)
        {
            var header = new byte[20];
            header[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(20 + transport.Length));
            header[6] = 0x40;
            header[8] = 64;
            header[9] = protocol;
            from.GetAddressBytes().CopyTo(header, 12);
            to.GetAddressBytes().CopyTo(header, 16);
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), InternetChecksum(header));
            return [.. header, .. transport];
        }

        var v6 = new byte[40];
        v6[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(v6.AsSpan(4), (ushort)transport.Length);
        v6[6] = protocol;
        v6[7] = 64;
        from.GetAddressBytes().CopyTo(v6, 8);
        to.GetAddressBytes().CopyTo(v6, 24);
        return [.. v6, .. transport];
    }
}
