using System.Net;
using Gateway.Contracts;
using Gateway.Linux.Netlink;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>The last link that is seen from the gateway: the size that it takes, and whether the next machine answers on it.</summary>
internal static class LinkSteps
{
    private const int SmallestMtu = 1280; // RFC 8200 §5: what every IPv6 link takes

    public static Step Mtu(Evidence e)
    {
        var place = Place.Request(HopIds.Mtu, "Packet size");
        if (e.Kernel is not { OutLink: { } link } kernel) return place.Unknown("There is no route.");
        var path = kernel.Request.PathMtu > 0 ? Math.Min(kernel.Request.PathMtu, link.Mtu) : link.Mtu;
        var evidence = Fact.Of("RTM_GETROUTE", $"MTU of the tunnel {e.Tunnel.Mtu}, of {link.Name} {link.Mtu}{(kernel.Request.PathMtu > 0 ? $", learned on the way {kernel.Request.PathMtu}" : "")}",
            ("tunnelMtu", Fact.Number(e.Tunnel.Mtu)), ("deviceMtu", Fact.Number(link.Mtu)), ("pathMtu", Fact.Number(kernel.Request.PathMtu)));
        if (e.Traffic.SilentAbove is { } silent)
        {
            return place.Drops(Bases.Observed, $"Packets of {silent} bytes to {e.Packet.Destination} are never answered, smaller ones are: a link on the way takes less, and the message that says so (ICMP) does not come back.")
                .Because(evidence, Fact.Of("flows", $"silent from {silent} bytes on", ("silentAbove", Fact.Number(silent))))
                .With(RemedyOf.Patch($"Set the tunnel's MTU to {SmallestMtu}, which every link takes. Clients learn it when they fetch their configuration again.", $"tunnels/{Uri.EscapeDataString(e.Tunnel.Name)}", "mtu", SmallestMtu, e.Tunnel.Mtu));
        }

        return path >= e.Tunnel.Mtu ? place.Passes(Bases.AskedKernel, $"{link.Name} takes {path} bytes, more than the tunnel's {e.Tunnel.Mtu}.").Because(evidence)
            : place.Passes(Bases.AskedKernel, $"{link.Name} takes {path} bytes: larger ones are refused, and the kernel tells the sender so.").Because(evidence);
    }

    public static Step NextHop(Evidence e)
    {
        if (e.Kernel is not { OutLink: { } link } kernel) return Place.Request(HopIds.NextHop, "Next machine").Unknown("There is no route.");
        var route = kernel.Request.Route ?? kernel.ToDestination.Route!;
        var address = route.Gateway ?? kernel.RoutedDestination;
        var place = Place.Request(HopIds.NextHop, $"{address} on {link.Name}");
        if (kernel.DestinationIsLocal) return place.Passes(Bases.AskedKernel, "It stays on this host.");
        if (link.Name == e.Tunnel.Device) return place.Passes(Bases.AskedKernel, "A tunnel has no neighbours to ask for.");
        if (kernel.NextHop is not { } neighbour || neighbour.State == NeighbourState.None) return place.Unknown($"The kernel has not asked for {address} yet.", Bases.AskedKernel);
        var evidence = Neighbour(neighbour, address, link.Name);
        var isSilent = e.Traffic.Same?.IsUnanswered(e.Now) == true;
        return neighbour.State switch
        {
            NeighbourState.Failed => place.Drops(Bases.AskedKernel, $"{address} does not answer {(e.Packet.IsV6 ? "neighbour solicitations" : "ARP")} on {link.Name}: it is down, not on this link, or has another address.").Because(evidence).With(Wake(address)),
            NeighbourState.Incomplete when isSilent => place.Drops(Bases.AskedKernel, $"{address} has not answered {(e.Packet.IsV6 ? "neighbour solicitations" : "ARP")} on {link.Name} so far: it is down, not on this link, or has another address.").Because(evidence).With(Wake(address)),
            NeighbourState.Incomplete => place.Unknown($"The kernel is asking for {address} and has no answer yet.", Bases.AskedKernel).Because(evidence).Suspect(2),
            NeighbourState.Delay or NeighbourState.Probe => place.Unknown($"{address} answered once ({neighbour.LinkAddress}); the kernel is asking it again.", Bases.AskedKernel).Because(evidence).Suspect(isSilent ? 2 : 0),
            _ => place.Passes(Bases.AskedKernel, $"{address} is {neighbour.LinkAddress ?? "there"} ({Word(neighbour.State)}).").Because(evidence),
        };
    }

    public static HopEvidence Neighbour(KernelNeighbour neighbour, IPAddress address, string device) => Fact.Of("RTM_GETNEIGH", $"{address} on {device}: {Word(neighbour.State)}",
        ("address", address.ToString()), ("device", device), ("state", neighbour.State.ToString()), ("linkAddress", neighbour.LinkAddress ?? ""));

    private static Remedy Wake(IPAddress address) => RemedyOf.Instruction(address.ToString(), "Nothing on the gateway helps: see that the machine runs, is plugged in and has this address.", "ip addr", "ip link");

    private static string Word(NeighbourState state) => state switch
    {
        NeighbourState.Reachable => "reachable",
        NeighbourState.Stale => "answered earlier, not asked since",
        NeighbourState.Delay or NeighbourState.Probe => "being asked again",
        NeighbourState.Incomplete => "being asked, no answer yet",
        NeighbourState.Failed => "did not answer",
        NeighbourState.Permanent => "set by hand",
        NeighbourState.NoArp => "not asked for on this link",
        _ => "not known",
    };
}
