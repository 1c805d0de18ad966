namespace Gateway.Contracts;

/// <summary>What can be set of a user.</summary>
public sealed record UserSettings
{
    /// <summary>The name to sign in with; unique, without regard to case.</summary>
    public string? Name { get; init; }

    /// <summary>viewer (the default), operator or admin.</summary>
    public string? Role { get; init; }

    /// <summary>Whether they may see packets, which comes with no role.</summary>
    public bool? SeesPackets { get; init; }

    /// <summary>A disabled user cannot sign in, and loses sessions and tokens until enabled again.</summary>
    public bool? Disabled { get; init; }
}

/// <summary>A user.</summary>
public sealed record UserResponse
{
    /// <summary>Identifies them for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>The name to sign in with.</summary>
    public required string Name { get; init; }

    /// <summary>viewer, operator or admin.</summary>
    public required string Role { get; init; }

    /// <summary>Whether they may see packets.</summary>
    public required bool SeesPackets { get; init; }

    /// <summary>Whether they are kept out.</summary>
    public required bool Disabled { get; init; }

    /// <summary>What they may do now, in the words of token scopes.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }

    /// <summary>How they can sign in: password, passkey, openid. Empty until the invitation was used.</summary>
    public required IReadOnlyList<string> SignInMethods { get; init; }

    /// <summary>Whether the password alone is not enough.</summary>
    public required bool SecondFactor { get; init; }

    /// <summary>Until when wrong passwords have locked the account; null = it is not.</summary>
    public DateTimeOffset? LockedUntil { get; init; }

    /// <summary>Until when their one-time link works; null = there is none.</summary>
    public DateTimeOffset? InvitationExpiresAt { get; init; }

    /// <summary>The one-time link with which they choose a password. Shown this once: in the answer that made it.</summary>
    [Secret]
    public string? InvitationLink { get; init; }

    /// <summary>When they last signed in; null = never.</summary>
    public DateTimeOffset? LastSignInAt { get; init; }

    /// <summary>When they were made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The revision that changed them last; the ETag.</summary>
    public required long Revision { get; init; }
}

/// <summary>What can be set of a token.</summary>
public sealed record TokenSettings
{
    /// <summary>What it is for; unique among its owner's.</summary>
    public string? Name { get; init; }

    /// <summary>What it may do: read, configs, peers, explain, packets, admin. Never more than its owner may.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>From when on it is not honoured; null = it does not expire.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>A bearer token of the API.</summary>
public sealed record TokenResponse
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>What it is for.</summary>
    public required string Name { get; init; }

    /// <summary>What it was made for.</summary>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>What it may do now: what its owner may no longer do is missing.</summary>
    public required IReadOnlyList<string> EffectiveScopes { get; init; }

    /// <summary>The user it acts for; null = the gateway's own.</summary>
    public string? Owner { get; init; }

    /// <summary>The same as an id.</summary>
    public Guid? OwnerId { get; init; }

    /// <summary>From when on it is not honoured; null = it does not expire.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was last used; null = never.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The address it was last used from.</summary>
    public string? LastUsedFrom { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The revision that changed it last; the ETag.</summary>
    public required long Revision { get; init; }

    /// <summary>The token. Shown this once: in the answer that made it.</summary>
    [Secret]
    public string? Token { get; init; }
}

/// <summary>Who is calling.</summary>
public sealed record ProfileResponse
{
    /// <summary>user or token.</summary>
    public required string Kind { get; init; }

    /// <summary>The user's or the token's name.</summary>
    public required string Name { get; init; }

    /// <summary>What they may do, in the words of token scopes.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }

    /// <summary>The user: who signed in, or the token's owner; null for a token of the gateway's own.</summary>
    public UserResponse? User { get; init; }

    /// <summary>When this session or token ends by itself; null = never.</summary>
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>A browser that is signed in.</summary>
public sealed record SessionResponse
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>Whether it is the one that asks.</summary>
    public required bool Current { get; init; }

    /// <summary>What the browser called itself.</summary>
    public string? Browser { get; init; }

    /// <summary>When they signed in.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last used.</summary>
    public required DateTimeOffset LastUsedAt { get; init; }

    /// <summary>The address it was last used from.</summary>
    public string? LastUsedFrom { get; init; }
}

/// <summary>Something that somebody did.</summary>
public sealed record AuditResponse
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>user, token or system.</summary>
    public required string ActorKind { get; init; }

    /// <summary>The user's or the token's id.</summary>
    public Guid? ActorId { get; init; }

    /// <summary>Their name then.</summary>
    public required string Actor { get; init; }

    /// <summary>The address that the request came from.</summary>
    public string? From { get; init; }

    /// <summary>What was done, such as <c>peer.update</c> or <c>sign-in.failed</c>.</summary>
    public required string Action { get; init; }

    /// <summary>To what, as people call it.</summary>
    public required string Subject { get; init; }

    /// <summary>The members that changed, as they were. Of secrets only whether they were set.</summary>
    public System.Text.Json.Nodes.JsonObject? Before { get; init; }

    /// <summary>The same members as they became; for what is no change, more to know about it.</summary>
    public System.Text.Json.Nodes.JsonObject? After { get; init; }

    /// <summary>The revision that it made; null where it changed no configuration.</summary>
    public long? Revision { get; init; }
}
