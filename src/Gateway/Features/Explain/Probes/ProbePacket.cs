using System.Buffers.Binary;
using Gateway.Engine.Packets;
using Gateway.Engine.Probes;

namespace Gateway.Features.Explain.Probes;

/// <summary>Writes the packets of a probe, as the peer's host would: an echo request, a SYN, the RST that ends what the SYN began, or a UDP packet.</summary>
internal static class ProbePacket
{
    private const byte Ttl = 64;
    private const byte Syn = 0x02, Rst = 0x04;
    private const int TcpHeaderBytes = 20;

    public static byte[] Opening(ProbeKey key) => key.Protocol switch
    {
        6 => Tcp(key, Syn, 1_000),
        17 => Wrap(key, Udp(key)),
        _ => Wrap(key, Echo(key)),
    };

    /// <summary>Ends the half-open connection that an answered SYN leaves at the destination.</summary>
    public static byte[] Reset(ProbeKey key) => Tcp(key, Rst, 1_001);

    private static byte[] Tcp(ProbeKey key, byte flags, uint sequence)
    {
        var tcp = new byte[TcpHeaderBytes];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, key.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), key.DestinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(4), sequence);
        tcp[12] = TcpHeaderBytes / 4 << 4;
        tcp[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(14), 64_240);
        Seal(key, tcp, 16);
        return Wrap(key, tcp);
    }

    private static byte[] Udp(ProbeKey key)
    {
        // An empty datagram: no service takes it for a request.
        var udp = new byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(udp, key.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), key.DestinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), 8);
        Seal(key, udp, 6);
        return udp;
    }

    private static byte[] Echo(ProbeKey key)
    {
        var icmp = new byte[64];
        icmp[0] = key.Source.IsV4 ? (byte)8 : (byte)128;
        BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(4), key.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(6), 1);
        if (key.Source.IsV4) BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(2), Checksum.Complete(Checksum.Add(icmp, 0)));
        else Seal(key, icmp, 2);
        return icmp;
    }

    // With the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1).
    private static void Seal(ProbeKey key, byte[] transport, int at) => BinaryPrimitives.WriteUInt16BigEndian(
        transport.AsSpan(at), Checksum.Complete(Checksum.Add(transport, Checksum.PseudoHeader(key.Source, key.Destination, key.Protocol, transport.Length))));

    private static byte[] Wrap(ProbeKey key, byte[] transport)
    {
        var packet = new byte[(key.Source.IsV4 ? 20 : 40) + transport.Length];
        Span<byte> address = stackalloc byte[16];
        if (key.Source.IsV4)
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            packet[6] = 0x40; // DF
            (packet[8], packet[9]) = (Ttl, key.Protocol);
            key.Source.CopyTo(address);
            address[12..].CopyTo(packet.AsSpan(12));
            key.Destination.CopyTo(address);
            address[12..].CopyTo(packet.AsSpan(16));
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum.Complete(Checksum.Add(packet.AsSpan(0, 20), 0)));
        }
        else
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)transport.Length);
            (packet[6], packet[7]) = (key.Protocol, Ttl);
            key.Source.CopyTo(address);
            address.CopyTo(packet.AsSpan(8));
            key.Destination.CopyTo(address);
            address.CopyTo(packet.AsSpan(24));
        }

        transport.CopyTo(packet, packet.Length - transport.Length);
        return packet;
    }
}
