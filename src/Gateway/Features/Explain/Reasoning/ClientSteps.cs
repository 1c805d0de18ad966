using System.Net;
using Gateway.Contracts;
using Gateway.Data;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>Up to the gateway's own check of the packet: the client's route, the inner source, the inner destination.</summary>
internal static class ClientSteps
{
    public static Step ClientRoute(Evidence e)
    {
        var place = Place.Request(HopIds.ClientRoute, $"{e.Peer.Name} sends it into the tunnel");
        if (e.Traffic.Same is { } seen && seen.IsRecent(e.Now))
        {
            return place.Passes(Bases.Observed, $"Such a packet came from {e.Peer.Name} {Fact.Ago(e.Now - seen.LastAsked)} ago.")
                .Because(Fact.Of("flows", $"{seen.Asked} packets asked, {seen.Answered} answered", ("asked", Fact.Number(seen.Asked)), ("answered", Fact.Number(seen.Answered))));
        }

        if (!e.DestinationAllowed)
            return place.Unknown($"The configuration that the gateway writes for {e.Peer.Name} does not send {e.Packet.Destination} into the tunnel, as it has no client route for it.");
        // A client that is there and sends nothing of the kind: either nobody tries, or it goes another way.
        var step = place.Unknown($"{(e.Traffic.Same is { } earlier ? $"The last such packet came from {e.Peer.Name} {Fact.Ago(e.Now - earlier.LastAsked)} ago{(earlier.LastAnswered is null ? "" : ", and was answered")}" : $"No such packet has come from {e.Peer.Name} of late")}. If one is being sent, the client sends it elsewhere: it has no route for {e.Packet.Destination} into its tunnel, or an old configuration.")
            .With(RemedyOf.Instruction(RemedyMachines.Client, "Fetch the configuration again and bring the tunnel up with it, or set the route by hand.", RouteCommand(e)));
        return SessionStep.IsFresh(e) ? step.Suspect(1) : step;
    }

    public static Step Source(Evidence e)
    {
        var (packet, peer) = (e.Packet, e.Peer);
        var place = Place.Request(HopIds.Source, "Inner source is the peer's");
        if (e.Tunnel.IsEthernet) return place.Passes(Bases.AskedEngine, "The tunnel carries Ethernet frames: no allowed IPs apply.");
        if (e.SourceOwner?.PeerId == peer.Id)
        {
            return place.Passes(Bases.AskedEngine, $"{packet.Source} belongs to {peer.Name}{By(e.SourceOwner)}.");
        }

        if (e.SourceOwner is { } other)
        {
            var step = place.Drops(Bases.AskedEngine, $"{packet.Source} belongs to {other.Name}{By(other)}: of two prefixes that hold an address the longer one counts. From {peer.Name} it is dropped as 'source not allowed'.")
                .Because(Fact.Of("allowed-ips", $"longest prefix over all peers: {other.Name}", ("owner", other.Name), ("prefix", other.By?.Prefix.ToString() ?? "")));
            return other.By is { Kind: PrefixKind.Gateway } route
                ? step.With(RemedyOf.RemoveRoute($"Take the route {route.Prefix} from {other.Name}, if the network does not lie behind it.", other.PeerId, route))
                : step.With(UseOwnAddress(e));
        }

        var prefix = new IPNetwork(packet.Source, packet.IsV6 ? 128 : 32);
        return place.Drops(Bases.AskedEngine, $"{packet.Source} is in no peer's allowed IPs: the gateway drops it as 'source not allowed'.")
            .Because(Fact.Of("allowed-ips", $"{peer.Name} has {string.Join(", ", Owned(peer))}", ("source", packet.Source.ToString()), ("allowedIps", string.Join(", ", Owned(peer)))))
            .With(RemedyOf.AddRoute($"Let {peer.Name} use {prefix} too: a gateway route, which also becomes a kernel route back into the tunnel.", peer.Id, prefix, InstallOn.Gateway), UseOwnAddress(e));
    }

    public static Step Destination(Evidence e)
    {
        var place = Place.Request(HopIds.Destination, "Inner destination is allowed");
        if (e.Tunnel.IsEthernet) return place.Passes(Bases.AskedEngine, "The tunnel carries Ethernet frames: destinations are not checked.");
        if (e.DestinationAllowed) return place.Passes(Bases.AskedEngine, $"{e.Packet.Destination} is in the client routes of {e.Peer.Name} or in the tunnel's own prefixes.");
        var routes = e.Peer.Prefixes.Where(p => p.Kind == PrefixKind.Client).Select(p => p.Prefix.ToString()).ToList();
        var prefix = NetworkOf(e);
        return place.Drops(Bases.AskedEngine, $"{e.Peer.Name} has no client route that holds {e.Packet.Destination}: the gateway drops it as 'destination not allowed'.")
            .Because(Fact.Of("client-routes", routes.Count == 0 ? $"{e.Peer.Name} has none" : $"{e.Peer.Name} has {string.Join(", ", routes)}", ("clientRoutes", string.Join(", ", routes))))
            .With(RemedyOf.AddRoute($"Allow {e.Peer.Name} to reach {prefix}. It becomes part of its configuration, which the client then has to fetch again.", e.Peer.Id, prefix, InstallOn.Client));
    }

    /// <summary>Sets the client's route by the address that its device has: the device's name is not known here.</summary>
    private static string RouteCommand(Evidence e)
    {
        var family = e.Packet.IsV6 ? "-6 " : "";
        var prefix = e.Peer.Prefixes.Where(p => p.Kind == PrefixKind.Client && p.Prefix.Contains(e.Packet.Destination)).OrderByDescending(p => p.Prefix.PrefixLength)
            .Select(p => p.Prefix).FirstOrDefault(new IPNetwork(e.Packet.Destination, e.Packet.IsV6 ? 128 : 32));
        return $"ip {family}route replace {prefix} dev \"$(ip -o {family}addr show to {e.Packet.Source} | awk '{{print $2; exit}}')\"";
    }

    // The network that the kernel's route to the destination names, where it is one; else the address alone.
    private static IPNetwork NetworkOf(Evidence e)
    {
        if (e.Kernel?.ToDestination.Entry is { } entry && entry.Type != RouteTypes.Local && entry.Prefix.PrefixLength > 0 && entry.Prefix.Contains(e.Packet.Destination)) return entry.Prefix;
        return new IPNetwork(e.Packet.Destination, e.Packet.IsV6 ? 128 : 32);
    }

    private static Remedy UseOwnAddress(Evidence e)
    {
        var own = e.Peer.Prefixes.Where(p => p.Kind == PrefixKind.Address).Select(p => p.Prefix.ToString()).ToList();
        return RemedyOf.Instruction(RemedyMachines.Client, $"Or let the client use the address of its configuration ({(own.Count == 0 ? "it has none" : string.Join(", ", own))}): fetch it again and bring the tunnel up with it.");
    }

    private static IEnumerable<string> Owned(PeerEvidence peer) => peer.Prefixes.Where(p => p.Kind != PrefixKind.Client).Select(p => p.Prefix.ToString());

    private static string By(OwnerEvidence owner) => owner.By is not { } by ? "" : by.Kind == PrefixKind.Address ? $" (its address {by.Prefix})" : $" (gateway route {by.Prefix})";
}
