using System.Runtime.InteropServices;
using Gateway.Linux.Devices;

namespace Gateway.Linux.Netlink;

/// <summary>Follows one link's name and MTU by the kernel's notifications. One thread drains; all may read.</summary>
internal sealed class LinkMonitor : IDisposable
{
    private readonly NetlinkSocket _socket = new(Rtnetlink.LinkGroup);
    private volatile string _name;
    private volatile int _mtu;

    public LinkMonitor(int index, string name, int mtu)
    {
        Index = index;
        _name = name;
        _mtu = mtu;
    }

    public int Index { get; }

    public string Name => _name;

    public int Mtu => _mtu;

    public int Descriptor => _socket.Descriptor;

    public void SetMtu(int mtu) => _mtu = mtu;

    public void Drain()
    {
        while (_socket.TryReceive(out var rest, out var lost) || lost)
        {
            if (lost && InterfaceQueries.FindMtu(_name) is > 0 and var mtu) _mtu = mtu;
            while (NetlinkSocket.TryReadMessage(ref rest, out var type, out _, out _, out var payload))
            {
                if (type == Rtnetlink.NewLink && payload.Length >= Rtnetlink.LinkBytes && MemoryMarshal.Read<int>(payload[4..]) == Index) Follow(payload);
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Follow(ReadOnlySpan<byte> link)
    {
        var attributes = new NetlinkAttributes(link[Rtnetlink.LinkBytes..]);
        while (attributes.Next())
        {
            if (attributes.Type == Rtnetlink.LinkMtu) _mtu = (int)attributes.Value;
            if (attributes.Type == Rtnetlink.LinkName) _name = attributes.Text;
        }
    }
}
