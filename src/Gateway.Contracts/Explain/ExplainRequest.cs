namespace Gateway.Contracts;

/// <summary>A packet whose way is to be explained.</summary>
public sealed record ExplainRequest
{
    /// <summary>The peer that sends it: its id, its name, or tunnel/name where two tunnels have a peer of that name.</summary>
    public string? Peer { get; init; }

    /// <summary>Its inner source; null = the peer's first address of the destination's family.</summary>
    public string? Source { get; init; }

    /// <summary>Its inner destination, an address.</summary>
    public string? Destination { get; init; }

    /// <summary><c>icmp</c> (default; an echo request, ICMPv6's on IPv6), <c>tcp</c> or <c>udp</c>.</summary>
    public string? Protocol { get; init; }

    /// <summary>The destination port of tcp and udp.</summary>
    public int? Port { get; init; }
}

/// <summary>Protocols that can be explained and probed.</summary>
public static class ExplainProtocols
{
    /// <summary>An echo request.</summary>
    public const string Icmp = "icmp";
    /// <summary>The opening of a TCP connection.</summary>
    public const string Tcp = "tcp";
    /// <summary>A UDP packet.</summary>
    public const string Udp = "udp";
}
