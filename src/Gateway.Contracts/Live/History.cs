namespace Gateway.Contracts.Live;

/// <summary>What passed over time.</summary>
public sealed record HistoryResponse
{
    /// <summary>The tunnel's name; null = of all tunnels, or of a peer.</summary>
    public string? Tunnel { get; init; }

    /// <summary>The peer; null = of a tunnel, or of all.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>How long each point is: see <see cref="HistorySteps"/>.</summary>
    public required string Step { get; init; }

    /// <summary>The start of the first period asked for.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>The end of the last period asked for.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Periods in which something passed, oldest first; in all others nothing did.</summary>
    public required IReadOnlyList<HistoryPoint> Points { get; init; }
}

/// <summary>What passed in one period.</summary>
/// <param name="At">Its start.</param>
/// <param name="ReceivedBytes">UDP payload bytes from the peers, as wg counts them.</param>
/// <param name="SentBytes">UDP payload bytes to the peers.</param>
/// <param name="ReceivedPackets">Inner packets passed from the peers.</param>
/// <param name="SentPackets">Inner packets passed to the peers.</param>
/// <param name="Drops">Packets not passed on.</param>
public sealed record HistoryPoint(DateTimeOffset At, long ReceivedBytes, long SentBytes, long ReceivedPackets, long SentPackets, long Drops);

/// <summary>Values of <see cref="HistoryResponse.Step"/>.</summary>
public static class HistorySteps
{
    /// <summary>Kept for 48 hours.</summary>
    public const string Minute = "minute";
    /// <summary>Kept for 35 days.</summary>
    public const string Hour = "hour";
    /// <summary>Kept for two years.</summary>
    public const string Day = "day";
}
