namespace Gateway.Contracts;

/// <summary>What may be set of a peer: the body of POST, and the document that PATCH merges into.</summary>
public sealed record PeerSettings
{
    /// <summary>What people call it; unique within the tunnel.</summary>
    public string? Name { get; init; }

    /// <summary>Base64. Without one Gateway makes a key pair and a pre-shared key. Never on plain.</summary>
    public string? PublicKey { get; init; }

    /// <summary>Its addresses in the tunnel. Without this member the next free ones are chosen.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>Where it is dialled, host:port; null = it dials.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Base64; null = none (or one made with the key pair).</summary>
    [Secret]
    public string? PresharedKey { get; init; }

    /// <summary>Persistent keepalive, seconds; 0 = off. Left out when the peer is made, the tunnel's.</summary>
    public int? KeepaliveSeconds { get; init; }

    /// <summary>From when on it is no longer let in; null = never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether it is let in; default true.</summary>
    public bool? Enabled { get; init; }

    /// <summary>Words to find it by.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>What people want to remember of it.</summary>
    public string? Notes { get; init; }

    /// <summary>Whether its private key, where Gateway made it, is forgotten as soon as its config was downloaded once; default false.</summary>
    public bool? DropKeyAfterDownload { get; init; }
}

/// <summary>A peer as it is wanted and as it is.</summary>
public sealed record PeerResponse
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>Base64; null on plain.</summary>
    public string? PublicKey { get; init; }

    /// <summary>Whether a pre-shared key is mixed in. The key itself is only in the peer's config.</summary>
    public bool HasPresharedKey { get; init; }

    /// <summary>Whether Gateway made the key pair and can put the private key into the config.</summary>
    public bool HasPrivateKey { get; init; }

    /// <summary>Whether the private key is forgotten once the config was downloaded.</summary>
    public bool DropKeyAfterDownload { get; init; }

    /// <summary>The key before the last rotation, while it still works; else null.</summary>
    public string? PreviousPublicKey { get; init; }

    /// <summary>Until when the previous key works at the latest; it ends earlier with the new key's first session.</summary>
    public DateTimeOffset? PreviousKeyUntil { get; init; }

    /// <summary>When its config was last downloaded; null = never.</summary>
    public DateTimeOffset? ConfigDownloadedAt { get; init; }

    /// <summary>Whether its config would read otherwise today than when it was last downloaded: a client other than our own needs the new one.</summary>
    public bool ConfigChanged { get; init; }

    /// <summary>Whether it is let in, as configured.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Words to find it by.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>What people want to remember of it.</summary>
    public string Notes { get; init; } = "";

    /// <summary>Its addresses in the tunnel.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>Where it is dialled, as configured.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Where it was last seen.</summary>
    public string? LastEndpoint { get; init; }

    /// <summary>Seconds; 0 = off.</summary>
    public int KeepaliveSeconds { get; init; }

    /// <summary>From when on it is no longer let in.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What it did in the last 180 s: <c>working</c>, <c>receive-only</c>, <c>send-only</c>, <c>handshake-only</c>, <c>idle</c> or <c>never</c>.</summary>
    public required string State { get; init; }

    /// <summary>When the last session was made.</summary>
    public DateTimeOffset? LastHandshake { get; init; }

    /// <summary>When data last came from it.</summary>
    public DateTimeOffset? LastReceived { get; init; }

    /// <summary>When data last went to it.</summary>
    public DateTimeOffset? LastSent { get; init; }

    /// <summary>Bytes from it, as wg counts them.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>Bytes to it.</summary>
    public long SentBytes { get; init; }

    /// <summary>Inner packets passed from it.</summary>
    public long ReceivedPackets { get; init; }

    /// <summary>Inner packets passed to it.</summary>
    public long SentPackets { get; init; }

    /// <summary>Its packets not passed on, by reason.</summary>
    public IReadOnlyDictionary<string, long> Drops { get; init; } = new Dictionary<string, long>();

    /// <summary>What a person should know: that plain has no security.</summary>
    public string? Warning { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The revision that changed it last; also its ETag.</summary>
    public required long Revision { get; init; }
}
