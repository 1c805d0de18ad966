namespace Gateway.Contracts;

/// <summary>
/// What a connected client follows, asked through the tunnel on its own address: no secret is in it. The client is known by the address it asks from,
/// which the tunnel itself vouches for.
/// </summary>
public sealed record SelfConfigResponse
{
    /// <summary>The tunnel's name at the gateway.</summary>
    public required string Tunnel { get; init; }

    /// <summary>What the gateway calls the client.</summary>
    public required string Peer { get; init; }

    /// <summary>The client's addresses in the tunnel.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>What to send into the tunnel: the tunnel's own prefixes and the client routes.</summary>
    public required IReadOnlyList<string> Routes { get; init; }

    /// <summary>Bytes.</summary>
    public required int Mtu { get; init; }

    /// <summary>Name servers.</summary>
    public required IReadOnlyList<string> DnsServers { get; init; }

    /// <summary>Domains to search.</summary>
    public required IReadOnlyList<string> SearchDomains { get; init; }
}
