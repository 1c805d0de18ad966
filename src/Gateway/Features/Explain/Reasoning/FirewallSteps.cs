using Gateway.Contracts;
using Gateway.Linux.Nftables;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>The host's firewall, ours in it: asked with its own rules, both ways.</summary>
internal static class FirewallSteps
{
    // A client picks one out of the ephemeral range; which, decides nothing that rules usually ask for.
    private const ushort AnyPort = 50_000;

    public static Step Request(Evidence e)
    {
        var place = Place.Request(HopIds.Firewall, "Firewall");
        if (e.Kernel is not { } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        if (kernel.Rules is not { } rules) return place.Unknown($"The firewall's rules could not be read. {kernel.RulesProblem}");
        return Walk(place, e, rules, RequestPacket(e, kernel), kernel.DestinationIsLocal ? ["ingress", "prerouting", "input"] : ["ingress", "prerouting", "forward", "postrouting"]);
    }

    public static Step Answer(Evidence e)
    {
        var place = Place.Answer(HopIds.AnswerFirewall, "Firewall, for the answer");
        if (e.Kernel is not { } kernel) return place.Unknown(e.KernelProblem ?? "The kernel could not be asked.");
        if (kernel.Rules is not { } rules) return place.Unknown($"The firewall's rules could not be read. {kernel.RulesProblem}");
        return Walk(place, e, rules, AnswerPacket(e, kernel), kernel.DestinationIsLocal ? ["output", "postrouting"] : ["ingress", "prerouting", "forward", "postrouting"]);
    }

    /// <summary>Where rules of prerouting send it elsewhere; null where they do not.</summary>
    public static Step? DestinationNat(Evidence e)
    {
        if (e.Kernel is not { DestinationNat: { } nat } kernel) return null;
        var place = Place.Request(HopIds.DestinationNat, "Translation of the destination");
        var by = FirewallWords.Describe(nat.Rule);
        var evidence = Fact.Of("nft", by, ("kind", nat.Kind), ("rule", nat.Rule.Text), ("handle", Fact.Number(nat.Rule.Handle)), ("chain", nat.Rule.Chain.ToString()));
        if (nat.Address is null) return place.Unknown($"A rule changes the destination to an address that it works out as it goes ({by}): what follows is said of {e.Packet.Destination}.", Bases.AskedKernel).Because(evidence).Suspect(1);
        var to = nat.Port == 0 ? $"{kernel.RoutedDestination}" : new System.Net.IPEndPoint(kernel.RoutedDestination, nat.Port).ToString();
        return place.Passes(Bases.AskedKernel, $"The destination becomes {to} ({by}): what follows is said of that. In the answer {e.Packet.Destination} is put back.").Because(evidence);
    }

    public static Step Nat(Evidence e)
    {
        var place = Place.Request(HopIds.Nat, "Address translation");
        if (e.Kernel is not { Rules: not null } kernel) return place.Unknown($"The rules could not be read. {e.Kernel?.RulesProblem ?? e.KernelProblem}");
        if (kernel.DestinationIsLocal) return place.Passes(Bases.AskedKernel, "The packet is for the gateway itself: its source stays as it is.");
        if (Translation(e) is not { } nat)
        {
            return place.Passes(Bases.AskedKernel, $"None: the destination sees {e.Packet.Source}, and needs a way back to it.");
        }

        var by = FirewallWords.Describe(nat.Rule);
        var evidence = Fact.Of("nft", by, ("kind", nat.Kind), ("rule", nat.Rule.Text), ("handle", Fact.Number(nat.Rule.Handle)), ("chain", nat.Rule.Chain.ToString()));
        var address = nat.Address ?? (kernel.OutLink is { } link ? kernel.AddressOf(link, e.Packet.Destination.AddressFamily) : null);
        if (nat.Kind == "snat" && nat.Address is { } fixedTo && !kernel.Addresses.Any(a => a.Address.Equals(fixedTo)))
        {
            return place.Drops(Bases.AskedKernel, $"The source becomes {fixedTo}, which is no address of this host: the destination answers to it, and nobody here takes the answer ({by}).")
                .Because(evidence).With(RemedyOf.Instruction(RemedyMachines.Gateway, "Take the rule away.", $"nft delete rule {nat.Rule.Chain} handle {nat.Rule.Handle}"));
        }

        return place.Passes(Bases.AskedKernel, $"The source becomes {address} ({nat.Kind}): the destination needs no route to {e.Packet.Source}.").Because(evidence);
    }

    /// <summary>How the request's source is changed on its way out; null = it is not, or the rules are not known.</summary>
    public static NatAction? Translation(Evidence e) => e.Kernel is { Rules: { } rules } kernel && !kernel.DestinationIsLocal
        ? FirewallEvaluator.Evaluate(rules, "postrouting", AtHook("postrouting", RequestPacket(e, kernel))).Translations.FirstOrDefault(t => t.ChangesSource) : null;

    private static Step Walk(Place place, Evidence e, Ruleset rules, FirewallPacket packet, string[] hooks)
    {
        FirewallVerdict? unsure = null, last = null;
        foreach (var hook in hooks)
        {
            var verdict = FirewallEvaluator.Evaluate(rules, hook, AtHook(hook, packet with { Mark = last?.Mark ?? packet.Mark }));
            if (verdict.Outcome is FirewallOutcome.Drop or FirewallOutcome.Reject)
            {
                return place.Drops(Bases.AskedKernel, $"It is {(verdict.Outcome == FirewallOutcome.Drop ? "dropped" : "rejected")} by {FirewallWords.Describe(verdict)}.")
                    .Because(FirewallWords.Fact(verdict)).With(Exception(e, rules, verdict, AtHook(hook, packet)));
            }

            if (verdict.Outcome == FirewallOutcome.Unknown) unsure ??= verdict;
            if (verdict.Chain is not null) last = verdict;
        }

        if (unsure is not null)
        {
            return place.Unknown($"It depends on a rule that cannot be worked out from here: {FirewallWords.Describe(unsure)} ({unsure.Reason}).", Bases.AskedKernel)
                .Because(FirewallWords.Fact(unsure)).Suspect(2);
        }

        if (rules.HasLegacyTables) return place.Unknown("nftables lets it pass. This kernel also has rules of the old iptables (iptables-legacy), which are not read here: iptables-legacy -S shows them.", Bases.AskedKernel).Suspect(1);
        return last is null ? place.Passes(Bases.AskedKernel, "No rule looks at it.") : place.Passes(Bases.AskedKernel, $"It is accepted: {FirewallWords.Describe(last)}.").Because(FirewallWords.Fact(last));
    }

    private static Remedy Exception(Evidence e, Ruleset rules, FirewallVerdict verdict, FirewallPacket packet)
    {
        if (verdict.Chain?.Name.Table == OwnTable.Name)
            return RemedyOf.Instruction(RemedyMachines.Gateway, "This is the gateway's own rule: it follows the tunnel's settings.");
        var commands = new List<string> { FirewallWords.Insert(verdict, $"{FirewallWords.Match(packet)}accept") };
        // Where a policy drops, the answer usually meets the same one.
        if (!packet.IsAnswer && verdict.Rule is null && e.Kernel is { } kernel
            && FirewallEvaluator.Evaluate(rules, verdict.Chain!.Hook!, AtHook(verdict.Chain.Hook!, AnswerPacket(e, kernel))) is { Outcome: FirewallOutcome.Drop, Rule: null } answer && answer.Chain?.Name == verdict.Chain.Name)
            commands.Add($"nft insert rule {verdict.Chain.Name} ct state established,related accept");
        return RemedyOf.Instruction(RemedyMachines.Gateway, "Put an exception before it. To keep it over a restart, write it where the host's firewall is configured.", [.. commands]);
    }

    private static ushort PortOf(Evidence e, KernelEvidence kernel) => kernel.DestinationNat is { Port: > 0 } nat ? nat.Port : e.Packet.Port;

    private static FirewallPacket RequestPacket(Evidence e, KernelEvidence kernel) => new()
    {
        Source = e.Packet.Source,
        Destination = kernel.RoutedDestination,
        Protocol = e.Packet.Protocol,
        SourcePort = e.Packet.Port == 0 ? (ushort)0 : AnyPort,
        DestinationPort = PortOf(e, kernel),
        IcmpType = e.Packet.Protocol == 58 ? (byte)128 : (byte)8,
        InputDevice = e.Tunnel.Device,
        OutputDevice = kernel.OutLink?.Name,
        Mark = kernel.Mark,
        SourceRouteDevice = kernel.Link(kernel.ToSource.Route)?.Name,
        DestinationIsLocal = kernel.DestinationIsLocal,
        IsDestinationTranslated = !kernel.RoutedDestination.Equals(e.Packet.Destination),
    };

    private static FirewallPacket AnswerPacket(Evidence e, KernelEvidence kernel) => new()
    {
        Source = kernel.RoutedDestination,
        Destination = e.Packet.Source,
        Protocol = e.Packet.Protocol,
        SourcePort = PortOf(e, kernel),
        DestinationPort = e.Packet.Port == 0 ? (ushort)0 : AnyPort,
        IcmpType = e.Packet.Protocol == 58 ? (byte)129 : (byte)0,
        InputDevice = kernel.DestinationIsLocal ? null : kernel.OutLink?.Name,
        OutputDevice = kernel.Link((kernel.Answer ?? kernel.ToSource).Route)?.Name ?? e.Tunnel.Device,
        SourceRouteDevice = kernel.OutLink?.Name,
        IsAnswer = true,
    };

    // The devices that are known at a hook (nf_hook_state).
    private static FirewallPacket AtHook(string hook, FirewallPacket packet) => hook switch
    {
        "prerouting" or "ingress" or "input" => packet with { OutputDevice = null },
        // In postrouting the input device is still known, but not to chains older than Linux 5.4.
        _ => packet,
    };
}
