using System.Net;
using System.Text.Json.Nodes;
using Gateway.Contracts;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>Behind the gateway nothing is seen but what comes back: the destination's service or firewall, and its route back, told apart by what it answers to whom.</summary>
internal static class HostSteps
{
    private enum Blame { Nobody, Host, WayBack }

    public static Step Host(Evidence e)
    {
        var (packet, place) = (e.Packet, Place.Request(HopIds.DestinationHost, $"{e.Packet.Destination} answers"));
        if (Answered(e) is { } answered)
        {
            return e.Traffic.Same!.WasReset && packet.Protocol == 6
                ? place.Passes(Bases.Observed, $"It answered {Fact.Ago(e.Now - answered)} ago, with a reset: nobody listens on TCP {packet.Port} there, or a firewall refuses it.")
                : place.Passes(Bases.Observed, $"It answered {Fact.Ago(e.Now - answered)} ago.");
        }

        var (blame, reason) = Judge(e);
        var step = blame == Blame.Host ? place.Unknown($"It does not answer {packet.Words}: {reason}").Suspect(3).With(LetIn(e))
            : blame == Blame.WayBack ? place.Unknown(reason)
            : place.Unknown("No such packet has been seen of late. A probe tells.");
        return step.Because([.. Checked(e)]);
    }

    public static Step WayBack(Evidence e)
    {
        var (packet, place) = (e.Packet, Place.Answer(HopIds.WayBack, $"{e.Packet.Destination} has a route back"));
        if (Answered(e) is not null) return place.Passes(Bases.Observed, "Its answers arrive here.");
        if (e.Kernel is not { } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        if (kernel.DestinationIsLocal) return place.Passes(Bases.AskedKernel, "It is the gateway itself.");
        if (kernel.OutLink?.Name == e.Tunnel.Device) return place.Passes(Bases.Inferred, "It lies behind a peer, which sends answers into the tunnel if its allowed IPs hold the source.");
        var seen = FirewallSteps.Translation(e) is { } nat ? nat.Address ?? Own(kernel, packet.IsV6) : packet.Source;
        if (!seen!.Equals(packet.Source)) return place.Passes(Bases.Inferred, $"It sees {seen}, an address of the gateway, which it reaches.");
        var (blame, reason) = Judge(e);
        var network = BackPrefix(e);
        var via = Own(kernel, packet.IsV6);
        var router = (kernel.Request.Route ?? kernel.ToDestination.Route)?.Gateway;
        // Without a route to it, the gateway has no address there that a way back could lead to.
        if (via is null) return place.Unknown($"What it does is not seen from here. It needs a route to {network} that leads here.").Because([.. Checked(e)]);
        var needs = $"It needs a route to {network} via {via}{(router is null ? "" : $" (or its router {router} does)")}, or the gateway as its default route.";
        var step = blame == Blame.WayBack ? place.Unknown($"{reason} {needs}").Suspect(3) : place.Unknown($"What it does is not seen from here. {needs}");
        return step.Because([.. Checked(e)]).With(RemedyOf.Instruction((router ?? packet.Destination).ToString(), "Give it a route back. To keep it over a restart, write it where that machine's network is configured.",
            $"ip {KernelSteps.Family(packet.IsV6)}route replace {network} via {via}"), Masquerade(e, kernel));
    }

    /// <summary>The gateway's own address instead of the peer's: every host there has a way back to that.</summary>
    private static Remedy Masquerade(Evidence e, KernelEvidence kernel)
    {
        var entry = (kernel.Request.Entry ?? kernel.ToDestination.Entry)?.Prefix;
        var prefix = entry is { PrefixLength: > 0 } found ? found : new IPNetwork(kernel.RoutedDestination, e.Packet.IsV6 ? 128 : 32);
        JsonArray Rules(params IEnumerable<NatRule> rules) => [.. rules.Select(rule => new JsonObject { ["prefix"] = rule.Prefix, ["to"] = rule.To })];
        return RemedyOf.Patch($"Or give packets from the tunnel to {prefix} the gateway's own address (masquerade): no route is needed there then, and that network no longer sees which client it is.",
            $"tunnels/{Uri.EscapeDataString(e.Tunnel.Name)}", "nat", Rules([.. e.Tunnel.Nat, new NatRule { Prefix = prefix.ToString(), To = NatTargets.Masquerade }]), Rules(e.Tunnel.Nat));
    }

    private static (Blame Blame, string Reason) Judge(Evidence e)
    {
        var (packet, traffic) = (e.Packet, e.Traffic);
        if (traffic.Same is not { } same || !same.IsUnanswered(e.Now)) return (Blame.Nobody, "");
        // It answers others of this tunnel, since this conversation began: so it has a way back.
        if (traffic.AnsweredSince >= same.FirstAsked)
            return (Blame.Host, $"other packets of this tunnel were answered by it {Fact.Ago(e.Now - traffic.AnsweredSince.Value)} ago, so it has a way back, and drops these: a firewall there, or no such service.");
        var check = e.HostCheck;
        if (check is { Echo: null, Port: null } or null)
            return (Blame.WayBack, $"{same.Asked} packets went on to it, and nothing came back: it has no route back to {packet.Source}, or drops them.");
        if (packet.Protocol == 6 && check.Port is { } port)
        {
            if (port) return (Blame.WayBack, $"It answers TCP {packet.Port} to the gateway itself, and nothing to {packet.Source}: it has no route back there, or its firewall drops what comes from there.");
            return (Blame.Host, check.Echo == true ? "it answers a ping of the gateway, and not this, not even to the gateway: a firewall there, or no such service." : "it answers nothing, to the gateway either: a firewall there, or it hangs.");
        }

        return check.Echo == true
            ? (Blame.WayBack, $"It answers the gateway itself, and nothing to {packet.Source}: it has no route back there, or its firewall drops what comes from there.")
            : (Blame.Host, "it does not answer a ping, to the gateway either: a firewall there, or it hangs.");
    }

    private static DateTimeOffset? Answered(Evidence e) => e.Traffic.Same is { LastAnswered: { } answered } same && !same.IsUnanswered(e.Now) ? answered : null;

    // The prefix that people route: the tunnel's, or the peer's own where the source lies outside it.
    private static IPNetwork BackPrefix(Evidence e) => e.Tunnel.Networks.Where(n => n.Contains(e.Packet.Source)).OrderByDescending(n => n.PrefixLength)
        .FirstOrDefault(e.SourceOwner?.By?.Prefix ?? new IPNetwork(e.Packet.Source, e.Packet.IsV6 ? 128 : 32));

    private static IPAddress? Own(KernelEvidence kernel, bool isV6) => kernel.ToDestination.Route?.PreferredSource
        ?? (kernel.OutLink is { } link ? kernel.AddressOf(link, isV6 ? System.Net.Sockets.AddressFamily.InterNetworkV6 : System.Net.Sockets.AddressFamily.InterNetwork) : null);

    private static Remedy LetIn(Evidence e)
    {
        var family = e.Packet.IsV6 ? "ip6" : "ip";
        var match = e.Packet.Protocol switch { 6 => $"tcp dport {e.Packet.Port}", 17 => $"udp dport {e.Packet.Port}", 58 => "icmpv6 type echo-request", _ => "icmp type echo-request" };
        return RemedyOf.Instruction(e.Packet.Destination.ToString(), "Look at that machine's firewall and services; with Debian's nftables.conf this lets the tunnel in.",
            $"nft insert rule inet filter input {family} saddr {BackPrefix(e)} {match} accept");
    }

    private static IEnumerable<HopEvidence> Checked(Evidence e)
    {
        if (e.Traffic.Same is { } same)
            yield return Fact.Of("flows", $"{same.Asked} packets went there, {same.Answered} came back; the last went {Fact.Ago(e.Now - same.LastAsked)} ago", ("asked", Fact.Number(same.Asked)), ("answered", Fact.Number(same.Answered)));
        if (e.HostCheck is { } check)
        {
            yield return Fact.Of("own-packets", $"asked by the gateway itself: ping {Word(check.Echo)}{(check.Port is null ? "" : $", TCP {e.Packet.Port} {Word(check.Port)}")}{(check.Problem is null ? "" : $" ({check.Problem})")}",
                ("echo", check.Echo?.ToString() ?? "unknown"), ("port", check.Port?.ToString() ?? "unknown"));
        }
    }

    private static string Word(bool? answered) => answered switch { true => "answered", false => "not answered", null => "could not be asked" };
}
