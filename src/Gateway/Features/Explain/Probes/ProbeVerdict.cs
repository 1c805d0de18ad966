using Gateway.Contracts;

namespace Gateway.Features.Explain.Probes;

/// <summary>Where a probe died: by what was seen of it, and where nothing was, by the explanation.</summary>
internal static class ProbeVerdict
{
    public static (string? DiedAt, string Basis, string Reason) Judge(Sight sight, Explanation explanation)
    {
        if (sight.Dropped is { } dropped)
            return (sight.AnswerDropped ? HopIds.AnswerFirewall : HopIds.Firewall, Bases.Observed, $"A firewall rule of the gateway's host dropped {(sight.AnswerDropped ? "the answer" : "it")}: {dropped}");
        if (sight.CameBack == true) return ByExplanation(explanation, answer: true) ?? (null, Bases.Observed, "An answer arrived at the gateway, and did not get into the tunnel.");
        // Of all traffic, so only where the explanation says the same.
        if (sight.Left != true && (sight.Counters.ContainsKey("TcpExt.IPReversePathFilter") || sight.Reasons.ContainsKey("IP_RPFILTER")) && explanation.Culprit == HopIds.ReversePath)
            return (HopIds.ReversePath, Bases.Observed, Reason(explanation, HopIds.ReversePath));
        if (sight.Left == true)
        {
            return ByExplanation(explanation, answer: false, HopIds.NextHop, HopIds.Mtu, HopIds.DestinationHost, HopIds.WayBack)
                ?? (HopIds.DestinationHost, Bases.Inferred, "It left the gateway, and nothing came back: the destination does not answer, or has no way back.");
        }

        return explanation.Culprit is { } culprit ? (culprit, explanation.Hops.First(h => h.Id == culprit).Basis, Reason(explanation, culprit)) : (null, Bases.Inferred, "Nothing came back, and nothing that can be seen from here stopped it.");
    }

    private static (string?, string, string)? ByExplanation(Explanation explanation, bool answer, params string[] among)
    {
        var hop = explanation.Hops.FirstOrDefault(h => h.Verdict == Verdicts.Drops && (answer ? h.Direction == "answer" : among.Contains(h.Id)))
            ?? explanation.Hops.FirstOrDefault(h => h.Id == explanation.Culprit && among.Contains(h.Id));
        return hop is null ? null : (hop.Id, hop.Basis, hop.Reason);
    }

    private static string Reason(Explanation explanation, string id) => explanation.Hops.First(h => h.Id == id).Reason;
}
