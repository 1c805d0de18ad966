using System.Net;
using System.Runtime.InteropServices;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>A network device of the kernel.</summary>
/// <param name="Index">Its interface index.</param>
/// <param name="Name">Its name.</param>
/// <param name="Up">IFF_UP: set up by its administrator.</param>
/// <param name="Running">IFF_RUNNING: it has a carrier as well.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Kind">The driver's kind: "tun", "veth", "bridge", …; empty for hardware.</param>
/// <param name="Master">The index of the bridge, bond or VRF that it belongs to; 0 = none.</param>
public sealed record KernelLink(int Index, string Name, bool Up, bool Running, int Mtu, string Kind, int Master);

/// <summary>An address on a device.</summary>
/// <param name="LinkIndex">The device's interface index.</param>
/// <param name="Address">The local address.</param>
/// <param name="PrefixLength">Bits of the network part.</param>
public sealed record KernelAddress(int LinkIndex, IPAddress Address, int PrefixLength);

/// <summary>A route of the kernel's tables.</summary>
/// <param name="Prefix">Where to.</param>
/// <param name="Gateway">The next hop; null when on the link, or with several next hops.</param>
/// <param name="LinkIndex">The output device's index; 0 when none or several.</param>
/// <param name="Table">254 = main, 255 = local.</param>
/// <param name="Metric">The smaller wins.</param>
/// <param name="Protocol">Who set it (rtm_protocol): 2 = kernel, 3 = boot, 4 = static, 71 = this program.</param>
/// <param name="Type">rtm_type: 1 = unicast, 2 = local, 6 = blackhole, 7 = unreachable, 8 = prohibit.</param>
/// <param name="PreferredSource">The source address for packets of this host; null when none is set.</param>
public sealed record KernelRoute(IPNetwork Prefix, IPAddress? Gateway, int LinkIndex, uint Table, uint Metric, byte Protocol, byte Type, IPAddress? PreferredSource);

/// <summary>What the kernel would do with a packet.</summary>
/// <param name="Route">The route it takes; null when refused. Its prefix is the destination itself.</param>
/// <param name="Error">0, or the errno: 101 ENETUNREACH = no route, 22 EINVAL or 18 EXDEV = source refused (rp_filter or a martian), 113 EHOSTUNREACH, 13 EACCES = prohibited.</param>
/// <param name="Words">The kernel's words for the error; empty when there is none.</param>
public sealed record RouteLookup(KernelRoute? Route, int Error, string Words);

/// <summary>Reads links, addresses and routes of the calling thread's network namespace through netlink. Each call is one question; nothing is cached.</summary>
public static class KernelNetwork
{
    private const int DumpAttempts = 5;

    /// <summary>All devices. Throws <see cref="PortException"/>.</summary>
    public static IReadOnlyList<KernelLink> ReadLinks()
    {
        using var socket = new NetlinkSocket();
        return ReadLinks(socket);
    }

    /// <summary>All addresses, or those of one device. Throws <see cref="PortException"/>.</summary>
    public static IReadOnlyList<KernelAddress> ReadAddresses(int linkIndex = 0)
    {
        using var socket = new NetlinkSocket();
        return ReadAddresses(socket, linkIndex);
    }

    /// <summary>All routes of all tables (local ones too), or those through one device. Throws <see cref="PortException"/>.</summary>
    public static IReadOnlyList<KernelRoute> ReadRoutes(int linkIndex = 0)
    {
        using var socket = new NetlinkSocket();
        return ReadRoutes(socket, linkIndex);
    }

    /// <summary>
    /// All routes of one type (rtm_type) of all tables: the kernel leaves the others out (inet_dump_fib with NETLINK_GET_STRICT_CHK, Linux 4.20), so that
    /// a hundred thousand of them take no time. Throws <see cref="PortException"/>.
    /// </summary>
    public static IReadOnlyList<KernelRoute> ReadRoutesOfType(byte type)
    {
        using var socket = new NetlinkSocket();
        return [.. ReadRoutes(socket, SocketNumbers.Inet, 0, type), .. ReadRoutes(socket, SocketNumbers.Inet6, 0, type)];
    }

    /// <summary>
    /// Asks what the kernel would do with a packet (RTM_GETROUTE, inet_rtm_getroute): one that arrives on <paramref name="inputLinkIndex"/>,
    /// with forwarding and reverse-path filter applied, or with 0 one that this host sends.
    /// </summary>
    public static RouteLookup LookUpRoute(IPAddress destination, IPAddress? source = null, int inputLinkIndex = 0, uint firewallMark = 0)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var socket = new NetlinkSocket();
        KernelRoute? route = null;
        var bits = (byte)(destination.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128);
        var error = socket.Ask(Rtnetlink.GetRoute, Rtnetlink.RouteBytes, (fixedPart, attributes) =>
        {
            fixedPart[0] = Family(destination);
            fixedPart[1] = bits;
            var used = PutAddress(attributes, Rtnetlink.RouteDestination, destination);
            if (source is not null)
            {
                fixedPart[2] = bits;
                used += PutAddress(attributes[used..], Rtnetlink.RouteSource, source);
            }
            if (inputLinkIndex != 0) used += PutValue(attributes[used..], Rtnetlink.RouteInputInterface, (uint)inputLinkIndex);
            if (firewallMark != 0) used += PutValue(attributes[used..], Rtnetlink.RouteMark, firewallMark);
            return used;
        }, (_, payload) => route = ParseRoute(payload), out var words);
        return new RouteLookup(route, error, error == 0 ? "" : words is null ? Errno.Describe(error) : $"{Errno.Describe(error)}: {words}");
    }

    internal static List<KernelLink> ReadLinks(NetlinkSocket socket) => Dump<KernelLink>(socket, Rtnetlink.GetLink, Rtnetlink.LinkBytes, static (_, _) => 0,
        static (payload, links) =>
        {
            if (ParseLink(payload) is { } link) links.Add(link);
        });

    internal static List<KernelAddress> ReadAddresses(NetlinkSocket socket, int linkIndex) =>
        Dump<KernelAddress>(socket, Rtnetlink.GetAddress, Rtnetlink.AddressBytes, (fixedPart, _) =>
        {
            MemoryMarshal.Write(fixedPart[4..], linkIndex);
            return 0;
        }, (payload, addresses) =>
        {
            if (ParseAddress(payload) is { } address && (linkIndex == 0 || address.LinkIndex == linkIndex)) addresses.Add(address);
        });

    internal static List<KernelRoute> ReadRoutes(NetlinkSocket socket, int linkIndex)
    {
        var routes = ReadRoutes(socket, SocketNumbers.Inet, linkIndex);
        routes.AddRange(ReadRoutes(socket, SocketNumbers.Inet6, linkIndex));
        return routes;
    }

    private static List<KernelRoute> ReadRoutes(NetlinkSocket socket, int family, int linkIndex, byte type = 0) =>
        Dump<KernelRoute>(socket, Rtnetlink.GetRoute, Rtnetlink.RouteBytes, (fixedPart, attributes) =>
        {
            fixedPart[0] = (byte)family;
            fixedPart[7] = type;
            return linkIndex == 0 ? 0 : PutValue(attributes, Rtnetlink.RouteOutputInterface, (uint)linkIndex);
        }, (payload, routes) =>
        {
            if (payload.Length > 0 && payload[0] == family && ParseRoute(payload) is { } route && (linkIndex == 0 || route.LinkIndex == linkIndex) && (type == 0 || route.Type == type)) routes.Add(route);
        });

    // A dump that a change interrupted may miss entries: ask again.
    private static List<T> Dump<T>(NetlinkSocket socket, ushort type, int fixedBytes, NetlinkFill fill, Parse<T> parse)
    {
        var found = new List<T>();
        for (var attempt = 0; attempt < DumpAttempts; attempt++)
        {
            found.Clear();
            if (socket.Dump(type, fixedBytes, fill, (_, payload) => parse(payload, found))) break;
        }
        return found;
    }

    private delegate void Parse<T>(ReadOnlySpan<byte> payload, List<T> found);

    internal static KernelLink? ParseLink(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Rtnetlink.LinkBytes) return null;
        var flags = MemoryMarshal.Read<uint>(payload[8..]);
        string name = "", kind = "";
        int mtu = 0, master = 0;
        var attributes = new NetlinkAttributes(payload[Rtnetlink.LinkBytes..]);
        while (attributes.Next())
        {
            if (attributes.Type == Rtnetlink.LinkName) name = attributes.Text;
            else if (attributes.Type == Rtnetlink.LinkMtu) mtu = (int)attributes.Value;
            else if (attributes.Type == Rtnetlink.LinkMaster) master = (int)attributes.Value;
            else if (attributes.Type == Rtnetlink.LinkInfo)
            {
                var nested = new NetlinkAttributes(attributes.Data);
                while (nested.Next())
                {
                    if (nested.Type == Rtnetlink.LinkInfoKind) kind = nested.Text;
                }
            }
        }
        return new KernelLink(MemoryMarshal.Read<int>(payload[4..]), name, (flags & Rtnetlink.Up) != 0, (flags & Rtnetlink.Running) != 0, mtu, kind, master);
    }

    private static KernelAddress? ParseAddress(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Rtnetlink.AddressBytes) return null;
        // On a point-to-point link IFA_ADDRESS is the far end; IPv6 has IFA_LOCAL only there.
        IPAddress? local = null, address = null;
        var attributes = new NetlinkAttributes(payload[Rtnetlink.AddressBytes..]);
        while (attributes.Next())
        {
            if (attributes.Type == Rtnetlink.AddressLocal) local = ToAddress(attributes.Data);
            else if (attributes.Type == Rtnetlink.AddressAddress) address = ToAddress(attributes.Data);
        }
        return (local ?? address) is { } found ? new KernelAddress(MemoryMarshal.Read<int>(payload[4..]), found, payload[1]) : null;
    }

    internal static KernelRoute? ParseRoute(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Rtnetlink.RouteBytes || payload[0] is not (SocketNumbers.Inet or SocketNumbers.Inet6)) return null;
        var destination = payload[0] == SocketNumbers.Inet ? IPAddress.Any : IPAddress.IPv6Any;
        IPAddress? gateway = null, source = null;
        uint table = payload[4], metric = 0;
        var link = 0;
        var attributes = new NetlinkAttributes(payload[Rtnetlink.RouteBytes..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case Rtnetlink.RouteDestination: destination = ToAddress(attributes.Data) ?? destination; break;
                case Rtnetlink.RouteGateway: gateway = ToAddress(attributes.Data); break;
                case Rtnetlink.RoutePreferredSource: source = ToAddress(attributes.Data); break;
                case Rtnetlink.RouteOutputInterface: link = (int)attributes.Value; break;
                case Rtnetlink.RouteTable: table = attributes.Value; break;
                case Rtnetlink.RoutePriority: metric = attributes.Value; break;
                default: break;
            }
        }
        return new KernelRoute(new IPNetwork(destination, payload[1]), gateway, link, table, metric, payload[5], payload[7], source);
    }

    internal static IPAddress? ToAddress(ReadOnlySpan<byte> bytes) => bytes.Length is 4 or 16 ? new IPAddress(bytes) : null;

    internal static byte Family(IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? (byte)SocketNumbers.Inet : (byte)SocketNumbers.Inet6;

    internal static int PutValue(Span<byte> target, ushort type, uint value)
    {
        MemoryMarshal.Write(target, (ushort)8);
        MemoryMarshal.Write(target[2..], type);
        MemoryMarshal.Write(target[4..], value);
        return 8;
    }

    internal static int PutAddress(Span<byte> target, ushort type, IPAddress address)
    {
        address.TryWriteBytes(target[4..], out var written);
        MemoryMarshal.Write(target, (ushort)(4 + written));
        MemoryMarshal.Write(target[2..], type);
        return 4 + written;
    }
}
