namespace Gateway.Contracts;

/// <summary>The body that gives a peer a new key.</summary>
public sealed record RotateKeysRequest
{
    /// <summary>Base64, the public half of a pair that the peer's owner has made. Left out, Gateway makes one, and the config has it.</summary>
    public string? PublicKey { get; init; }

    /// <summary>Base64. Left out, a new one where Gateway makes the pair, else the present one.</summary>
    [Secret]
    public string? PresharedKey { get; init; }

    /// <summary>
    /// How long the key in use goes on working, seconds; it ends earlier with the new key's first session. Default 604800 (a week), 2592000
    /// (30 days) at most, 0 = it ends now.
    /// </summary>
    public int? GraceSeconds { get; init; }
}
