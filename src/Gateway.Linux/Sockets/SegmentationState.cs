using Gateway.Engine;
using Gateway.Linux.Native;
using Microsoft.Extensions.Logging;

namespace Gateway.Linux.Sockets;

/// <summary>
/// Whether sends may be segmented by the kernel. EIO means that a device on the way cannot checksum what it would split (udp_send_skb): off
/// for the socket. EINVAL and EMSGSIZE depend on the destination (segments beyond its path's MTU, which single datagrams survive by being
/// fragmented): that destination gets single datagrams for <see cref="SinglesBeforeRetry"/> sends, then segmentation is tried again.
/// Read and written by two threads without a lock: a lost update costs one refused call.
/// </summary>
internal sealed class SegmentationState(bool enabled, ILogger logger)
{
    /// <summary>UDP_MAX_SEGMENTS before Linux 6.9, which has 128; more brings nothing, as 45 full datagrams reach the byte limit.</summary>
    public const int MaxSegments = 64;

    /// <summary>Most bytes of payload in one send: 65,535 less IPv4 and UDP headers.</summary>
    public const int MaxBytes = 65_507;

    private const uint SinglesBeforeRetry = 1024;

    // High 32 bits: a hash of the destination; low 32: sends left. Two destinations on one entry push each other out.
    private readonly ulong[] _refused = new ulong[64];
    private volatile bool _enabled = enabled;
    private int _saidDestination;

    public bool Enabled => _enabled;

    public void Disable(ushort port, int error)
    {
        if (!_enabled) return;
        _enabled = false;
        Log.SegmentationOff(logger, port, Errno.Describe(error));
    }

    public void Refuse(in UdpEndpoint destination, ushort port, int error)
    {
        var hash = HashOf(destination);
        Volatile.Write(ref _refused[hash & 63], ((ulong)hash << 32) | SinglesBeforeRetry);
        if (Interlocked.Exchange(ref _saidDestination, 1) == 0) Log.SegmentationOffForDestination(logger, port, Errno.Describe(error));
    }

    public bool AllowsFor(in UdpEndpoint destination)
    {
        if (!_enabled) return false;
        var hash = HashOf(destination);
        ref var entry = ref _refused[hash & 63];
        var value = Volatile.Read(ref entry);
        if (value == 0 || (uint)(value >> 32) != hash) return true;
        var left = (uint)value;
        Volatile.Write(ref entry, left <= 1 ? 0 : value - 1);
        return left == 0;
    }

    private static uint HashOf(in UdpEndpoint destination)
    {
        var mixed = (destination.Address.High ^ (destination.Address.Low * 0x9E37_79B9_7F4A_7C15)) * 0xC2B2_AE3D_27D4_EB4F;
        return (uint)(mixed >> 32);
    }
}
