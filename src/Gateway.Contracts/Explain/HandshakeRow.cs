namespace Gateway.Contracts;

/// <summary>How handshakes go, in words: of an outer address whose messages were refused, or of a peer whose handshakes lead to nothing.</summary>
public sealed record HandshakeRow
{
    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>The outer address that they come from; null in a peer's row.</summary>
    public string? Source { get; init; }

    /// <summary>The peer; null where the messages do not say which.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>What it means, in a sentence or two.</summary>
    public required string Text { get; init; }

    /// <summary>What to do about it; null = nothing.</summary>
    public string? Remedy { get; init; }

    /// <summary>How many messages came to which end.</summary>
    public required IReadOnlyDictionary<string, long> Counts { get; init; }

    /// <summary>When the last message came or was answered; null = not known.</summary>
    public DateTimeOffset? LastAt { get; init; }
}
