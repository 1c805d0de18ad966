using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Gateway.Linux.Nftables;

/// <summary>A packet as a firewall sees it at one hook: the first of its conversation, or the answer to it.</summary>
public sealed record FirewallPacket
{
    /// <summary>Where from.</summary>
    public required IPAddress Source { get; init; }

    /// <summary>Where to.</summary>
    public required IPAddress Destination { get; init; }

    /// <summary>IP protocol number.</summary>
    public required byte Protocol { get; init; }

    /// <summary>TCP or UDP.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>TCP or UDP.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>ICMP's or ICMPv6's type.</summary>
    public byte IcmpType { get; init; }

    /// <summary>Bytes.</summary>
    public int Length { get; init; } = 84;

    /// <summary>The device that it came in on; null = none (this host sends it).</summary>
    public string? InputDevice { get; init; }

    /// <summary>The device that it leaves by; null = none, or not decided yet.</summary>
    public string? OutputDevice { get; init; }

    /// <summary>The firewall mark that it comes with.</summary>
    public uint Mark { get; init; }

    /// <summary>Whether it is the answer of a conversation that connection tracking knows: then its state is "established", and NAT chains are not asked again.</summary>
    public bool IsAnswer { get; init; }

    /// <summary>The device that this host would use to reach the source; null = no route. What a <c>fib saddr</c> expression asks.</summary>
    public string? SourceRouteDevice { get; init; }

    /// <summary>Whether the destination is an address of this host.</summary>
    public bool DestinationIsLocal { get; init; }

    /// <summary>Whether an earlier chain has changed its destination.</summary>
    public bool IsDestinationTranslated { get; init; }

    /// <summary>IPv6.</summary>
    public bool IsV6 => Destination.AddressFamily == AddressFamily.InterNetworkV6;
}

/// <summary>What a hook's chains do with a packet.</summary>
public enum FirewallOutcome
{
    /// <summary>It goes on.</summary>
    Accept,
    /// <summary>It is dropped without a word.</summary>
    Drop,
    /// <summary>It is dropped, and its sender is told.</summary>
    Reject,
    /// <summary>It cannot be said from the rules alone.</summary>
    Unknown,
}

/// <summary>A change of addresses that a rule makes.</summary>
/// <param name="Kind">"snat", "masquerade", "dnat" or "redirect".</param>
/// <param name="Address">The new address; null where it is the device's own, or worked out as it goes.</param>
/// <param name="Port">The new port; 0 = as it was.</param>
/// <param name="Rule">The rule.</param>
public sealed record NatAction(string Kind, IPAddress? Address, ushort Port, NftRule Rule)
{
    /// <summary>Whether it is the source that changes.</summary>
    public bool ChangesSource => Kind is "snat" or "masquerade";
}

/// <summary>What a hook's chains came to.</summary>
/// <param name="Outcome">Whether it passes.</param>
/// <param name="Chain">The chain that decided; null where none was asked.</param>
/// <param name="Rule">The rule that decided; null for a chain's policy.</param>
/// <param name="Reason">Why it cannot be said; null where it can.</param>
/// <param name="Translations">The changes of addresses on the way.</param>
/// <param name="Mark">The mark that it has at the end.</param>
public sealed record FirewallVerdict(FirewallOutcome Outcome, NftChain? Chain, NftRule? Rule, string? Reason, ImmutableArray<NatAction> Translations, uint Mark);
