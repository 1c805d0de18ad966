using System.Buffers.Binary;
using System.Net;
using Gateway.Engine.Packets;

namespace Gateway.Engine.Tests.Packets;

/// <summary>Makes packets field by field, with checksums from a plain loop that shares nothing with the code under test.</summary>
internal sealed record TestPacket
{
    public string Source { get; init; } = "192.168.53.99";
    public string Destination { get; init; } = "192.168.60.101";
    public int SourcePort { get; init; } = 40000;
    public int DestinationPort { get; init; } = 5001;
    public byte Protocol { get; init; } = IpProtocol.Tcp;
    public uint Sequence { get; init; } = 1000;
    public uint Acknowledgement { get; init; } = 77;
    public byte Flags { get; init; } = TcpFlags.Ack;
    public ushort Window { get; init; } = 512;
    public byte TrafficClass { get; init; }
    public byte HopLimit { get; init; } = 64;
    public ushort Identification { get; init; } = 7;
    public ushort FragmentField { get; init; } = 0x4000;
    public byte[] IpOptions { get; init; } = [];
    public byte[] TcpOptions { get; init; } = [];
    public byte[] Payload { get; init; } = [];

    public byte[] Build()
    {
        var source = IPAddress.Parse(Source).GetAddressBytes();
        var destination = IPAddress.Parse(Destination).GetAddressBytes();
        var transport = Transport();
        var ip = source.Length == 4 ? V4(source, destination, transport.Length) : V6(source, destination, transport.Length);
        FillChecksum(source, destination, transport);
        return [.. ip, .. transport];
    }

    public static ushort NaiveSum(params byte[][] pieces)
    {
        ulong sum = 0;
        foreach (var piece in pieces)
        {
            for (var i = 0; i < piece.Length; i++) sum += (uint)(piece[i] << (i % 2 == 0 ? 8 : 0));
        }

        while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)sum;
    }

    /// <summary>Whether IP and transport checksums of a complete packet are right, and its lengths are its own.</summary>
    public static bool IsIntact(byte[] packet)
    {
        if (packet[0] >> 4 == 4)
        {
            var headerBytes = (packet[0] & 15) * 4;
            if (BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2)) != packet.Length || NaiveSum(packet[..headerBytes]) != 0xFFFF) return false;
            return IsTransportIntact(packet[12..16], packet[16..20], packet[9], packet[headerBytes..]);
        }

        return BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(4)) == packet.Length - 40
            && IsTransportIntact(packet[8..24], packet[24..40], packet[6], packet[40..]);
    }

    private static bool IsTransportIntact(byte[] source, byte[] destination, byte protocol, byte[] transport) =>
        (protocol != IpProtocol.Udp || BinaryPrimitives.ReadUInt16BigEndian(transport.AsSpan(4)) == transport.Length)
        && NaiveSum(source, destination, PseudoTail(protocol, transport.Length), transport) == 0xFFFF;

    private static byte[] PseudoTail(byte protocol, int bytes) => [0, protocol, (byte)(bytes >> 24), (byte)(bytes >> 16), (byte)(bytes >> 8), (byte)bytes];

    private byte[] Transport()
    {
        var headerBytes = Protocol switch { IpProtocol.Tcp => 20 + TcpOptions.Length, IpProtocol.Udp => 8, _ => 0 };
        var transport = new byte[headerBytes + Payload.Length];
        Payload.CopyTo(transport, headerBytes);
        if (headerBytes == 0) return transport;

        BinaryPrimitives.WriteUInt16BigEndian(transport, (ushort)SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(2), (ushort)DestinationPort);
        if (Protocol == IpProtocol.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(4), (ushort)transport.Length);
            return transport;
        }

        BinaryPrimitives.WriteUInt32BigEndian(transport.AsSpan(4), Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(transport.AsSpan(8), Acknowledgement);
        transport[12] = (byte)(headerBytes / 4 << 4);
        transport[13] = Flags;
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(14), Window);
        TcpOptions.CopyTo(transport, 20);
        return transport;
    }

    private void FillChecksum(byte[] source, byte[] destination, byte[] transport)
    {
        var field = Protocol switch { IpProtocol.Tcp => 16, IpProtocol.Udp => 6, _ => -1 };
        if (field < 0) return;
        var checksum = (ushort)~NaiveSum(source, destination, PseudoTail(Protocol, transport.Length), transport);
        if (checksum == 0 && Protocol == IpProtocol.Udp) checksum = 0xFFFF;
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(field), checksum);
    }

    private byte[] V4(byte[] source, byte[] destination, int transportBytes)
    {
        var header = new byte[20 + IpOptions.Length];
        header[0] = (byte)(0x40 | (header.Length / 4));
        header[1] = TrafficClass;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(header.Length + transportBytes));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), Identification);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), FragmentField);
        header[8] = HopLimit;
        header[9] = Protocol;
        source.CopyTo(header, 12);
        destination.CopyTo(header, 16);
        IpOptions.CopyTo(header, 20);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), (ushort)~NaiveSum(header));
        return header;
    }

    private byte[] V6(byte[] source, byte[] destination, int transportBytes)
    {
        var header = new byte[40];
        header[0] = (byte)(0x60 | (TrafficClass >> 4));
        header[1] = (byte)(TrafficClass << 4);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)transportBytes);
        header[6] = Protocol;
        header[7] = HopLimit;
        source.CopyTo(header, 8);
        destination.CopyTo(header, 24);
        return header;
    }
}

/// <summary>Reads and writes TUN frames: virtio header and packet.</summary>
internal static class TestFrames
{
    public static readonly byte[] Timestamps = [1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4];

    public static byte[] Bytes(int count, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static byte[] Frame(byte[] packet, byte gsoType = 0, int gsoSize = 0, byte flags = 0, int checksumStart = 0, int checksumOffset = 0)
    {
        var frame = new byte[VirtioHeader.Bytes + packet.Length];
        // hdr_len is deliberately nonsense: the kernel's is not reliable.
        new VirtioHeader(flags, gsoType, 3, (ushort)gsoSize, (ushort)checksumStart, (ushort)checksumOffset).Write(frame);
        packet.CopyTo(frame, VirtioHeader.Bytes);
        return frame;
    }

    /// <summary>Cuts a frame as the outbound path does: headers built in place, one after the other.</summary>
    public static List<byte[]> Split(byte[] frame)
    {
        if (SuperPacket.TryPlan(frame, out var plan) != SplitStatus.Ok) throw new InvalidOperationException("The frame cannot be split.");
        var packets = new List<byte[]>();
        for (var i = 0; i < plan.Count; i++)
        {
            var payload = frame.AsSpan(plan.PayloadOffset(i), plan.PayloadBytes(i));
            var start = plan.PayloadOffset(i) - plan.HeaderBytes;
            plan.BuildHeader(i, frame.AsSpan(start, plan.HeaderBytes), payload);
            packets.Add(frame[start..(start + plan.HeaderBytes + payload.Length)]);
        }

        return packets;
    }
}
