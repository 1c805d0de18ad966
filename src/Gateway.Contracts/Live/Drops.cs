namespace Gateway.Contracts.Live;

/// <summary>Which drops, and in which order.</summary>
public sealed record DropsQuery
{
    /// <summary>A filter expression, see docs/live.md: <c>peer=alice reason~"not allowed"</c>; null or empty = all.</summary>
    public string? Filter { get; init; }

    /// <summary>What to sort by, <c>-</c> before it for the largest first; see <see cref="DropSort"/>. Left out: <c>-last</c>.</summary>
    public string? Sort { get; init; }

    /// <summary>The most rows to be sent, 1 to 1000. Left out: 200.</summary>
    public int? Limit { get; init; }
}

/// <summary>What drops can be sorted by.</summary>
public static class DropSort
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = ["last", "first", "packets", "rate", "peer", "dst", "reason"];
}

/// <summary>The first lines of the drop ledger as they are; at most 4 a second.</summary>
public sealed record DropsUpdate
{
    /// <summary>When it was so.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The first ones in the order asked for.</summary>
    public required IReadOnlyList<DropRow> Drops { get; init; }

    /// <summary>How many lines match the filter.</summary>
    public required int Matching { get; init; }

    /// <summary>How many lines there are.</summary>
    public required int Total { get; init; }

    /// <summary>Lines that had to leave since the start because the ledger of a tunnel was full.</summary>
    public required long Evicted { get; init; }

    /// <summary>Updates that this watcher was too slow for since the one before. Nothing is missing: each update is the whole.</summary>
    public long Skipped { get; init; }
}

/// <summary>Packets of one peer to one network, not passed on for one reason.</summary>
public sealed record DropRow
{
    /// <summary>The same for as long as the line is kept.</summary>
    public required string Id { get; init; }

    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>The peer; null = not known.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>The network that the packets were for, a /24 or a /64; null where none could be read.</summary>
    public string? Destination { get; init; }

    /// <summary>Why, in words: "source not allowed".</summary>
    public required string Reason { get; init; }

    /// <summary>Where: <c>out</c> (to the peer), <c>in</c> (from the peer) or <c>handshake</c>.</summary>
    public required string Way { get; init; }

    /// <summary>How many since the line was begun.</summary>
    public required long Packets { get; init; }

    /// <summary>How many a second now.</summary>
    public double Rate { get; init; }

    /// <summary>When the first was dropped.</summary>
    public required DateTimeOffset FirstSeen { get; init; }

    /// <summary>When the last was dropped.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>The headers of one of them; null where there is none to show.</summary>
    public PacketSample? Sample { get; init; }
}

/// <summary>The headers of one packet.</summary>
/// <param name="Summary">One line, as tcpdump prints it.</param>
/// <param name="Data">The headers' bytes.</param>
/// <param name="Bytes">How long the packet was.</param>
public sealed record PacketSample(string Summary, byte[] Data, int Bytes);
