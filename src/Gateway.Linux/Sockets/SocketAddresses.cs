using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Gateway.Engine;
using Gateway.Linux.Native;

namespace Gateway.Linux.Sockets;

/// <summary>struct sockaddr_in and sockaddr_in6, in_pktinfo and in6_pktinfo, to and from the engine's types.</summary>
internal static class SocketAddresses
{
    public const int V4Bytes = 16;
    public const int V6Bytes = 28;
    public const int V4PacketInfoBytes = 12;
    public const int V6PacketInfoBytes = 20;

    /// <summary>Writes the address in the socket's family; its bytes, or 0 where an IPv4 socket cannot reach it.</summary>
    public static int Write(Span<byte> target, bool dualStack, in UdpEndpoint endpoint)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], endpoint.Port);
        if (dualStack)
        {
            MemoryMarshal.Write(target, (ushort)SocketNumbers.Inet6);
            MemoryMarshal.Write(target[4..], 0u); // flow label
            endpoint.Address.CopyTo(target[8..]);
            MemoryMarshal.Write(target[24..], endpoint.ScopeId);
            return V6Bytes;
        }
        if (!endpoint.Address.IsV4) return 0;
        MemoryMarshal.Write(target, (ushort)SocketNumbers.Inet);
        BinaryPrimitives.WriteUInt32BigEndian(target[4..], (uint)endpoint.Address.Low);
        MemoryMarshal.Write(target[8..], 0UL);
        return V4Bytes;
    }

    /// <summary>Reads the remote side of a received message.</summary>
    public static UdpEndpoint Read(ReadOnlySpan<byte> source, InetAddress local, int localInterface)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(source[2..]);
        return MemoryMarshal.Read<ushort>(source) == SocketNumbers.Inet6
            ? new UdpEndpoint(InetAddress.FromV6(source[8..]), port, MemoryMarshal.Read<uint>(source[24..]), local, localInterface)
            : new UdpEndpoint(InetAddress.FromV4(source[4..]), port, 0, local, localInterface);
    }

    /// <summary>
    /// Writes the control message that sets the source address; its bytes. A dual-stack socket takes mapped IPv4 sources as IPV6_PKTINFO too
    /// (ip_cmsg_send). The interface is named for link-local sources only: elsewhere it would force packets out of the device that they once
    /// came in on, against the routing table.
    /// </summary>
    public static int WriteSource(Span<byte> control, bool dualStack, in UdpEndpoint destination)
    {
        if (dualStack)
        {
            WriteHeader(control, SocketNumbers.Ip6Level, SocketNumbers.Ip6PacketInfo, V6PacketInfoBytes);
            destination.LocalAddress.CopyTo(control[16..]);
            MemoryMarshal.Write(control[32..], IsLinkLocal(destination.LocalAddress) ? destination.LocalInterface : 0);
            return CMsgHdr.SpaceOf(V6PacketInfoBytes);
        }
        WriteHeader(control, SocketNumbers.IpLevel, SocketNumbers.IpPacketInfo, V4PacketInfoBytes);
        MemoryMarshal.Write(control[16..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(control[20..], (uint)destination.LocalAddress.Low); // ipi_spec_dst
        MemoryMarshal.Write(control[24..], 0);
        return CMsgHdr.SpaceOf(V4PacketInfoBytes);
    }

    /// <summary>Writes the control message that asks for segmentation; its bytes.</summary>
    public static int WriteSegmentSize(Span<byte> control, int segmentBytes)
    {
        WriteHeader(control, SocketNumbers.UdpLevel, SocketNumbers.UdpSegment, sizeof(ushort));
        MemoryMarshal.Write(control[16..], (ulong)(ushort)segmentBytes);
        return CMsgHdr.SpaceOf(sizeof(ushort));
    }

    /// <summary>Reads the control messages of a received message: our address, the interface, and the segments' size (0 = none given).</summary>
    public static void ReadControl(ReadOnlySpan<byte> control, out InetAddress local, out int localInterface, out int segmentBytes)
    {
        local = default;
        localInterface = segmentBytes = 0;
        while (control.Length >= CMsgHdr.LengthOf(0))
        {
            var header = MemoryMarshal.Read<CMsgHdr>(control);
            if (header.Length < (nuint)CMsgHdr.LengthOf(0) || header.Length > (nuint)control.Length) return;
            var data = control[16..(int)header.Length];
            switch (header.Level, header.Type)
            {
                case (SocketNumbers.Ip6Level, SocketNumbers.Ip6PacketInfo) when data.Length >= V6PacketInfoBytes:
                    local = InetAddress.FromV6(data);
                    localInterface = MemoryMarshal.Read<int>(data[16..]);
                    break;
                case (SocketNumbers.IpLevel, SocketNumbers.IpPacketInfo) when data.Length >= V4PacketInfoBytes:
                    local = InetAddress.FromV4(data[4..]); // ipi_spec_dst: the address to answer from, also for broadcasts
                    localInterface = MemoryMarshal.Read<int>(data);
                    break;
                case (SocketNumbers.UdpLevel, SocketNumbers.UdpGro) when data.Length >= sizeof(int):
                    segmentBytes = MemoryMarshal.Read<int>(data);
                    break;
                default: break;
            }
            var space = CMsgHdr.SpaceOf(data.Length);
            if (space >= control.Length) return;
            control = control[space..];
        }
    }

    private static bool IsLinkLocal(InetAddress address) => (address.High & 0xFFC0_0000_0000_0000) == 0xFE80_0000_0000_0000;

    private static void WriteHeader(Span<byte> control, int level, int type, int dataBytes)
    {
        var header = new CMsgHdr { Length = (nuint)CMsgHdr.LengthOf(dataBytes), Level = level, Type = type };
        MemoryMarshal.Write(control, in header);
    }
}
