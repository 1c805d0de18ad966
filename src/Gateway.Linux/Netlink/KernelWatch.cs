using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>Whether one message of a subscription is of interest.</summary>
internal delegate bool NetlinkFilter(ushort type, ReadOnlySpan<byte> payload);

/// <summary>
/// Follows one of the kernel's netlink subscriptions on a thread of its own and says when something of interest was in it, once for all that came
/// together. In the network namespace of the thread that makes it.
/// </summary>
public sealed unsafe class KernelWatch : IDisposable
{
    private readonly NetlinkSocket _socket;
    private readonly WakeUp _stop = new();
    private readonly NetlinkFilter _filter;
    private readonly Action _changed;
    private readonly Thread _thread;

    private KernelWatch(NetlinkSocket socket, NetlinkFilter filter, Action changed, string name)
    {
        (_socket, _filter, _changed) = (socket, filter, changed);
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Says when somebody, this process too, changes the nftables table of that name in the family inet. Throws <see cref="PortException"/>.</summary>
    public static KernelWatch OfTable(string table, Action changed) => new(
        new NetlinkSocket(Rtnetlink.NftablesGroup, Rtnetlink.NetfilterFamily), (type, payload) => IsOfTable(type, payload, table), changed, "gateway-nftables");

    /// <summary>
    /// Says when a device's rp_filter or forwarding changes (RTM_NEWNETCONF), whoever did it, or a device comes. Throws <see cref="PortException"/>.
    /// </summary>
    public static KernelWatch OfDeviceSettings(Action changed) => new(
        new NetlinkSocket(Rtnetlink.NetConfGroups), (type, _) => type == Rtnetlink.NewNetConf, changed, "gateway-netconf");

    /// <summary>Ends the watch; no call comes after it.</summary>
    public void Dispose()
    {
        _stop.Set();
        if (Thread.CurrentThread != _thread) _thread.Join();
        _socket.Dispose();
        _stop.Dispose();
    }

    private static bool IsOfTable(ushort type, ReadOnlySpan<byte> payload, string table)
    {
        const byte inet = 1; // NFPROTO_INET
        if (type >> 8 != Rtnetlink.NftablesSubsystem || payload.Length < Rtnetlink.NetfilterBytes || payload[0] != inet) return false;
        var attributes = new NetlinkAttributes(payload[Rtnetlink.NetfilterBytes..]);
        while (attributes.Next())
        {
            if (attributes.Type == Rtnetlink.NftablesTable) return attributes.Text == table;
        }

        return false;
    }

    private void Run()
    {
        var descriptors = stackalloc PollFd[2];
        while (true)
        {
            descriptors[0] = new PollFd { Descriptor = _socket.Descriptor, Events = PollEvents.In };
            descriptors[1] = new PollFd { Descriptor = _stop.Descriptor, Events = PollEvents.In };
            // SAFETY: both lie on this frame.
            if (Libc.Poll(descriptors, 2, -1) < 0 && Errno.Last != Errno.Interrupted) return;
            if (descriptors[1].Returned != 0) return;
            if (Drain()) _changed();
        }
    }

    // What was lost may have been of interest.
    private bool Drain()
    {
        var found = false;
        while (_socket.TryReceive(out var rest, out var lost) || lost)
        {
            found |= lost;
            while (NetlinkSocket.TryReadMessage(ref rest, out var type, out _, out _, out var payload)) found |= _filter(type, payload);
        }

        return found;
    }
}
