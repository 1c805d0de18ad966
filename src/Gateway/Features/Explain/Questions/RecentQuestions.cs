using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Drops;
using Gateway.Engine.Flows;
using Gateway.Features.Packets.Reading;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Explain.Questions;

/// <summary>How a conversation went, from what was seen of it.</summary>
internal enum QuestionState
{
    /// <summary>Asked, and nothing came back.</summary>
    Unanswered,
    /// <summary>Dropped here.</summary>
    Dropped,
    /// <summary>Both sides spoke.</summary>
    Answered,
}

/// <summary>Something that a peer tried of late, as what is asked to explain it.</summary>
internal sealed record RecentQuestion(ExplainRequest Request, QuestionState State, DateTimeOffset LastSeen);

/// <summary>What a person would most likely want explained of a peer: what it tried of late, what stays without an answer first.</summary>
internal sealed class RecentQuestions(IDbContextFactory<GatewayDbContext> contexts, Caller caller, DataPlane dataPlane)
{
    private const int Most = 8;

    public async Task<Outcome<IReadOnlyList<RecentQuestion>>> FindAsync(string named, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        var errors = new RuleErrors();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await PeerFinder.FindAsync(db, named, errors, cancellationToken) is not { } peer) return errors.ToFailure();
        var index = dataPlane.GetPeerNames(peer.TunnelId).FirstOrDefault(name => name.Id == peer.Id, new PeerName(-1, peer.Id, "")).Index;
        if (index < 0) return Outcome.Of<IReadOnlyList<RecentQuestion>>([]);
        var name = $"{peer.Tunnel!.Name}/{peer.Name}";
        var flows = dataPlane.GetFlows(peer.TunnelId).Where(flow => flow.PeerIndex == index && flow.IsStartedByPeer).Select(flow => Of(name, flow));
        var drops = dataPlane.GetDrops(peer.TunnelId).Drops.Where(drop => drop.PeerIndex == index && !drop.IsEthernet).Select(drop => Of(name, drop));
        return Outcome.Of<IReadOnlyList<RecentQuestion>>([.. flows.Concat(drops).OfType<RecentQuestion>().GroupBy(question => question.Request)
            .Select(same => same.MaxBy(question => question.LastSeen)!).OrderBy(question => question.State).ThenByDescending(question => question.LastSeen).Take(Most)]);
    }

    /// <summary>The packet of a line of the drop ledger, as the peer's side of it; null where its headers do not tell.</summary>
    public static ExplainRequest? Of(string peer, string way, byte[]? sample)
    {
        var facts = PacketFacts.Read(sample ?? [], isEthernet: false);
        if (facts is not { Source: { } source, Destination: { } destination }) return null;
        // What is dropped on the way to the peer is the answer of a conversation with it.
        return way == "out" ? Ask(peer, destination.Address, source.Address, facts.Protocol, facts.SourcePort) : Ask(peer, source.Address, destination.Address, facts.Protocol, facts.DestinationPort);
    }

    private RecentQuestion? Of(string peer, FlowRecord flow) =>
        Ask(peer, flow.PeerAddress, flow.OtherAddress, Features.Flows.ServiceNames.Protocol(flow.Protocol), flow.OtherPort) is not { } request ? null
            : new RecentQuestion(request, flow.PacketsToPeer == 0 && flow.PacketsFromPeer > 1 ? QuestionState.Unanswered : QuestionState.Answered, dataPlane.ToUtc(flow.LastSeen));

    private RecentQuestion? Of(string peer, DropRecord drop) =>
        Of(peer, drop.Way == DropWay.Out ? "out" : "in", drop.Sample.ToArray()) is not { } request ? null : new RecentQuestion(request, QuestionState.Dropped, dataPlane.ToUtc(drop.LastSeen));

    private static ExplainRequest? Ask(string peer, InetAddress source, InetAddress destination, string? protocol, int port)
    {
        if (!IsHost(destination) || !IsHost(source)) return null;
        return protocol switch
        {
            "tcp" or "udp" when port is > 0 => new ExplainRequest { Peer = peer, Source = source.ToString(), Destination = destination.ToString(), Protocol = protocol, Port = port },
            "icmp" or "icmp6" => new ExplainRequest { Peer = peer, Source = source.ToString(), Destination = destination.ToString(), Protocol = ExplainProtocols.Icmp },
            _ => null,
        };
    }

    private static bool IsHost(InetAddress address)
    {
        var ip = address.ToIPAddress();
        var bytes = ip.GetAddressBytes();
        return bytes.Length == 4 ? bytes[0] is > 0 and < 224 && !ip.Equals(IPAddress.Broadcast) : !ip.IsIPv6Multicast && !ip.IsIPv6LinkLocal && !ip.Equals(IPAddress.IPv6Any);
    }
}
