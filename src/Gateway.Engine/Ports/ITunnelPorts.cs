using System.Collections.Immutable;
using System.Net;

namespace Gateway.Engine.Ports;

/// <summary>Opens what a tunnel needs from its surroundings: Linux, or memory in tests.</summary>
public interface ITunnelPorts
{
    /// <summary>Creates (or attaches to) the device. Throws <see cref="PortException"/>.</summary>
    ITunnelDevice OpenDevice(DeviceRequest request);

    /// <summary>Binds the socket. Throws <see cref="PortException"/>.</summary>
    IDatagramSocket OpenSocket(SocketRequest request);
}

/// <summary>Which device to open.</summary>
/// <param name="Name">Name or pattern.</param>
/// <param name="Layer">TUN or TAP.</param>
public sealed record DeviceRequest(string Name, TunnelLayer Layer);

/// <summary>Which socket to open. IPv4 and IPv6 on one dual-stack socket; IPv4 alone where the host has no IPv6.</summary>
/// <param name="Port">0 = the kernel picks one.</param>
/// <param name="FirewallMark">0 = none.</param>
public sealed record SocketRequest(ushort Port, uint FirewallMark);

/// <summary>What a managed link shall look like.</summary>
/// <param name="Mtu">Bytes.</param>
/// <param name="Addresses">Addresses on it.</param>
/// <param name="Routes">Prefixes routed into it.</param>
public sealed record LinkSettings(int Mtu, ImmutableArray<InterfaceAddress> Addresses, ImmutableArray<IPNetwork> Routes);

/// <summary>One thing that the kernel refused while a link was configured; the rest was applied.</summary>
/// <param name="What">"route 192.168.60.0/24 dev wg0".</param>
/// <param name="Cause">The kernel's own words: "File exists (EEXIST)".</param>
/// <param name="Remedy">What a person can do.</param>
public sealed record LinkProblem(string What, string Cause, string Remedy);

/// <summary>A device or socket could not be opened, or has died. The message says what and why, <see cref="Remedy"/> what to do.</summary>
public sealed class PortException : Exception
{
    /// <summary>Makes one.</summary>
    public PortException(string message, string remedy, int errorCode = 0, Exception? inner = null) : base(message, inner)
    {
        Remedy = remedy;
        ErrorCode = errorCode;
    }

    /// <summary>What a person can do.</summary>
    public string Remedy { get; }

    /// <summary>errno, or 0.</summary>
    public int ErrorCode { get; }
}

/// <summary>What came of one read, write or send. Never an exception.</summary>
public enum PortStatus
{
    /// <summary>Done.</summary>
    Ok,
    /// <summary>Nothing there (read), or no room (write, send): wait.</summary>
    WouldBlock,
    /// <summary>The kernel refused this packet; the next may pass (EINVAL, EMSGSIZE, ENOBUFS, ENETUNREACH, EPERM, EIO while the link is down, …).</summary>
    Refused,
    /// <summary>
    /// The kernel refused the super-packet that this write carried: write it again in single pieces. Devices only, which switch UDP segmentation off
    /// when it never works; a socket falls back by itself.
    /// </summary>
    OffloadRefused,
    /// <summary>The device or socket is gone: reopen it.</summary>
    Gone,
}

/// <summary>Result of a read or receive.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Bytes">Bytes read.</param>
/// <param name="ErrorCode">errno where refused or gone.</param>
public readonly record struct PortResult(PortStatus Status, int Bytes, int ErrorCode = 0);

/// <summary>A piece of native memory for a gathered write.</summary>
/// <param name="Address">Its start.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct Segment(nint Address, nint Length);

/// <summary>
/// A TUN or TAP device. One thread reads, one thread writes; <see cref="WakeReader"/> and <see cref="Configure"/> may be called by others.
/// </summary>
public interface ITunnelDevice : IDisposable
{
    /// <summary>The name that the kernel gave.</summary>
    string Name { get; }

    /// <summary>TUN or TAP.</summary>
    TunnelLayer Layer { get; }

    /// <summary>Whether reads and writes carry the 10-byte virtio_net_hdr (IFF_VNET_HDR) before the packet.</summary>
    bool HasVnetHeader { get; }

    /// <summary>Whether UDP super-packets (USO) may be written.</summary>
    bool HasUdpSegmentation { get; }

    /// <summary>The MTU now, bytes. Follows the kernel's where it can be seen.</summary>
    int Mtu { get; }

    /// <summary>Reads one packet or super-packet, with its virtio header if <see cref="HasVnetHeader"/>. Never blocks.</summary>
    PortResult Read(Span<byte> buffer);

    /// <summary>Writes one packet or super-packet gathered from pieces; the first starts with the virtio header if <see cref="HasVnetHeader"/>.</summary>
    PortStatus Write(ReadOnlySpan<Segment> pieces);

    /// <summary>Blocks until there is something to read or <see cref="WakeReader"/> was called. False when the device is gone.</summary>
    bool WaitReadable();

    /// <summary>Ends a <see cref="WaitReadable"/>, or the next one. Any thread.</summary>
    void WakeReader();

    /// <summary>Brings MTU, addresses, routes and link state to what is wanted, touching only what an earlier call set. Returns what was refused.</summary>
    IReadOnlyList<LinkProblem> Configure(LinkSettings settings);
}

/// <summary>
/// A UDP socket with batches and offloads. One thread receives; sends may come from two threads (data, handshakes).
/// </summary>
public interface IDatagramSocket : IDisposable
{
    /// <summary>The bound port.</summary>
    ushort Port { get; }

    /// <summary>Most datagrams that one <see cref="Send"/> may carry now: 1 without UDP GSO.</summary>
    int MaxSegments { get; }

    /// <summary>
    /// Receives without blocking. Each message that comes back is one or, with UDP GRO, several datagrams of <see cref="ReceivedMessage.SegmentBytes"/> from one source.
    /// </summary>
    /// <returns>Messages received; 0 = would block; negative = the socket is gone.</returns>
    int Receive(ReceiveBatch batch);

    /// <summary>
    /// Sends <paramref name="datagrams"/> as pieces of <paramref name="segmentBytes"/> (the last may be shorter) to one destination, from its local address if known
    /// (and from another where that one is gone). Where the kernel refuses segmentation the same call sends them singly, any number of them.
    /// Waits for room a bounded time (100 ms), then answers <see cref="PortStatus.WouldBlock"/>.
    /// </summary>
    PortResult Send(ReadOnlySpan<byte> datagrams, int segmentBytes, in UdpEndpoint destination);

    /// <summary>
    /// Sends one datagram to a sender that has proven nothing: without waiting, and only while half of the send buffer is free. Answers to forged
    /// addresses lie in that buffer for seconds, until the kernel has given their neighbours up, and data has no other one.
    /// </summary>
    PortResult SendUnproven(ReadOnlySpan<byte> datagram, in UdpEndpoint destination);

    /// <summary>Blocks until there is something to receive or <see cref="WakeReceiver"/> was called. False when the socket is gone.</summary>
    bool WaitReadable();

    /// <summary>Ends a <see cref="WaitReadable"/>, or the next one. Any thread.</summary>
    void WakeReceiver();
}

/// <summary>Where a received message lies and where it came from.</summary>
public struct ReceivedMessage
{
    /// <summary>Offset into <see cref="ReceiveBatch.Memory"/>, bytes.</summary>
    public int Offset;
    /// <summary>Bytes of the whole message.</summary>
    public int Bytes;
    /// <summary>Bytes of each datagram in it but the last; equals <see cref="Bytes"/> for a single one.</summary>
    public int SegmentBytes;
    /// <summary>Who sent it, and to which of our addresses.</summary>
    public UdpEndpoint Source;
    /// <summary>Whether it was longer than the buffer.</summary>
    public bool Truncated;
}
