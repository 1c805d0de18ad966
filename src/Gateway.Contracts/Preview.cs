namespace Gateway.Contracts;

/// <summary>Traffic of the last hour that a change would stop, or let through: told from the rules, not from packets that were sent.</summary>
public sealed record FlowForecast
{
    /// <summary>How many conversations: peer, its address, the other address, protocol and port.</summary>
    public required int Flows { get; init; }

    /// <summary>Their packets in the last hour.</summary>
    public required long Packets { get; init; }

    /// <summary>The largest of them, at most 20.</summary>
    public required IReadOnlyList<ForecastFlow> Largest { get; init; }
}

/// <summary>One conversation that would stop, or pass.</summary>
public sealed record ForecastFlow
{
    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>The peer; null = it belongs to none.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>Who began it, an address.</summary>
    public required string Source { get; init; }

    /// <summary>With whom, an address; a network where there were too many to keep each.</summary>
    public required string Destination { get; init; }

    /// <summary>tcp, udp, icmp, icmp6; else the protocol's number.</summary>
    public required string Protocol { get; init; }

    /// <summary>The destination's port; null = none.</summary>
    public int? Port { get; init; }

    /// <summary>Packets in the last hour, both ways, dropped ones too.</summary>
    public required long Packets { get; init; }

    /// <summary>Bytes in the last hour, of those that passed.</summary>
    public required long Bytes { get; init; }

    /// <summary>When it was last seen.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>One sentence: who, where, and why it would stop or pass.</summary>
    public required string Text { get; init; }
}
