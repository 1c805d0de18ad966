namespace Gateway.Contracts.Live;

/// <summary>Which flows, and in which order.</summary>
public sealed record FlowsQuery
{
    /// <summary>The most rows that one update or page has.</summary>
    public const int MaxLimit = 1000;

    /// <summary>A filter expression, see docs/live.md: <c>peer=alice proto=tcp dst in 192.168.60.0/24 and bytes &gt; 1M</c>; null or empty = all.</summary>
    public string? Filter { get; init; }

    /// <summary>What to sort by, <c>-</c> before it for the largest first; see <see cref="FlowSort"/>. Left out: <c>-rate</c>.</summary>
    public string? Sort { get; init; }

    /// <summary>The most rows to be sent, 1 to 1000. Left out: 200.</summary>
    public int? Limit { get; init; }
}

/// <summary>What flows can be sorted by.</summary>
public static class FlowSort
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = ["rate", "bytes", "packets", "age", "idle", "peer", "proto", "src", "dst", "rtt", "state"];
}

/// <summary>The first flows of a query as they are; at most 4 a second.</summary>
public sealed record FlowsUpdate
{
    /// <summary>When it was so.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The first ones in the order asked for.</summary>
    public required IReadOnlyList<FlowRow> Flows { get; init; }

    /// <summary>How many flows match the filter.</summary>
    public required int Matching { get; init; }

    /// <summary>How many flows there are.</summary>
    public required int Total { get; init; }

    /// <summary>Updates that this watcher was too slow for since the one before. Nothing is missing: each update is the whole.</summary>
    public long Skipped { get; init; }
}

/// <summary>One conversation inside a tunnel. Source is who spoke first, as far as the gateway saw.</summary>
public sealed record FlowRow
{
    /// <summary>The same for as long as the flow is kept.</summary>
    public required string Id { get; init; }

    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>The peer; null = it has left the configuration.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>tcp, udp, icmp, icmp6, …; else the protocol's number.</summary>
    public required string Protocol { get; init; }

    /// <summary>Who spoke first.</summary>
    public required string Source { get; init; }

    /// <summary>Its port; of a ping its identifier; 0 = none.</summary>
    public int SourcePort { get; init; }

    /// <summary>Whom it spoke to.</summary>
    public required string Destination { get; init; }

    /// <summary>Its port; of a ping its identifier; 0 = none.</summary>
    public int DestinationPort { get; init; }

    /// <summary>What usually answers at that port: https; null = nothing in particular.</summary>
    public string? Service { get; init; }

    /// <summary>Whether the peer's side is the source.</summary>
    public bool StartedByPeer { get; init; }

    /// <summary>IP packets from the peer.</summary>
    public long PacketsFromPeer { get; init; }

    /// <summary>IP packets to the peer.</summary>
    public long PacketsToPeer { get; init; }

    /// <summary>Bytes of IP packets from the peer, headers included.</summary>
    public long BytesFromPeer { get; init; }

    /// <summary>Bytes of IP packets to the peer, headers included.</summary>
    public long BytesToPeer { get; init; }

    /// <summary>Bytes a second from the peer.</summary>
    public double RateFromPeer { get; init; }

    /// <summary>Bytes a second to the peer.</summary>
    public double RateToPeer { get; init; }

    /// <summary>When its first packet was seen.</summary>
    public required DateTimeOffset FirstSeen { get; init; }

    /// <summary>When its last packet was seen.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>How far TCP is: <c>syn-sent</c>, <c>syn-received</c>, <c>established</c>, <c>one-way</c>, <c>closing</c>, <c>closed</c> or <c>reset</c>; null = not TCP.</summary>
    public string? State { get; init; }

    /// <summary>Milliseconds from the gateway to the peer's side and back: of TCP at its opening, of a ping at its last answer; null = not seen.</summary>
    public double? RoundTripToPeerMs { get; init; }

    /// <summary>Milliseconds from the gateway to the other side and back, likewise.</summary>
    public double? RoundTripToOtherMs { get; init; }
}
