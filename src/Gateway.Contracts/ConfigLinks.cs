namespace Gateway.Contracts;

/// <summary>The body that makes a one-time link to a peer's config.</summary>
public sealed record ConfigLinkSettings
{
    /// <summary>How long it can be used, seconds; default 86400 (a day), 2592000 (30 days) at most.</summary>
    public int? ExpiresInSeconds { get; init; }
}

/// <summary>A link by which somebody without an account takes a peer's config, once.</summary>
public sealed record ConfigLinkResponse
{
    /// <summary>Identifies it for good; not the secret.</summary>
    public required Guid Id { get; init; }

    /// <summary>Whose config it gives.</summary>
    public required Guid PeerId { get; init; }

    /// <summary>Where it is, told only when it is made. A browser shows a button there; a program sends POST. Only that uses it up.</summary>
    public string? Url { get; init; }

    /// <summary>From when on it is dead, used or not.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }
}
