using Gateway.Engine.Ports;
using Gateway.Linux.Native;
using Microsoft.Extensions.Logging;

namespace Gateway.Linux.Sockets;

/// <summary>What socket(2), bind(2) and the options gave.</summary>
internal readonly record struct OpenedSocket(int Descriptor, ushort Port, bool DualStack, bool HasSegmentation, int SendBufferBytes);

/// <summary>Opens and binds the UDP socket, with a sentence for each way that can fail.</summary>
internal static unsafe class UdpSocketOpener
{
    // The largest burst of a sender that fills its window (wireguard-go uses the same). Costs memory only while it is used.
    private const int BufferBytes = 7 << 20;

    public static OpenedSocket Open(SocketRequest request, LinuxPortOptions options, ILogger logger)
    {
        var dualStack = options.DualStack;
        var descriptor = dualStack ? Create(SocketNumbers.Inet6) : -Errno.FamilyNotSupported;
        if (descriptor == -Errno.FamilyNotSupported)
        {
            dualStack = false;
            descriptor = Create(SocketNumbers.Inet);
        }
        if (descriptor < 0)
            throw new PortException($"No UDP socket could be made: {Errno.Describe(-descriptor)}.", "See the limit of open files (ulimit -n).", -descriptor);
        try
        {
            // An explicit 0: net.ipv6.bindv6only may say otherwise.
            if (dualStack) Require(Libc.SetOption(descriptor, SocketNumbers.Ip6Level, SocketNumbers.Ip6Only, 0), "receive IPv4 on an IPv6 socket");
            Require(dualStack
                ? Libc.SetOption(descriptor, SocketNumbers.Ip6Level, SocketNumbers.Ip6ReceivePacketInfo, 1)
                : Libc.SetOption(descriptor, SocketNumbers.IpLevel, SocketNumbers.IpPacketInfo, 1), "tell the local address of datagrams");
            if (request.FirewallMark != 0) SetMark(descriptor, request.FirewallMark);
            var receiveBytes = SetBuffer(descriptor, SocketNumbers.ReceiveBufferForce, SocketNumbers.ReceiveBuffer);
            var sendBytes = SetBuffer(descriptor, SocketNumbers.SendBufferForce, SocketNumbers.SendBuffer);

            // A kernel without UDP_SEGMENT (before 4.18) or UDP_GRO (before 5.0) answers ENOPROTOOPT; segment size 0 means none.
            var segmentation = options.UdpOffloads && Libc.SetOption(descriptor, SocketNumbers.UdpLevel, SocketNumbers.UdpSegment, 0) == 0;
            var coalescing = options.UdpOffloads && Libc.SetOption(descriptor, SocketNumbers.UdpLevel, SocketNumbers.UdpGro, 1) == 0;

            var port = Bind(descriptor, dualStack, request.Port);
            Log.SocketOpened(logger, port, dualStack ? "IPv4 and IPv6" : "IPv4", segmentation, coalescing, receiveBytes, sendBytes);
            if (!dualStack) Log.NoIpv6(logger, port, Errno.Describe(Errno.FamilyNotSupported));
            return new OpenedSocket(descriptor, port, dualStack, segmentation, sendBytes);
        }
        catch
        {
            _ = Libc.Close(descriptor);
            throw;
        }
    }

    private static int Create(int family)
    {
        var descriptor = Libc.Socket(family, SocketNumbers.Datagram | OpenFlags.NonBlocking | OpenFlags.CloseOnExec, 0);
        return descriptor < 0 ? -Errno.Last : descriptor;
    }

    private static ushort Bind(int descriptor, bool dualStack, ushort port)
    {
        Span<byte> address = stackalloc byte[SocketAddresses.V6Bytes];
        address.Clear();
        var any = dualStack ? default : Engine.InetAddress.From(System.Net.IPAddress.Any);
        var bytes = (uint)SocketAddresses.Write(address, dualStack, new Engine.UdpEndpoint(any, port));
        // SAFETY: 28 bytes of this frame, which hold either form.
        fixed (byte* pointer = address)
        {
            if (Libc.Bind(descriptor, pointer, bytes) < 0) throw CannotBind(port, Errno.Last);
            if (Libc.GetSockName(descriptor, pointer, &bytes) < 0) throw CannotBind(port, Errno.Last);
        }
        return SocketAddresses.Read(address, default, 0).Port;
    }

    private static PortException CannotBind(ushort port, int error) => error switch
    {
        Errno.AddressInUse => new PortException($"UDP port {port} is in use{PortHolder.Describe(port)}: {Errno.Describe(error)}.",
            "Stop that program, or choose another port.", error),
        Errno.AccessDenied => new PortException($"UDP port {port} may not be bound by this user: {Errno.Describe(error)}.",
            "Choose a port of 1024 or more, or give the process CAP_NET_BIND_SERVICE.", error),
        _ => new PortException($"UDP port {port} cannot be bound: {Errno.Describe(error)}.", "Choose another port.", error),
    };

    private static void SetMark(int descriptor, uint mark)
    {
        var error = Libc.SetOption(descriptor, SocketNumbers.SocketLevel, SocketNumbers.Mark, unchecked((int)mark));
        if (error != 0)
            throw new PortException($"The firewall mark 0x{mark:x} cannot be set: {Errno.Describe(error)}.", "Give the process CAP_NET_ADMIN, or set no mark.", error);
    }

    // The forced form passes net.core.rmem_max and needs CAP_NET_ADMIN in the first user namespace; what the other gives is better than nothing.
    private static int SetBuffer(int descriptor, int forced, int plain)
    {
        if (Libc.SetOption(descriptor, SocketNumbers.SocketLevel, forced, BufferBytes) != 0)
            _ = Libc.SetOption(descriptor, SocketNumbers.SocketLevel, plain, BufferBytes);
        return Libc.GetOption(descriptor, SocketNumbers.SocketLevel, plain) ?? 0;
    }

    private static void Require(int error, string what)
    {
        if (error != 0) throw new PortException($"The kernel cannot {what}: {Errno.Describe(error)}.", "Report it with the kernel's version (uname -r).", error);
    }
}
