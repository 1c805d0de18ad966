using Gateway.Contracts;
using Gateway.Linux.Nftables;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>The answer's way: from the device where it arrives, through the kernel, to the peer.</summary>
internal static class AnswerSteps
{
    public static Step ReversePath(Evidence e)
    {
        var name = e.Kernel?.OutLink?.Name;
        var place = Place.Answer(HopIds.AnswerReversePath, name is null ? "Reverse-path filter, for the answer" : $"Reverse-path filter on {name}, for the answer");
        if (e.Kernel is not { } kernel || kernel.OutLink is not { } link || kernel.Answer is not { } answer) return place.Unknown("There is no device that the answer would arrive on.");
        if (kernel.DestinationIsLocal) return place.Passes(Bases.AskedKernel, "The gateway itself answers: nothing arrives from a network.");
        if (e.Packet.IsV6) return place.Passes(Bases.AskedKernel, "IPv6 has no rp_filter.");
        var filter = Reasoning.ReversePathFilter.Judge(kernel, link, kernel.ToDestination, answer);
        return (filter.Passes ? place.Passes(Bases.AskedKernel, filter.Reason(kernel.RoutedDestination)) : place.Drops(Bases.AskedKernel, filter.Reason(kernel.RoutedDestination))).Because(filter.Evidence);
    }

    public static Step Forwarding(Evidence e)
    {
        var place = Place.Answer(HopIds.AnswerForwarding, "Forwarding of the answer");
        if (e.Kernel is not { } kernel || kernel.OutLink is not { } link) return place.Unknown("There is no device that the answer would arrive on.");
        return kernel.DestinationIsLocal ? place.Passes(Bases.AskedKernel, "The gateway itself answers.") : KernelSteps.Switch(place, kernel, link.Name, e.Packet.IsV6);
    }

    public static Step Route(Evidence e)
    {
        var place = Place.Answer(HopIds.AnswerRoute, $"Route back to {e.Packet.Source}");
        if (e.Kernel is not { } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        // Refused for another reason than the route: what this host itself would do tells where the route leads.
        var answer = kernel.Answer is { Route: not null } asked ? asked : kernel.ToSource;
        var evidence = KernelSteps.Asked(kernel, answer, $"from {kernel.RoutedDestination} to {e.Packet.Source}{(kernel.OutLink is { } input && !kernel.DestinationIsLocal ? $" arriving on {input.Name}" : "")}");
        if (answer.Route is null)
        {
            if (kernel.Refusals.FirstOrDefault(r => r.Prefix.Contains(e.Packet.Source)) is { } barred)
            {
                return place.Drops(Bases.AskedKernel, $"The route {KernelSteps.TypeWord(barred.Type)} {barred.Prefix} says that nothing goes to {e.Packet.Source}.").Because(evidence)
                    .With(RemedyOf.Instruction(RemedyMachines.Gateway, "Take the route away.", $"ip {KernelSteps.Family(e.Packet.IsV6)}route del {KernelSteps.TypeWord(barred.Type)} {barred.Prefix}"));
            }

            if (!KernelSteps.MeansNoRoute(answer.Error)) return place.Unknown($"The kernel did not answer the look-up: {answer.Words}.", Bases.AskedKernel).Because(evidence);
            return place.Drops(Bases.AskedKernel, $"The gateway's kernel has no route to {e.Packet.Source}: the answer ends here.").Because(evidence).With([.. Backwards.IntoTunnel(e)]);
        }

        if (answer.Route.Type == RouteTypes.Local) return place.Drops(Bases.AskedKernel, $"{e.Packet.Source} is an address of this host itself: the answer never leaves it.").Because(evidence);
        var link = kernel.Link(answer.Route);
        if (link?.Name == e.Tunnel.Device) return place.Passes(Bases.AskedKernel, $"The kernel routes the answer into {link.Name} ({KernelSteps.EntryWords(answer)}).").Because(evidence);
        var step = place.Drops(Bases.AskedKernel, $"The kernel sends the answer out of {link?.Name ?? "another device"} ({KernelSteps.EntryWords(answer)}), not into {e.Tunnel.Device}.");
        // The main table knows better than the one that a policy rule chose.
        if (answer.Entry is { Table: not (0 or 254 or 255) } && kernel.Link(kernel.ToSource.Route)?.Name == e.Tunnel.Device)
        {
            var prefix = e.Tunnel.Networks.FirstOrDefault(n => n.Contains(e.Packet.Source), new(e.Packet.Source, e.Packet.IsV6 ? 128 : 32));
            return step.Because(evidence, Fact.Of("RTM_GETRULE", string.Join("; ", kernel.PolicyRules.Select(r => $"{r.Priority}: {(r.Source is { } from ? $"from {from} " : "")}lookup {r.Table}")), ("rules", Fact.Number(kernel.PolicyRules.Length))))
                .With(RemedyOf.Instruction(RemedyMachines.Gateway, "Let what goes into the tunnel be looked up in the main table first.", $"ip {KernelSteps.Family(e.Packet.IsV6)}rule add to {prefix} lookup main priority {Math.Max(1, kernel.PolicyRules.Min(r => r.Priority) - 1)}"));
        }

        return step.Because(evidence).With([.. Backwards.IntoTunnel(e)]);
    }

    public static Step Owner(Evidence e)
    {
        var place = Place.Answer(HopIds.AnswerOwner, $"Peer that owns {e.Packet.Source}");
        if (e.Tunnel.IsEthernet) return place.Passes(Bases.AskedEngine, "The tunnel carries Ethernet frames: the switch goes by hardware addresses.");
        if (e.SourceOwner is not { } owner) return place.Drops(Bases.AskedEngine, $"No peer owns {e.Packet.Source}: the answer is dropped as 'no peer for destination'.");
        return owner.PeerId == e.Peer.Id ? place.Passes(Bases.AskedEngine, $"{owner.Name} does.")
            : place.Drops(Bases.AskedEngine, $"{owner.Name} does, by {owner.By?.Prefix.ToString() ?? "a longer prefix"}: the answer goes there.");
    }

    public static Step Session(Evidence e)
    {
        var place = Place.Answer(HopIds.AnswerSession, "Session, for the answer");
        if (e.Peer.Endpoint is null) return place.Unknown($"Where {e.Peer.Name} is becomes known with its first datagram.", Bases.AskedEngine);
        return SessionStep.IsFresh(e) ? place.Passes(Bases.AskedEngine, "There is one.")
            : place.Unknown($"There is none of the last three minutes. The gateway starts a handshake with {e.Peer.Endpoint} when it has an answer to send.", Bases.AskedEngine);
    }

    public static Step Endpoint(Evidence e)
    {
        var place = Place.Answer(HopIds.AnswerEndpoint, $"Datagrams to {e.Peer.Name}");
        if (e.Peer.Endpoint is not { } endpoint) return place.Unknown($"Where {e.Peer.Name} is is not known yet.", Bases.AskedEngine);
        if (e.Kernel is not { ToEndpoint: { } route } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        var isV6 = endpoint.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        var evidence = KernelSteps.Asked(kernel, route, $"to {endpoint.Address}");
        if (route.Route is null)
        {
            var barred = kernel.Refusals.FirstOrDefault(r => r.Prefix.Contains(endpoint.Address));
            return place.Drops(Bases.AskedKernel, barred is null ? $"The gateway has no route to {endpoint.Address}: datagrams to {e.Peer.Name} do not leave." : $"The route {KernelSteps.TypeWord(barred.Type)} {barred.Prefix} says that nothing goes to {endpoint.Address}: datagrams to {e.Peer.Name} do not leave.")
                .Because(evidence).With(RemedyOf.Instruction(RemedyMachines.Gateway, barred is null ? "Add a route; ROUTER is the machine that leads there." : "Take the route away.",
                    barred is null ? $"ip {KernelSteps.Family(isV6)}route add {endpoint.Address} via ROUTER" : $"ip {KernelSteps.Family(isV6)}route del {KernelSteps.TypeWord(barred.Type)} {barred.Prefix}"));
        }

        var link = kernel.Link(route.Route);
        if (link?.Name == e.Tunnel.Device)
            return place.Drops(Bases.AskedKernel, $"The route to the endpoint {endpoint.Address} leads into {link.Name} itself: the tunnel's own datagrams go in circles.").Because(evidence);
        if (kernel.EndpointNextHop is { State: Linux.Netlink.NeighbourState.Failed or Linux.Netlink.NeighbourState.Incomplete } neighbour)
            return place.Drops(Bases.AskedKernel, $"{route.Route.Gateway ?? endpoint.Address} does not answer on {link?.Name}: datagrams to {e.Peer.Name} get no further.").Because(evidence, LinkSteps.Neighbour(neighbour, route.Route.Gateway ?? endpoint.Address, link?.Name ?? ""));
        if (OuterFirewall(e, kernel, place, link?.Name) is { } blocked) return blocked;
        return place.Passes(Bases.AskedKernel, $"Datagrams to {endpoint} leave by {link?.Name}.").Because(evidence);
    }

    private static Step? OuterFirewall(Evidence e, KernelEvidence kernel, Place place, string? device)
    {
        if (kernel.Rules is not { } rules || e.Peer.Endpoint is not { } endpoint) return null;
        var packet = new FirewallPacket
        {
            Source = kernel.ToEndpoint?.Route?.PreferredSource ?? System.Net.IPAddress.Any,
            Destination = endpoint.Address,
            Protocol = 17,
            SourcePort = (ushort)e.Tunnel.ListenPort,
            DestinationPort = (ushort)endpoint.Port,
            OutputDevice = device,
            Length = 176,
            IsAnswer = true,
        };
        foreach (var hook in (string[])["output", "postrouting"])
        {
            var verdict = FirewallEvaluator.Evaluate(rules, hook, packet);
            if (verdict.Outcome is not (FirewallOutcome.Drop or FirewallOutcome.Reject)) continue;
            return place.Drops(Bases.AskedKernel, $"A firewall rule on the gateway drops the datagrams to {endpoint}: {FirewallWords.Describe(verdict)}.").Because(FirewallWords.Fact(verdict))
                .With(RemedyOf.Instruction(RemedyMachines.Gateway, "Let the tunnel's datagrams out.", FirewallWords.Insert(verdict, $"udp sport {e.Tunnel.ListenPort} accept")));
        }

        return null;
    }
}
