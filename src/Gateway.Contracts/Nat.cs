namespace Gateway.Contracts;

/// <summary>
/// What becomes of the source address of packets that come out of a tunnel and leave this host for a prefix. Of several that fit, the longest prefix counts;
/// what no prefix fits keeps its address.
/// </summary>
public sealed record NatRule
{
    /// <summary>Where the packets go: 0.0.0.0/0, 192.168.60.0/24, ::/0.</summary>
    public string? Prefix { get; init; }

    /// <summary><c>masquerade</c> (default): the address of the device that they leave by. <c>none</c>: unchanged. Else the address to give them.</summary>
    public string? To { get; init; }
}

/// <summary>What a NAT rule does where it gives no address.</summary>
public static class NatTargets
{
    /// <summary>The address of the device that the packet leaves by.</summary>
    public const string Masquerade = "masquerade";
    /// <summary>Unchanged.</summary>
    public const string None = "none";
}
