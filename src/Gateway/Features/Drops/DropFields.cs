using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Live.Filters;

namespace Gateway.Features.Drops;

/// <summary>What can be asked of drops: the filter's fields and the sort keys.</summary>
internal static class DropFields
{
    private static readonly string[] s_reasons = [.. Enum.GetValues<DropReason>().Select(DropReasons.Describe)];

    /// <summary>A word alone is an address or a network, or a part of the reason or of a peer's or tunnel's name.</summary>
    public static FilterLanguage<DropAt> Language { get; } = new(
        [
            FilterFields.Text<DropAt>("peer", "the peer's name", at => at.Row.Peer),
            FilterFields.Text<DropAt>("tunnel", "the tunnel's name", at => at.Row.Tunnel),
            FilterFields.Text<DropAt>("reason", "why", at => at.Row.Reason, [.. s_reasons.Select(reason => reason.Contains(' ', StringComparison.Ordinal) ? $"\"{reason}\"" : reason)]),
            FilterFields.Text<DropAt>("way", "where on its way: out, in or handshake", at => at.Row.Way, "out", "in", "handshake"),
            FilterFields.Address<DropAt>("dst", "the network that they were for", at => (at.Destination, null)),
            FilterFields.Address<DropAt>("src", "the sample's source", at => (at.Source, null)),
            FilterFields.Text<DropAt>("proto", "the sample's protocol", at => at.Protocol, Flows.ServiceNames.Protocols),
            FilterFields.Port<DropAt>("port", "either port of the sample", at => (at.SourcePort, at.DestinationPort)),
            FilterFields.Number<DropAt>("packets", "how many", FilterUnit.None, at => at.Row.Packets),
            FilterFields.Number<DropAt>("rate", "how many a second", FilterUnit.None, at => at.Row.Rate),
            FilterFields.Number<DropAt>("last", "time since the last one", FilterUnit.Time, at => (at.Now - at.Row.LastSeen).TotalSeconds),
            FilterFields.Number<DropAt>("first", "time since the first one", FilterUnit.Time, at => (at.Now - at.Row.FirstSeen).TotalSeconds),
        ],
        Alone);

    /// <summary>Sort keys, smallest first.</summary>
    public static Comparison<DropRow>? Order(string key) => key switch
    {
        "last" => (a, b) => a.LastSeen.CompareTo(b.LastSeen),
        "first" => (a, b) => a.FirstSeen.CompareTo(b.FirstSeen),
        "packets" => (a, b) => a.Packets.CompareTo(b.Packets),
        "rate" => (a, b) => a.Rate.CompareTo(b.Rate),
        "peer" => (a, b) => string.Compare(a.Peer, b.Peer, StringComparison.OrdinalIgnoreCase),
        "dst" => (a, b) => string.CompareOrdinal(a.Destination, b.Destination),
        "reason" => (a, b) => string.CompareOrdinal(a.Reason, b.Reason),
        _ => null,
    };

    private static Func<DropAt, bool>? Alone(string word)
    {
        if (FilterNetwork.TryParse(word, out var network)) return at => (at.Destination?.Overlaps(network) ?? false) || (at.Source?.Overlaps(network) ?? false);
        return at => Has(at.Row.Reason) || Has(at.Row.Peer) || Has(at.Row.Tunnel);

        bool Has(string? text) => text?.Contains(word, StringComparison.OrdinalIgnoreCase) ?? false;
    }
}

/// <summary>A line of the ledger at the time of a look.</summary>
internal readonly record struct DropAt(
    DropRow Row, FilterNetwork? Destination, FilterNetwork? Source, string? Protocol, int SourcePort, int DestinationPort, DateTimeOffset Now);
