using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;
using Gateway.Linux.Netlink;
using Microsoft.Extensions.Logging;

namespace Gateway.Linux.Devices;

/// <summary>
/// One TUN or TAP device, over one queue. The reader's thread also follows the link's MTU and name through a netlink subscription that is
/// polled beside the device. Dispose only after the reading and the writing thread have ended.
/// </summary>
internal sealed unsafe class TunDevice : ITunnelDevice
{
    // The ring between the kernel and us, packets or super-packets; the default of 500 drops bursts of small packets.
    private const int QueueLength = 2000;

    // UIO_FASTIOV: the kernel copies more vectors than these from the heap. A super-packet of 45 segments needs 46.
    private const int MaxPieces = 256;

    private const int MaxRefusedUdpSuperPackets = 16;

    private readonly WakeUp _wake;
    private readonly LinkMonitor _monitor;
    private readonly LinkConfigurator _configurator;
    private readonly ILogger _logger;
    private readonly bool _persistent;
    private int _descriptor;
    private int _refusedUdpSuperPackets; // the writing thread's
    private volatile bool _hasUdpSegmentation;

    private TunDevice(in OpenedTun opened, TunnelLayer layer, WakeUp wake, LinkMonitor monitor, LinkConfigurator configurator, ILogger logger)
    {
        _descriptor = opened.Descriptor;
        _persistent = opened.IsPersistent;
        _hasUdpSegmentation = opened.HasUdpSegmentation;
        _wake = wake;
        _monitor = monitor;
        _configurator = configurator;
        _logger = logger;
        Layer = layer;
        HasVnetHeader = opened.HasVnetHeader;
    }

    public static TunDevice Open(DeviceRequest request, LinuxPortOptions options, ILogger logger)
    {
        var opened = TunOpener.Open(request, options.VnetHeader);
        WakeUp? wake = null;
        LinkMonitor? monitor = null;
        try
        {
            _ = InterfaceQueries.SetQueueLength(opened.Name, QueueLength); // a shorter queue only drops more: no reason to fail
            wake = new WakeUp();
            monitor = new LinkMonitor(InterfaceQueries.FindIndex(opened.Name), opened.Name, InterfaceQueries.FindMtu(opened.Name));
            var configurator = new LinkConfigurator(monitor.Index, isTap: request.Layer == TunnelLayer.Ethernet);
            var device = new TunDevice(opened, request.Layer, wake, monitor, configurator, logger);
            Log.DeviceOpened(logger, opened.Name, opened.HasVnetHeader, opened.HasTcpSegmentation, opened.HasUdpSegmentation);
            return device;
        }
        catch
        {
            // Opening is retried for as long as descriptors are short: none may leak here.
            monitor?.Dispose();
            wake?.Dispose();
            _ = Libc.Close(opened.Descriptor);
            throw;
        }
    }

    public string Name => _monitor.Name;

    public TunnelLayer Layer { get; }

    public bool HasVnetHeader { get; }

    public bool HasUdpSegmentation => _hasUdpSegmentation;

    public int Mtu => _monitor.Mtu;

    public PortResult Read(Span<byte> buffer)
    {
        while (true)
        {
            nint bytes;
            // SAFETY: pinned for the call, which writes at most buffer.Length bytes.
            fixed (byte* target = buffer) bytes = Libc.Read(_descriptor, target, (nuint)buffer.Length);
            if (bytes >= 0) return new PortResult(PortStatus.Ok, (int)bytes);
            var error = Errno.Last;
            if (error == Errno.Interrupted) continue;
            return new PortResult(error == Errno.TryAgain ? PortStatus.WouldBlock : IsGone(error) ? PortStatus.Gone : PortStatus.Refused, 0, error);
        }
    }

    public PortStatus Write(ReadOnlySpan<Segment> pieces)
    {
        if (pieces.Length is 0 or > MaxPieces) return PortStatus.Refused;
        // A Segment is a pointer and a length, as struct iovec is.
        fixed (Segment* vectors = pieces)
        {
            while (true)
            {
                // SAFETY: the caller's pieces are native memory that it owns during the call.
                if (Libc.WriteV(_descriptor, (IoVec*)vectors, pieces.Length) >= 0)
                {
                    if (_refusedUdpSuperPackets != 0 && GsoType(vectors[0]) == Tun.VnetGsoUdp) _refusedUdpSuperPackets = 0;
                    return PortStatus.Ok;
                }
                var error = Errno.Last;
                if (error == Errno.Interrupted) continue;
                if (error == Errno.TryAgain) return PortStatus.WouldBlock;
                if (IsGone(error)) return PortStatus.Gone;
                return error == Errno.Invalid && RefusesOffload(vectors[0]) ? PortStatus.OffloadRefused : PortStatus.Refused;
            }
        }
    }

    public bool WaitReadable()
    {
        PollFd* descriptors = stackalloc PollFd[3];
        descriptors[0] = new PollFd { Descriptor = _descriptor, Events = PollEvents.In };
        descriptors[1] = new PollFd { Descriptor = _wake.Descriptor, Events = PollEvents.In };
        descriptors[2] = new PollFd { Descriptor = _monitor.Descriptor, Events = PollEvents.In };
        while (true)
        {
            // SAFETY: three entries of this frame.
            if (Libc.Poll(descriptors, 3, -1) < 0)
            {
                if (Errno.Last == Errno.Interrupted) continue;
                return false;
            }
            if (descriptors[2].Returned != 0) _monitor.Drain();
            if (descriptors[1].Returned != 0) _wake.Clear();
            // tun_chr_poll: EPOLLERR once the device is unregistered.
            if ((descriptors[0].Returned & (PollEvents.Error | PollEvents.HangUp | PollEvents.Invalid)) != 0) return false;
            if (descriptors[0].Returned != 0 || descriptors[1].Returned != 0) return true;
        }
    }

    public void WakeReader() => _wake.Set();

    public IReadOnlyList<LinkProblem> Configure(LinkSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var problems = _configurator.Apply(settings, Name);
        if (_configurator.AppliedMtu is { } mtu) _monitor.SetMtu(mtu);
        return problems;
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor < 0) return;
        // Others vanish with all that was set on them.
        if (_persistent) _configurator.TakeBack(Name);
        _ = Libc.Close(descriptor);
        _configurator.Dispose();
        _monitor.Dispose();
        _wake.Dispose();
    }

    // EBADFD: tun_chr_read_iter and tun_chr_write_iter without a device.
    // A write while the link is down is EIO (tun_get_user) and only this packet's fate.
    private static bool IsGone(int error) => error is Errno.BadDescriptorState or Errno.BadDescriptor or Errno.NoDevice;

    // Whether the refused write was a super-packet, which may pass in single pieces. A header that the kernel finds wrong and a kernel that
    // cannot do it look alike (EINVAL), so UDP segmentation goes off only when it never works.
    private bool RefusesOffload(Segment first)
    {
        var type = GsoType(first);
        if (type == 0) return false;
        if (type == Tun.VnetGsoUdp && ++_refusedUdpSuperPackets >= MaxRefusedUdpSuperPackets && _hasUdpSegmentation)
        {
            _hasUdpSegmentation = false;
            Log.DeviceUdpSegmentationOff(_logger, Name);
        }
        return true;
    }

    // SAFETY: reads within the first piece, whose length is checked.
    private int GsoType(Segment first) =>
        HasVnetHeader && first.Length >= Tun.VnetHeaderBytes ? ((byte*)first.Address)[Tun.VnetGsoTypeOffset] & 0x7F : 0;
}
