using Gateway.Contracts;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>
/// Goes the packet's way and its answer's through the evidence, hop by hop in order, and names the hop to look at: the first that drops the packet;
/// where none does for certain, the one that the evidence points at most.
/// </summary>
internal static class Reasoner
{
    public static Explanation Explain(Evidence e)
    {
        Step?[] all =
        [
            // The request.
            ClientSteps.ClientRoute(e), SessionStep.Explain(e), ClientSteps.Source(e), ClientSteps.Destination(e),
            KernelSteps.TunnelDevice(e), FirewallSteps.DestinationNat(e), KernelSteps.ReversePath(e), KernelSteps.Forwarding(e), KernelSteps.Route(e),
            FirewallSteps.Request(e), FirewallSteps.Nat(e), KernelSteps.OutDevice(e), KernelSteps.DestinationPeer(e),
            LinkSteps.Mtu(e), LinkSteps.NextHop(e), HostSteps.Host(e),
            // The answer.
            HostSteps.WayBack(e), AnswerSteps.ReversePath(e), AnswerSteps.Forwarding(e), AnswerSteps.Route(e), FirewallSteps.Answer(e),
            AnswerSteps.Owner(e), AnswerSteps.Session(e), AnswerSteps.Endpoint(e),
        ];
        var steps = all.OfType<Step>().ToList();
        var answered = e.Traffic.Same is { LastAnswered: not null } same && same.IsRecent(e.Now) && !same.IsUnanswered(e.Now);
        var dropping = steps.FirstOrDefault(step => step.Drops);
        var culprit = dropping ?? (answered ? null : steps.Where(step => step.Suspicion > 0).MaxBy(step => step.Suspicion));
        return new Explanation
        {
            Packet = new ExplainedPacket(e.Peer.Id, e.Peer.Name, e.Tunnel.Name, e.Packet.Source.ToString(), e.Packet.Destination.ToString(),
                e.Packet.Protocol switch { 6 => ExplainProtocols.Tcp, 17 => ExplainProtocols.Udp, _ => ExplainProtocols.Icmp }, e.Packet.Port == 0 ? null : e.Packet.Port),
            Verdict = dropping is not null ? Verdicts.Drops : answered ? Verdicts.Passes : Verdicts.Unknown,
            Culprit = culprit?.Hop.Id,
            Summary = Summarise(e, dropping, culprit, answered),
            Hops = [.. steps.Select(step => step.Hop)],
            At = e.Now,
        };
    }

    private static string Summarise(Evidence e, Step? dropping, Step? culprit, bool answered)
    {
        var what = e.Packet.Protocol is 6 or 17 ? $"{e.Packet.Words} from {e.Packet.Source} to {e.Packet.Destination}" : $"A ping from {e.Packet.Source} to {e.Packet.Destination}";
        if (dropping is not null) return $"{what} {(dropping.Hop.Direction == "request" ? "is not passed on" : "is passed on, and the answer is lost")}: {dropping.Hop.Reason}";
        if (answered) return $"{what} passes and is answered.";
        return culprit is not null ? $"Nothing on the gateway stops it. {culprit.Hop.Reason}"
            : $"Nothing on the gateway stops it. Whether {e.Packet.Destination} answers is not known, as no such packet was seen of late: send a probe.";
    }
}
