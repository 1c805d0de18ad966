using System.Net.Sockets;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Linux.Netlink;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>The request's way through the kernel: tunnel device, reverse-path filter, forwarding, route, the device that it leaves by.</summary>
internal static class KernelSteps
{
    public static Step TunnelDevice(Evidence e)
    {
        var place = Place.Request(HopIds.TunnelDevice, $"Tunnel device {e.Tunnel.Device}");
        if (e.Kernel is not { } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        if (kernel.TunnelLink is not { } link) return place.Drops(Bases.AskedKernel, $"The kernel has no device {e.Tunnel.Device}. The gateway makes it anew in a moment.");
        if (!link.Up)
        {
            return place.Drops(Bases.AskedKernel, $"{link.Name} is down.").Because(Fact.Of("RTM_GETLINK", "not IFF_UP", ("device", link.Name), ("up", "false")))
                .With(RemedyOf.Instruction(RemedyMachines.Gateway, "Set it up.", $"ip link set {link.Name} up"));
        }

        return place.Passes(Bases.AskedKernel, $"{link.Name} is up, MTU {link.Mtu}.").Because(Fact.Of("RTM_GETLINK", "IFF_UP", ("device", link.Name), ("mtu", Fact.Number(link.Mtu))));
    }

    public static Step ReversePath(Evidence e)
    {
        var place = Place.Request(HopIds.ReversePath, $"Reverse-path filter on {e.Tunnel.Device}");
        if (e.Kernel is not { TunnelLink: { } link } kernel) return place.Unknown(e.KernelProblem ?? "There is no such device.");
        if (e.Packet.IsV6) return place.Passes(Bases.AskedKernel, "IPv6 has no rp_filter; a firewall rule with 'fib' may do the same.");
        var filter = ReversePathFilter.Judge(kernel, link, kernel.ToSource, kernel.Request);
        if (filter.Passes) return place.Passes(Bases.AskedKernel, filter.Reason(e.Packet.Source)).Because(filter.Evidence);
        return place.Drops(Bases.AskedKernel, filter.Reason(e.Packet.Source)).Because([.. filter.Evidence, .. Counter(kernel)])
            .With(filter.IsMartian ? [] : [.. Backwards.IntoTunnel(e), RelaxFilter(kernel, link)]);
    }

    public static Step Forwarding(Evidence e)
    {
        var place = Place.Request(HopIds.Forwarding, "Forwarding");
        if (e.Kernel is not { } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        if (kernel.DestinationIsLocal) return place.Passes(Bases.AskedKernel, $"{e.Packet.Destination} is the gateway's own address: nothing is forwarded.");
        return Switch(place, kernel, e.Tunnel.Device, e.Packet.IsV6);
    }

    public static Step Switch(Place place, KernelEvidence kernel, string device, bool isV6)
    {
        if (!kernel.Forwards.TryGetValue(device, out var on)) return place.Unknown("The switch could not be read.");
        var name = isV6 ? "net.ipv6.conf.all.forwarding" : $"net.ipv4.conf.{device}.forwarding";
        var evidence = Fact.Of("/proc/sys", $"{name} = {(on ? 1 : 0)}", ("name", name), ("value", on ? "1" : "0"));
        if (on) return place.Passes(Bases.AskedKernel, $"The kernel forwards what arrives on {device}.").Because(evidence);
        var all = kernel.Forwards.TryGetValue("all", out var global) && global;
        // For one device only where the rest forwards; else the switch for all.
        var command = isV6 ? "sysctl -w net.ipv6.conf.all.forwarding=1" : all ? $"sysctl -w {SysctlOf(device)}=1" : "sysctl -w net.ipv4.ip_forward=1";
        return place.Drops(Bases.AskedKernel, $"The kernel does not forward {(isV6 ? "IPv6" : "IPv4")} packets{(all ? $" that arrive on {device}" : "")}: it drops what is not for itself.")
            .Because(evidence).With(all
                ? [RemedyOf.Instruction(RemedyMachines.Gateway, "Switch forwarding on for this device; to keep it over a restart, write it to a file in /etc/sysctl.d.", command)]
                : [RemedyOf.Patch($"Switch {(isV6 ? "IPv6" : "IPv4")} forwarding on for the whole host.", "host", isV6 ? "ipv6Forwarding" : "ipv4Forwarding", true, null), RemedyOf.Instruction(RemedyMachines.Gateway, "Or by hand; to keep it over a restart, write it to a file in /etc/sysctl.d.", command)]);
    }

    public static Step Route(Evidence e)
    {
        var place = Place.Request(HopIds.Route, $"Route to {e.Kernel?.RoutedDestination ?? e.Packet.Destination}");
        if (e.Kernel is not { } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        var answer = kernel.Request;
        if (answer.Route is { } route)
        {
            var link = kernel.Link(route);
            var evidence = Asked(kernel, answer, $"from {e.Packet.Source} to {kernel.RoutedDestination} arriving on {e.Tunnel.Device}");
            if (route.Type == RouteTypes.Local) return place.Passes(Bases.AskedKernel, $"{kernel.RoutedDestination} is an address of this host.").Because(evidence);
            return place.Passes(Bases.AskedKernel, $"It leaves by {link?.Name ?? "?"}{(route.Gateway is { } via ? $" to {via}" : "")} ({EntryWords(answer)}).").Because(evidence);
        }

        var refusal = Fact.Of("RTM_GETROUTE", answer.Words, ("errno", Fact.Number(answer.Error)));
        if (kernel.Refusals.FirstOrDefault(r => r.Prefix.Contains(kernel.RoutedDestination)) is { } barred)
        {
            return place.Drops(Bases.AskedKernel, $"The route {TypeWord(barred.Type)} {barred.Prefix} says that nothing goes there.").Because(refusal)
                .With(RemedyOf.Instruction(RemedyMachines.Gateway, "Take the route away.", $"ip {Family(e.Packet.IsV6)}route del {TypeWord(barred.Type)} {barred.Prefix}"));
        }

        // Refused by its source or for want of forwarding: those hops say so. Where the destination leads is known all the same.
        if (kernel.ToDestination.Route is not null)
            return place.Passes(Bases.AskedKernel, $"There is one, by {kernel.OutLink?.Name} ({EntryWords(kernel.ToDestination)}); this packet does not come so far.").Because(Asked(kernel, kernel.ToDestination, $"to {kernel.RoutedDestination}"));
        if (!MeansNoRoute(answer.Error)) return place.Unknown($"The kernel did not answer the look-up: {answer.Words}.", Bases.AskedKernel).Because(refusal);
        var down = DownDevice(e, kernel);
        return place.Drops(Bases.AskedKernel, $"The kernel has no route to {kernel.RoutedDestination}{(down is null ? "" : $": {down.Name}, which has an address of that network, is down")}.").Because(refusal)
            .With(down is null
                ? RemedyOf.Instruction(RemedyMachines.Gateway, $"Add a route; ROUTER is the machine that leads there.", $"ip {Family(e.Packet.IsV6)}route add {kernel.RoutedDestination} via ROUTER")
                : RemedyOf.Instruction(RemedyMachines.Gateway, "Set the device up.", $"ip link set {down.Name} up"));
    }

    public static Step OutDevice(Evidence e)
    {
        if (e.Kernel is not { } kernel || kernel.OutLink is not { } link) return Place.Request(HopIds.OutDevice, "Device out").Unknown("There is no route.");
        var place = Place.Request(HopIds.OutDevice, $"Device {link.Name}");
        if (kernel.DestinationIsLocal) return place.Passes(Bases.AskedKernel, "It stays on this host.");
        var evidence = Fact.Of("RTM_GETLINK", $"{link.Name}: {(link.Up ? "up" : "down")}, {(link.Running ? "carrier" : "no carrier")}, MTU {link.Mtu}",
            ("device", link.Name), ("up", link.Up.ToString()), ("carrier", link.Running.ToString()), ("mtu", Fact.Number(link.Mtu)));
        if (!link.Up) return place.Drops(Bases.AskedKernel, $"{link.Name} is down.").Because(evidence).With(RemedyOf.Instruction(RemedyMachines.Gateway, "Set it up.", $"ip link set {link.Name} up"));
        return link.Running ? place.Passes(Bases.AskedKernel, $"{link.Name} is up and has a carrier.").Because(evidence)
            : place.Drops(Bases.AskedKernel, $"{link.Name} has no carrier: its cable or the other end is off.").Because(evidence)
                .With(RemedyOf.Instruction(e.Packet.Destination.ToString(), "Look at the cable, and at the device at the other end: it has to be up."));
    }

    /// <summary>The destination behind another peer, or nobody's; null where the route leads into no tunnel.</summary>
    public static Step? DestinationPeer(Evidence e)
    {
        if (e.Kernel is not { } kernel || kernel.DestinationIsLocal || kernel.OutLink?.Name != e.Tunnel.Device) return null;
        var place = Place.Request(HopIds.DestinationPeer, $"Peer that owns {kernel.RoutedDestination}");
        return e.DestinationOwner is { } owner
            ? place.Passes(Bases.AskedEngine, $"{kernel.RoutedDestination} is behind {owner.Name}; explain the way there with {owner.Name} as the peer.")
            : place.Drops(Bases.AskedEngine, $"The kernel routes it into {e.Tunnel.Device}, and no peer owns {kernel.RoutedDestination}: it is dropped as 'no peer for destination'.")
                .With(RemedyOf.AddRoute($"If the network lies behind {e.Peer.Name}, give it a gateway route.", e.Peer.Id, new(kernel.RoutedDestination, e.Packet.IsV6 ? 128 : 32), InstallOn.Gateway));
    }

    public static HopEvidence Asked(KernelEvidence kernel, RouteAnswer answer, string question) => Fact.Of("RTM_GETROUTE",
        $"{question}: {(answer.Route is null ? answer.Words : $"{kernel.Link(answer.Route)?.Name ?? "?"}{(answer.Route.Gateway is { } via ? $" via {via}" : "")}, {EntryWords(answer)}")}",
        ("errno", Fact.Number(answer.Error)), ("device", kernel.Link(answer.Route)?.Name ?? ""), ("gateway", answer.Route?.Gateway?.ToString() ?? ""), ("entry", answer.Entry?.Prefix.ToString() ?? ""));

    public static string EntryWords(RouteAnswer answer) => answer.Entry is not { } entry ? "route found"
        : $"{(entry.Prefix.PrefixLength == 0 ? "default route" : $"route {entry.Prefix}")}{(entry.Table is 0 or 254 or 255 ? "" : $" of table {entry.Table}")}";

    /// <summary>ENETUNREACH, EHOSTUNREACH, ESRCH, EACCES; any other errno says something about the question.</summary>
    public static bool MeansNoRoute(int error) => error is 101 or 113 or 3 or 13;

    public static string TypeWord(byte type) => type switch { RouteTypes.Blackhole => "blackhole", RouteTypes.Prohibit => "prohibit", _ => "unreachable" };

    public static string Family(bool isV6) => isV6 ? "-6 " : "";

    private static string SysctlOf(string device) => device.Contains('.', StringComparison.Ordinal) ? $"net/ipv4/conf/{device}/forwarding" : $"net.ipv4.conf.{device}.forwarding";

    private static IEnumerable<HopEvidence> Counter(KernelEvidence kernel) => kernel.Counters?["TcpExt.IPReversePathFilter"] is { } count
        ? [Fact.Of("/proc/net/netstat", $"IPReversePathFilter has counted {count} packets since the start, of all devices", ("IPReversePathFilter", Fact.Number(count)))] : [];

    // The weaker way: shown, as people ask for it, and never first.
    private static Remedy RelaxFilter(KernelEvidence kernel, KernelLink link)
    {
        var fromAll = kernel.RpFilters.GetValueOrDefault("all") >= kernel.RpFilters.GetValueOrDefault(link.Name);
        var device = fromAll ? "all" : link.Name;
        return RemedyOf.Patch($"Or switch the filter off on {device}. That alone brings no answer: the way back needs the route all the same.", $"interfaces/{device}", "rpFilter", RpFilters.Off, ReversePathFilter.Word(kernel.RpFilters.GetValueOrDefault(device)));
    }

    private static KernelLink? DownDevice(Evidence e, KernelEvidence kernel) => kernel.Addresses
        .Where(a => a.Address.AddressFamily == e.Packet.Destination.AddressFamily && Holds(a, kernel.RoutedDestination))
        .Select(a => kernel.Links.FirstOrDefault(link => link.Index == a.LinkIndex)).FirstOrDefault(link => link is { Up: false });

    private static bool Holds(KernelAddress address, System.Net.IPAddress other) => address.Address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
        && new Engine.InterfaceAddress(address.Address, address.PrefixLength).Network.Contains(other);
}

/// <summary>The remedies for a missing way back into the tunnel.</summary>
internal static class Backwards
{
    public static IReadOnlyList<Remedy> IntoTunnel(Evidence e)
    {
        if (e.SourceOwner is not { By: { } by } owner || owner.PeerId != e.Peer.Id) return [];
        if (by is { Kind: PrefixKind.Gateway, KernelRoute: false })
            return [RemedyOf.RouteIntoKernel($"Let the kernel know that {by.Prefix} lies behind {owner.Name}: a gateway route that becomes a kernel route into {e.Tunnel.Device}.", owner.PeerId, by)];
        // Set by the gateway, and gone: somebody took it away.
        var prefix = e.Tunnel.Networks.FirstOrDefault(n => n.Contains(e.Packet.Source), by.Prefix);
        return [RemedyOf.Instruction(RemedyMachines.Gateway, $"The route {prefix} into {e.Tunnel.Device} is missing or stands behind another one: set it again, and see what took it away.",
            $"ip {KernelSteps.Family(e.Packet.IsV6)}route replace {prefix} dev {e.Tunnel.Device}")];
    }
}
