using System.Globalization;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Features.Explain.Questions;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Components.Controls;

/// <summary>Leads to the Explain page with everything filled in.</summary>
internal static class ExplainLink
{
    /// <summary>A packet.</summary>
    public static string Of(ExplainRequest request) => QueryHelpers.AddQueryString("/explain", new Dictionary<string, string?>
    {
        ["peer"] = request.Peer,
        ["source"] = request.Source,
        ["destination"] = request.Destination,
        ["protocol"] = request.Protocol,
        ["port"] = request.Port?.ToString(CultureInfo.InvariantCulture),
    }.Where(pair => pair.Value is not null));

    /// <summary>A peer: the page looks itself for what it tried of late.</summary>
    public static string Of(string tunnel, string peer) => Of(new ExplainRequest { Peer = $"{tunnel}/{peer}" });

    /// <summary>A conversation that the peer began; null = it began none that can be explained.</summary>
    public static string? Of(FlowRow flow)
    {
        var isEcho = flow.Protocol is "icmp" or "icmp6";
        if (flow.Peer is null || !flow.StartedByPeer || !(isEcho || flow.Protocol is ExplainProtocols.Tcp or ExplainProtocols.Udp)) return null;
        return Of(new ExplainRequest
        {
            Peer = $"{flow.Tunnel}/{flow.Peer}",
            Source = flow.Source,
            Destination = flow.Destination,
            Protocol = isEcho ? ExplainProtocols.Icmp : flow.Protocol,
            Port = isEcho ? null : flow.DestinationPort,
        });
    }

    /// <summary>A line of the drop ledger; null = nobody's.</summary>
    public static string? Of(DropRow drop) => drop.Peer is null ? null
        : RecentQuestions.Of($"{drop.Tunnel}/{drop.Peer}", drop.Way, drop.Sample?.Data) is { } request ? Of(request) : Of(drop.Tunnel, drop.Peer);

    /// <summary>What an event is about; null = nothing that a packet could explain.</summary>
    public static string? Of(EventRow happened)
    {
        if (happened.Peer is not { } peer || happened.Tunnel is not { } tunnel) return null;
        var evidence = happened.Evidence;
        if (evidence.GetValueOrDefault("destination") is not { } destination)
            return happened.Kind is EventKinds.PresharedKey or EventKinds.OldTimestamp or EventKinds.EndpointFlapping ? Of(tunnel, peer) : null;
        return Of(new ExplainRequest
        {
            Peer = $"{tunnel}/{peer}",
            Source = evidence.GetValueOrDefault("source"),
            Destination = destination,
            Protocol = evidence.GetValueOrDefault("protocol"),
            Port = int.TryParse(evidence.GetValueOrDefault("port"), CultureInfo.InvariantCulture, out var port) ? port : null,
        });
    }
}
