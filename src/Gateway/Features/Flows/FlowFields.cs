using Gateway.Contracts.Live;
using Gateway.Live.Filters;

namespace Gateway.Features.Flows;

/// <summary>What can be asked of flows: the filter's fields and the sort keys.</summary>
internal static class FlowFields
{
    /// <summary>A word alone is an address, a network, a protocol, a port, or a part of a peer's, tunnel's or service's name.</summary>
    public static FilterLanguage<FlowAt> Language { get; } = new(
        [
            FilterFields.Text<FlowAt>("peer", "the peer's name", at => at.Row.Peer),
            FilterFields.Text<FlowAt>("tunnel", "the tunnel's name", at => at.Row.Tunnel),
            FilterFields.Text<FlowAt>("proto", "the protocol", at => at.Row.Protocol, ServiceNames.Protocols),
            FilterFields.Address<FlowAt>("src", "the address that spoke first", at => (at.Flow.Source, null)),
            FilterFields.Address<FlowAt>("dst", "the address that it spoke to", at => (at.Flow.Destination, null)),
            FilterFields.Address<FlowAt>("addr", "either address", at => (at.Flow.Source, at.Flow.Destination)),
            FilterFields.Port<FlowAt>("sport", "the port of the one who spoke first", at => (at.Row.SourcePort, at.Row.SourcePort)),
            FilterFields.Port<FlowAt>("dport", "the port that it spoke to", at => (at.Row.DestinationPort, at.Row.DestinationPort)),
            FilterFields.Port<FlowAt>("port", "either port", at => (at.Row.SourcePort, at.Row.DestinationPort)),
            FilterFields.Text<FlowAt>("service", "what usually answers there", at => at.Row.Service, "dns", "http", "https", "ssh", "smb", "rdp"),
            FilterFields.Text<FlowAt>("state", "how far TCP is", at => at.Row.State, "syn-sent", "syn-received", "established", "one-way", "closing", "closed", "reset"),
            FilterFields.Text<FlowAt>("by", "who spoke first: peer or other", at => at.Row.StartedByPeer ? "peer" : "other", "peer", "other"),
            FilterFields.Number<FlowAt>("bytes", "bytes in both directions", FilterUnit.Bytes, at => Bytes(at.Row)),
            FilterFields.Number<FlowAt>("received", "bytes from the peer", FilterUnit.Bytes, at => at.Row.BytesFromPeer),
            FilterFields.Number<FlowAt>("sent", "bytes to the peer", FilterUnit.Bytes, at => at.Row.BytesToPeer),
            FilterFields.Number<FlowAt>("packets", "packets in both directions", FilterUnit.None, at => Packets(at.Row)),
            FilterFields.Number<FlowAt>("rate", "bytes a second in both directions", FilterUnit.Bytes, at => Rate(at.Row)),
            FilterFields.Number<FlowAt>("age", "time since its first packet", FilterUnit.Time, at => (at.Now - at.Row.FirstSeen).TotalSeconds),
            FilterFields.Number<FlowAt>("idle", "time since its last packet", FilterUnit.Time, at => (at.Now - at.Row.LastSeen).TotalSeconds),
            FilterFields.Number<FlowAt>("rtt", "round trip, both sides together", FilterUnit.Time, at => RoundTripMs(at.Row) / 1000),
        ],
        Alone);

    /// <summary>Sort keys, smallest first.</summary>
    public static Comparison<FlowRow>? Order(string key) => key switch
    {
        "rate" => (a, b) => Rate(a).CompareTo(Rate(b)),
        "bytes" => (a, b) => Bytes(a).CompareTo(Bytes(b)),
        "packets" => (a, b) => Packets(a).CompareTo(Packets(b)),
        "age" => (a, b) => b.FirstSeen.CompareTo(a.FirstSeen),
        "idle" => (a, b) => b.LastSeen.CompareTo(a.LastSeen),
        "peer" => (a, b) => string.Compare(a.Peer, b.Peer, StringComparison.OrdinalIgnoreCase),
        "proto" => (a, b) => string.CompareOrdinal(a.Protocol, b.Protocol),
        "src" => (a, b) => string.CompareOrdinal(a.Source, b.Source),
        "dst" => (a, b) => string.CompareOrdinal(a.Destination, b.Destination),
        "rtt" => (a, b) => Nullable.Compare(RoundTripMs(a), RoundTripMs(b)),
        "state" => (a, b) => string.CompareOrdinal(a.State, b.State),
        _ => null,
    };

    private static Func<FlowAt, bool>? Alone(string word)
    {
        if (FilterNetwork.TryParse(word, out var network)) return at => at.Flow.Source.Overlaps(network) || at.Flow.Destination.Overlaps(network);
        if (ServiceNames.Protocols.FirstOrDefault(name => name.Equals(word, StringComparison.OrdinalIgnoreCase)) is { } protocol) return at => at.Row.Protocol == protocol;
        if (ushort.TryParse(word, System.Globalization.CultureInfo.InvariantCulture, out var port)) return at => at.Row.SourcePort == port || at.Row.DestinationPort == port;
        return at => Has(at.Row.Peer) || Has(at.Row.Service) || Has(at.Row.Tunnel) || Has(at.Row.State);

        bool Has(string? text) => text?.Contains(word, StringComparison.OrdinalIgnoreCase) ?? false;
    }

    private static long Bytes(FlowRow row) => row.BytesFromPeer + row.BytesToPeer;

    private static long Packets(FlowRow row) => row.PacketsFromPeer + row.PacketsToPeer;

    private static double Rate(FlowRow row) => row.RateFromPeer + row.RateToPeer;

    private static double? RoundTripMs(FlowRow row) => row.RoundTripToPeerMs is null && row.RoundTripToOtherMs is null ? null : (row.RoundTripToPeerMs ?? 0) + (row.RoundTripToOtherMs ?? 0);
}

/// <summary>A flow at the time of a look.</summary>
internal readonly record struct FlowAt(LiveFlow Flow, FlowRow Row, DateTimeOffset Now);
