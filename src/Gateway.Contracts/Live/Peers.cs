namespace Gateway.Contracts.Live;

/// <summary>The peers as they are, or what changed of them; at most 4 a second.</summary>
public sealed record PeersUpdate
{
    /// <summary>When it was so.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether these are all peers; else those that changed since the update before.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>All peers, or those that are new or changed.</summary>
    public required IReadOnlyList<PeerRow> Peers { get; init; }

    /// <summary>Who has left since the update before.</summary>
    public IReadOnlyList<Guid> Removed { get; init; } = [];

    /// <summary>Updates that this watcher was too slow for since the one before. Nothing is missing: what changed in them is in this one.</summary>
    public long Skipped { get; init; }
}

/// <summary>How a peer does now.</summary>
public sealed record PeerRow
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>What it did in the last 180 s; see <see cref="PeerStates"/>.</summary>
    public required string State { get; init; }

    /// <summary>Where its datagrams go now; null = not known.</summary>
    public string? Endpoint { get; init; }

    /// <summary>When the last session was made.</summary>
    public DateTimeOffset? LastHandshake { get; init; }

    /// <summary>When data last came from it.</summary>
    public DateTimeOffset? LastReceived { get; init; }

    /// <summary>When data last went to it.</summary>
    public DateTimeOffset? LastSent { get; init; }

    /// <summary>UDP payload bytes from it since the start, as wg counts them.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>UDP payload bytes to it.</summary>
    public long SentBytes { get; init; }

    /// <summary>Bytes a second from it.</summary>
    public double ReceivedRate { get; init; }

    /// <summary>Bytes a second to it.</summary>
    public double SentRate { get; init; }

    /// <summary>Inner packets passed from it.</summary>
    public long ReceivedPackets { get; init; }

    /// <summary>Inner packets passed to it.</summary>
    public long SentPackets { get; init; }

    /// <summary>Its packets not passed on since the start.</summary>
    public long Drops { get; init; }
}
