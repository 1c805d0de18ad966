namespace Gateway.Linux.Native;

/// <summary>open(2), asm-generic/fcntl.h. O_DIRECTORY and O_NOFOLLOW differ on arm64 and are not used.</summary>
internal static class OpenFlags
{
    public const int ReadOnly = 0;             // O_RDONLY
    public const int ReadWrite = 2;            // O_RDWR
    public const int NonBlocking = 0x800;      // O_NONBLOCK
    public const int CloseOnExec = 0x80000;    // O_CLOEXEC, EFD_CLOEXEC, SOCK_CLOEXEC
}

/// <summary>poll(2), asm-generic/poll.h.</summary>
internal static class PollEvents
{
    public const short In = 0x1;       // POLLIN
    public const short Out = 0x4;      // POLLOUT
    public const short Error = 0x8;    // POLLERR
    public const short HangUp = 0x10;  // POLLHUP
    public const short Invalid = 0x20; // POLLNVAL
}

/// <summary>TUN/TAP, linux/if_tun.h.</summary>
internal static class Tun
{
    public const string Path = "/dev/net/tun";

    public const nuint SetInterface = 0x400454ca;      // TUNSETIFF
    public const nuint SetOffload = 0x400454d0;        // TUNSETOFFLOAD
    public const nuint GetInterface = 0x800454d2;      // TUNGETIFF
    public const nuint SetVnetHeaderSize = 0x400454d8; // TUNSETVNETHDRSZ

    public const short ModeTun = 0x0001;       // IFF_TUN
    public const short ModeTap = 0x0002;       // IFF_TAP
    public const short Persistent = 0x0800;    // IFF_PERSIST
    public const short NoPacketInfo = 0x1000;  // IFF_NO_PI
    public const short VnetHeader = 0x4000;    // IFF_VNET_HDR

    public const uint OffloadChecksum = 0x01;  // TUN_F_CSUM
    public const uint OffloadTcp4 = 0x02;      // TUN_F_TSO4
    public const uint OffloadTcp6 = 0x04;      // TUN_F_TSO6
    public const uint OffloadUdp4 = 0x20;      // TUN_F_USO4
    public const uint OffloadUdp6 = 0x40;      // TUN_F_USO6

    // linux/virtio_net.h: struct virtio_net_hdr
    public const int VnetHeaderBytes = 10;
    public const int VnetGsoTypeOffset = 1;
    public const byte VnetGsoUdp = 5;          // VIRTIO_NET_HDR_GSO_UDP_L4
}

/// <summary>Socket ioctls, linux/sockios.h.</summary>
internal static class InterfaceControl
{
    public const nuint GetMtu = 0x8921;           // SIOCGIFMTU
    public const nuint GetIndex = 0x8933;         // SIOCGIFINDEX
    public const nuint SetQueueLength = 0x8943;   // SIOCSIFTXQLEN
    public const nuint QueuedBytes = 0x5411;      // SIOCOUTQ
    public const int NameBytes = 16;              // IFNAMSIZ, with the closing zero
}

/// <summary>socket(2), bits/socket.h and asm-generic/socket.h.</summary>
internal static class SocketNumbers
{
    public const int Inet = 2;               // AF_INET
    public const int Inet6 = 10;             // AF_INET6
    public const int Netlink = 16;           // AF_NETLINK
    public const int Packet = 17;            // AF_PACKET
    public const int Datagram = 2;           // SOCK_DGRAM
    public const int Raw = 3;                // SOCK_RAW

    public const int SocketLevel = 1;        // SOL_SOCKET
    public const int SendBuffer = 7;         // SO_SNDBUF
    public const int ReceiveBuffer = 8;      // SO_RCVBUF
    public const int SendBufferForce = 32;   // SO_SNDBUFFORCE
    public const int ReceiveBufferForce = 33; // SO_RCVBUFFORCE
    public const int Mark = 36;              // SO_MARK
    public const int TimestampNs = 35;       // SO_TIMESTAMPNS, SCM_TIMESTAMPNS

    public const int IpLevel = 0;            // IPPROTO_IP
    public const int IpPacketInfo = 8;       // IP_PKTINFO
    public const int Ip6Level = 41;          // IPPROTO_IPV6
    public const int Ip6Only = 26;           // IPV6_V6ONLY
    public const int Ip6ReceivePacketInfo = 49; // IPV6_RECVPKTINFO
    public const int Ip6PacketInfo = 50;     // IPV6_PKTINFO

    public const int UdpLevel = 17;          // SOL_UDP
    public const int UdpSegment = 103;       // UDP_SEGMENT (linux/udp.h)
    public const int UdpGro = 104;           // UDP_GRO

    public const int Truncated = 0x20;       // MSG_TRUNC
    public const int DontWait = 0x40;        // MSG_DONTWAIT
}
