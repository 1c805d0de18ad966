using Gateway.Contracts.Live;

namespace Gateway.Contracts;

/// <summary>The headers of a peer's last packets, frozen when something was raised about it.</summary>
public record RecordingSummary
{
    /// <summary>Its number.</summary>
    public required long Id { get; init; }

    /// <summary>When it was frozen.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The tunnel's name then.</summary>
    public required string Tunnel { get; init; }

    /// <summary>The peer.</summary>
    public required Guid PeerId { get; init; }

    /// <summary>The peer's name then.</summary>
    public required string Peer { get; init; }

    /// <summary>What was raised: see <see cref="EventKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The same in a sentence.</summary>
    public required string Text { get; init; }

    /// <summary>How many packets it holds.</summary>
    public required int Count { get; init; }
}

/// <summary>A recording with its packets.</summary>
public sealed record RecordingResponse : RecordingSummary
{
    /// <summary>The packets, the oldest first.</summary>
    public required IReadOnlyList<PacketRow> Packets { get; init; }
}
