namespace Gateway.Benchmarks.Tunnel;

/// <summary>Which IP.</summary>
internal enum Family
{
    V4,
    V6,
}

/// <summary>Which way the payload goes.</summary>
internal enum Direction
{
    UToV,
    VToU,
}

/// <summary>
/// The addresses of one pair of tunnel ends. Several pairs stand between the same hosts at once; which of V's addresses is dialled decides which
/// of them carries the packets, and the others are idle.
/// </summary>
/// <param name="Number">0, 1, 2, …</param>
internal sealed record Slot(int Number)
{
    public const int InternalPrefixLength4 = 24, InternalPrefixLength6 = 64, Mtu = 1420;

    /// <summary>The UDP port of the gateway's end.</summary>
    public int Port => 51820 + Number;

    /// <summary>The gateway's address in the tunnel.</summary>
    public string GatewayAddress(Family family) => family == Family.V4 ? $"192.168.{53 + Number}.1" : $"fd00:{53 + Number}::1";

    /// <summary>U's address in the tunnel.</summary>
    public string ClientAddress(Family family) => family == Family.V4 ? $"192.168.{53 + Number}.99" : $"fd00:{53 + Number}::99";

    /// <summary>One of many addresses in the tunnel, none of which is U's or the gateway's.</summary>
    public string NumberedAddress6(int number) => $"fd00:{53 + Number}::1:{number + 1:x}";

    /// <summary>The address of V that U reaches through this tunnel.</summary>
    public string VAddress(Family family) => family == Family.V4 ? $"192.168.60.{101 + Number}" : $"fd00:60::{101 + Number}";
}
