using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Live.Filters;

namespace Gateway.Components.Controls;

/// <summary>Writes what picks out the packets of one conversation, in tcpdump's language (pcap-filter(7)).</summary>
internal static class Conversation
{
    /// <summary>What picks a peer's own rows out of flows, drops and events, in the filter language of docs/live.md.</summary>
    public static string Of(PeerResponse peer) => FilterText.And(null, ("tunnel", "=", peer.Tunnel), ("peer", "=", peer.Name))!;

    public static string Filter(FlowRow flow) => Filter(flow.Protocol, flow.Source, flow.SourcePort, flow.Destination, flow.DestinationPort);

    public static string Filter(string protocol, string source, int sourcePort, string destination, int destinationPort)
    {
        var family = source.Contains(':', StringComparison.Ordinal) ? "ip6" : "ip";
        var hosts = $"host {source} and host {destination}";
        return protocol switch
        {
            "tcp" or "udp" or "sctp" => $"{protocol} and {hosts} and port {sourcePort} and port {destinationPort}",
            "icmp" or "icmp6" => $"{protocol} and {hosts}",
            _ when byte.TryParse(protocol, out var number) => $"{family} proto {number} and {hosts}",
            _ => hosts,
        };
    }
}
