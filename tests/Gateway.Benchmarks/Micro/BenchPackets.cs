using System.Buffers.Binary;
using System.Net;
using Gateway.Engine;
using Gateway.Engine.Packets;

namespace Gateway.Benchmarks.Micro;

/// <summary>Makes the packets that the benchmarks work on.</summary>
internal static class BenchPackets
{
    private const int HeaderBytes = 40;

    /// <summary>A TCP/IPv4 packet with right checksums.</summary>
    public static byte[] Tcp(int payloadBytes, uint sequence = 0, ushort identification = 0, ushort sourcePort = 40000)
    {
        var packet = new byte[HeaderBytes + payloadBytes];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), identification);
        (packet[6], packet[8], packet[9]) = (0x40, 64, IpProtocol.Tcp);
        IPAddress.Parse("192.168.53.99").GetAddressBytes().CopyTo(packet, 12);
        IPAddress.Parse("192.168.60.101").GetAddressBytes().CopyTo(packet, 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum.Complete(Checksum.Add(packet.AsSpan(0, 20), 0)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), 5001);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(24), sequence);
        (packet[32], packet[33]) = (0x50, TcpFlags.Ack);
        var sum = Checksum.PseudoHeader(InetAddress.FromV4(packet.AsSpan(12)), InetAddress.FromV4(packet.AsSpan(16)), IpProtocol.Tcp, packet.Length - 20);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(36), Checksum.Complete(Checksum.Add(packet.AsSpan(20), sum)));
        return packet;
    }

    /// <summary>What the parser says of one of them.</summary>
    public static IpPacket Info(byte[] packet)
    {
        if (IpPacket.TryParse(packet, out var info) != PacketStatus.Ok) throw new InvalidOperationException("Not a packet.");
        return info;
    }
}
