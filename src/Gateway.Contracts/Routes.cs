namespace Gateway.Contracts;

/// <summary>What may be set of a route: the body of POST, and the document that PATCH merges into.</summary>
public sealed record RouteSettings
{
    /// <summary>Without host bits: 192.168.60.0/24.</summary>
    public string? Prefix { get; init; }

    /// <summary><c>client</c> (default): the peer may reach it through the tunnel. <c>gateway</c>: it lies behind the peer.</summary>
    public string? InstallOn { get; init; }

    /// <summary>Whether a gateway route also becomes a kernel route into the tunnel; default true.</summary>
    public bool? KernelRoute { get; init; }

    /// <summary>
    /// An explicit yes to a default route (0.0.0.0/0 or ::/0) on a tunnel without NAT, where answers come back only if the networks behind know
    /// the way to the peer. It is not kept.
    /// </summary>
    public bool? Confirm { get; init; }
}

/// <summary>A prefix bound to a peer.</summary>
public sealed record RouteResponse
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>The peer's name.</summary>
    public required string Peer { get; init; }

    /// <summary>The peer.</summary>
    public required Guid PeerId { get; init; }

    /// <summary>The prefix.</summary>
    public required string Prefix { get; init; }

    /// <summary><c>client</c> or <c>gateway</c>.</summary>
    public required string InstallOn { get; init; }

    /// <summary>Whether it becomes a kernel route; false for client routes.</summary>
    public required bool KernelRoute { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The revision that changed it last; also its ETag.</summary>
    public required long Revision { get; init; }
}
