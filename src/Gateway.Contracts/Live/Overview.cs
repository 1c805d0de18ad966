namespace Gateway.Contracts.Live;

/// <summary>The whole at a glance; at most once a second.</summary>
public sealed record OverviewUpdate
{
    /// <summary>When it was so.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What is wanted and what is applied.</summary>
    public required RevisionStatus Revision { get; init; }

    /// <summary>All tunnels, by name.</summary>
    public required IReadOnlyList<TunnelRow> Tunnels { get; init; }

    /// <summary>How many peers are in each state; see <see cref="PeerStates"/>.</summary>
    public required IReadOnlyDictionary<string, int> PeersByState { get; init; }

    /// <summary>Packets not passed on, by reason: those of the last 15 minutes, most first.</summary>
    public required IReadOnlyList<DropRate> Drops { get; init; }

    /// <summary>Throughput of all tunnels over the last 15 minutes, a point each 5 s, oldest first. Recorded whether somebody watches or not.</summary>
    public required IReadOnlyList<ThroughputPoint> Throughput { get; init; }

    /// <summary>What a person should look at.</summary>
    public required IReadOnlyList<Warning> Warnings { get; init; }

    /// <summary>Updates that this watcher was too slow for since the one before.</summary>
    public long Skipped { get; init; }
}

/// <summary>A tunnel now.</summary>
public sealed record TunnelRow
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>The device's name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it runs: <c>up</c>, <c>opening</c> or <c>failed</c>.</summary>
    public required string State { get; init; }

    /// <summary>Why it does not run; null while up.</summary>
    public string? Cause { get; init; }

    /// <summary>What to do about it; null while up.</summary>
    public string? Remedy { get; init; }

    /// <summary>How many peers it has.</summary>
    public int Peers { get; init; }

    /// <summary>UDP payload bytes from its peers since the start, as wg counts them.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>UDP payload bytes to its peers.</summary>
    public long SentBytes { get; init; }

    /// <summary>Bytes a second from its peers.</summary>
    public double ReceivedRate { get; init; }

    /// <summary>Bytes a second to its peers.</summary>
    public double SentRate { get; init; }

    /// <summary>Packets not passed on since the start.</summary>
    public long Drops { get; init; }
}

/// <summary>Packets dropped for one reason.</summary>
/// <param name="Reason">In words: "source not allowed".</param>
/// <param name="Packets">How many in the last 15 minutes.</param>
/// <param name="Rate">How many a second now.</param>
public sealed record DropRate(string Reason, long Packets, double Rate);

/// <summary>What passed in 5 s.</summary>
/// <param name="At">Their end.</param>
/// <param name="ReceivedRate">Bytes a second from peers, on average.</param>
/// <param name="SentRate">Bytes a second to peers, on average.</param>
/// <param name="DropRate">Packets a second not passed on, on average.</param>
public sealed record ThroughputPoint(DateTimeOffset At, double ReceivedRate, double SentRate, double DropRate);
