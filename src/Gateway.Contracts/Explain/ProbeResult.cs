namespace Gateway.Contracts;

/// <summary>What became of a real packet, sent as the peer would send it.</summary>
public sealed record ProbeResult
{
    /// <summary>The packet.</summary>
    public required ExplainedPacket Packet { get; init; }

    /// <summary><c>answered</c>, <c>refused</c> (somebody said no: an ICMP error, or TCP's reset), or <c>lost</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>One sentence: what came back, or where it died.</summary>
    public required string Summary { get; init; }

    /// <summary>From the gateway's tunnel device to the destination and back; null where nothing came back.</summary>
    public double? Milliseconds { get; init; }

    /// <summary>The hop where it died: one of <see cref="HopIds"/>; null where it was answered, and where that could not be told.</summary>
    public string? DiedAt { get; init; }

    /// <summary>How that is known: see <see cref="Bases"/>.</summary>
    public string? Basis { get; init; }

    /// <summary>What was seen of it on the way, in order; and what could not be looked at, with the privilege that it needs.</summary>
    public required IReadOnlyList<HopEvidence> Observations { get; init; }

    /// <summary>The explanation, with this packet in its evidence.</summary>
    public required Explanation Explanation { get; init; }
}

/// <summary>Values of a probe's outcome.</summary>
public static class ProbeOutcomes
{
    /// <summary>The destination answered.</summary>
    public const string Answered = "answered";
    /// <summary>Somebody said no.</summary>
    public const string Refused = "refused";
    /// <summary>Nothing came back in time.</summary>
    public const string Lost = "lost";
}
