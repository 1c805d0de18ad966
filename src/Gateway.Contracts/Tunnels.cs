namespace Gateway.Contracts;

/// <summary>What may be set of a tunnel: the body of POST, and the document that PATCH merges into.</summary>
public sealed record TunnelSettings
{
    /// <summary>The device's name, or a pattern such as <c>zhang%d</c>. Cannot be changed.</summary>
    public string? Name { get; init; }

    /// <summary><c>wireguard</c> (default) or <c>plain</c>. Cannot be changed.</summary>
    public string? Transport { get; init; }

    /// <summary><c>ip</c> (default) or <c>ethernet</c>. Cannot be changed.</summary>
    public string? Layer { get; init; }

    /// <summary>UDP port; 0 (default) = the kernel picks one.</summary>
    public int? ListenPort { get; init; }

    /// <summary>The device's addresses with their prefix lengths.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>Bytes; null (default) = worked out from the path: what the device towards the clients carries less the tunnel's overhead, 1420 at most.</summary>
    public int? Mtu { get; init; }

    /// <summary>What clients dial, host:port; written into their configs.</summary>
    public string? Endpoint { get; init; }

    /// <summary>What becomes of the source addresses of packets from the tunnel, by where they go; default: nothing.</summary>
    public IReadOnlyList<NatRule>? Nat { get; init; }

    /// <summary>Whether TCP through the tunnel, both ways, has its maximum segment size lowered to what the path takes; default false.</summary>
    public bool? ClampMss { get; init; }

    /// <summary>Name servers for clients, addresses; written into their configs.</summary>
    public IReadOnlyList<string>? DnsServers { get; init; }

    /// <summary>Domains that clients search; written into their configs.</summary>
    public IReadOnlyList<string>? SearchDomains { get; init; }

    /// <summary>The persistent keepalive of peers that are made without one of their own, seconds; null or 0 = off.</summary>
    public int? KeepaliveSeconds { get; init; }

    /// <summary>SO_MARK of the tunnel's own datagrams, for policy routing; null or 0 = none.</summary>
    public long? FirewallMark { get; init; }
}

/// <summary>A tunnel as it is wanted and as it is.</summary>
public sealed record TunnelResponse
{
    /// <summary>Identifies it for good.</summary>
    public required Guid Id { get; init; }

    /// <summary>The name or pattern as configured.</summary>
    public required string Name { get; init; }

    /// <summary>The device's real name; null while it is not open.</summary>
    public string? Device { get; init; }

    /// <summary><c>wireguard</c> or <c>plain</c>.</summary>
    public required string Transport { get; init; }

    /// <summary><c>ip</c> or <c>ethernet</c>.</summary>
    public required string Layer { get; init; }

    /// <summary>The UDP port as configured; 0 = the kernel picks one.</summary>
    public required int ListenPort { get; init; }

    /// <summary>The UDP port in use; null while there is none.</summary>
    public int? BoundPort { get; init; }

    /// <summary>The device's addresses.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>Bytes, in use.</summary>
    public required int Mtu { get; init; }

    /// <summary>Whether <see cref="Mtu"/> was worked out from the path rather than set.</summary>
    public bool MtuAutomatic { get; init; }

    /// <summary>What clients dial.</summary>
    public string? Endpoint { get; init; }

    /// <summary>What becomes of the source addresses of packets from the tunnel, by where they go.</summary>
    public IReadOnlyList<NatRule> Nat { get; init; } = [];

    /// <summary>Whether TCP through the tunnel has its maximum segment size lowered to what the path takes.</summary>
    public bool ClampMss { get; init; }

    /// <summary>Name servers for clients.</summary>
    public IReadOnlyList<string> DnsServers { get; init; } = [];

    /// <summary>Domains that clients search.</summary>
    public IReadOnlyList<string> SearchDomains { get; init; } = [];

    /// <summary>Seconds; 0 = off.</summary>
    public int KeepaliveSeconds { get; init; }

    /// <summary>SO_MARK of the tunnel's own datagrams; 0 = none.</summary>
    public long FirewallMark { get; init; }

    /// <summary>Base64; null on plain.</summary>
    public string? PublicKey { get; init; }

    /// <summary><c>opening</c>, <c>up</c> or <c>failed</c>.</summary>
    public required string State { get; init; }

    /// <summary>Why it is not up.</summary>
    public string? Cause { get; init; }

    /// <summary>What to do about it.</summary>
    public string? Remedy { get; init; }

    /// <summary>When it is tried again.</summary>
    public DateTimeOffset? NextAttempt { get; init; }

    /// <summary>What the kernel refused of addresses, routes, NAT and MSS clamping.</summary>
    public IReadOnlyList<KernelProblem> Problems { get; init; } = [];

    /// <summary>Offloads in use.</summary>
    public IReadOnlyList<string> Offloads { get; init; } = [];

    /// <summary>How many peers it has.</summary>
    public int PeerCount { get; init; }

    /// <summary>Bytes from all peers.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>Bytes to all peers.</summary>
    public long SentBytes { get; init; }

    /// <summary>Packets not passed on, by reason.</summary>
    public IReadOnlyDictionary<string, long> Drops { get; init; } = new Dictionary<string, long>();

    /// <summary>What a person should know: that plain has no security.</summary>
    public string? Warning { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The revision that changed it last; also its ETag.</summary>
    public required long Revision { get; init; }
}

/// <summary>Something that the kernel refused.</summary>
/// <param name="What">What was asked of it.</param>
/// <param name="Cause">Its own words.</param>
/// <param name="Remedy">What to do.</param>
public sealed record KernelProblem(string What, string Cause, string Remedy);
