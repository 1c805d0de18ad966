using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine.Forensics;
using Gateway.Linux.Netlink;
using Gateway.Linux.Nftables;
using Gateway.Linux.Settings;

namespace Gateway.Features.Explain;

/// <summary>Everything that an explanation rests on, taken at one moment. Immutable: the reasoning over it asks nobody and can be tested with evidence that is made up.</summary>
internal sealed record Evidence
{
    public required DateTimeOffset Now { get; init; }

    public required PacketQuestion Packet { get; init; }

    public Guid TunnelId { get; init; }

    public required TunnelEvidence Tunnel { get; init; }

    public required PeerEvidence Peer { get; init; }

    /// <summary>Who owns the inner source here; null = nobody.</summary>
    public OwnerEvidence? SourceOwner { get; init; }

    /// <summary>Whether the peer's client routes and the tunnel's own prefixes hold the destination.</summary>
    public required bool DestinationAllowed { get; init; }

    /// <summary>The peer behind which the destination lies, where the kernel's route leads into a tunnel of ours; null = nobody.</summary>
    public OwnerEvidence? DestinationOwner { get; init; }

    /// <summary>Outer sources whose handshakes were refused, the last heard first.</summary>
    public ImmutableArray<HandshakeSource> HandshakeSources { get; init; } = [];

    public required TrafficEvidence Traffic { get; init; }

    /// <summary>Null where the kernel could not be asked.</summary>
    public KernelEvidence? Kernel { get; init; }

    /// <summary>Why not.</summary>
    public string? KernelProblem { get; init; }

    /// <summary>What the destination answers to the gateway itself; null = it was not asked.</summary>
    public HostCheck? HostCheck { get; init; }
}

/// <summary>The packet that is asked about.</summary>
/// <param name="Source">Inner source.</param>
/// <param name="Destination">Inner destination.</param>
/// <param name="Protocol">IP protocol number: 1 or 58, 6, 17.</param>
/// <param name="Port">Destination port; 0 for ICMP.</param>
internal sealed record PacketQuestion(IPAddress Source, IPAddress Destination, byte Protocol, ushort Port)
{
    public bool IsV6 => Destination.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>"TCP 22", "an ICMP echo request".</summary>
    public string Words => Protocol switch { 6 => $"TCP {Port}", 17 => $"UDP {Port}", _ => "an ICMP echo request" };
}

/// <summary>The tunnel that the packet comes through.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Device">The device's real name.</param>
/// <param name="IsUp">Whether it runs.</param>
/// <param name="Cause">Why not.</param>
/// <param name="FailureRemedy">What the engine advises.</param>
/// <param name="IsWireGuard">Or plain.</param>
/// <param name="IsEthernet">Or IP.</param>
/// <param name="ListenPort">The bound UDP port; 0 = none.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Endpoint">What clients dial, as configured.</param>
/// <param name="Networks">Its own prefixes.</param>
internal sealed record TunnelEvidence(
    string Name, string Device, bool IsUp, string? Cause, string? FailureRemedy, bool IsWireGuard, bool IsEthernet, int ListenPort, int Mtu, string? Endpoint, ImmutableArray<IPNetwork> Networks)
{
    /// <summary>Its own NAT rules as saved.</summary>
    public IReadOnlyList<NatRule> Nat { get; init; } = [];
}

/// <summary>The peer that sends.</summary>
internal sealed record PeerEvidence
{
    public required Guid Id { get; init; }

    public required string Name { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public bool HasPresharedKey { get; init; }

    /// <summary>Its addresses and routes as saved.</summary>
    public ImmutableArray<RouteEvidence> Prefixes { get; init; } = [];

    public IPEndPoint? Endpoint { get; init; }

    public DateTimeOffset? LastHandshake { get; init; }

    public DateTimeOffset? LastReceived { get; init; }

    /// <summary>Null on plain, and where the engine does not run the peer.</summary>
    public PeerHandshakes? Handshakes { get; init; }
}

/// <summary>An address or route of a peer as saved.</summary>
internal sealed record RouteEvidence(Guid Id, IPNetwork Prefix, PrefixKind Kind, bool KernelRoute);

/// <summary>The owner of an address within a tunnel, and by which of its prefixes.</summary>
internal sealed record OwnerEvidence(Guid PeerId, string Name, RouteEvidence? By);

/// <summary>What the flow table has seen that bears on the packet.</summary>
/// <param name="Same">The last conversation of this kind: same peer, source, destination, protocol and port; null = none was seen.</param>
/// <param name="AnsweredSince">When the destination last answered any peer of this tunnel, in whatever conversation; null = not seen.</param>
/// <param name="SilentAbove">Packets of this size and larger to the destination stay unanswered while smaller ones are answered; null = nothing of the kind.</param>
internal sealed record TrafficEvidence(Conversation? Same, DateTimeOffset? AnsweredSince, int? SilentAbove)
{
    public static readonly TrafficEvidence None = new(null, null, null);
}

/// <summary>A conversation, from the peer's side.</summary>
internal sealed record Conversation(long Asked, long Answered, DateTimeOffset FirstAsked, DateTimeOffset LastAsked, DateTimeOffset? LastAnswered, bool WasReset)
{
    /// <summary>Whether it tells of now: who asks for an explanation is usually trying.</summary>
    public bool IsRecent(DateTimeOffset now) => now - LastAsked <= TimeSpan.FromSeconds(10);

    // An answer may be under way: a single packet gets half a second.
    public bool IsUnanswered(DateTimeOffset now) => LastAnswered is not { } answered ? Asked > 1 || now - LastAsked > TimeSpan.FromMilliseconds(500) : LastAsked - answered > TimeSpan.FromSeconds(3);
}

/// <summary>What the destination answers to the gateway itself.</summary>
/// <param name="Echo">Whether it answers a ping; null = could not be asked.</param>
/// <param name="Port">Whether it answers on the TCP port, were it only to refuse; null = could not be asked.</param>
/// <param name="Problem">Why something could not be asked.</param>
internal sealed record HostCheck(bool? Echo, bool? Port, string? Problem);

/// <summary>What the kernel says.</summary>
internal sealed record KernelEvidence
{
    public ImmutableArray<KernelLink> Links { get; init; } = [];

    public ImmutableArray<KernelAddress> Addresses { get; init; } = [];

    /// <summary>The tunnel's device; null = the kernel has none of that name.</summary>
    public KernelLink? TunnelLink { get; init; }

    /// <summary>rp_filter of "all" and of each device.</summary>
    public IReadOnlyDictionary<string, int> RpFilters { get; init; } = new Dictionary<string, int>();

    /// <summary>Of the packet's family: whether what arrives on a device may be forwarded, by the device's name. IPv6 asks one switch for all.</summary>
    public IReadOnlyDictionary<string, bool> Forwards { get; init; } = new Dictionary<string, bool>();

    /// <summary>The destination and mark after the rules of prerouting: where they translate it, what the route is looked up for.</summary>
    public required IPAddress RoutedDestination { get; init; }

    /// <summary>The translation of the destination; null = there is none.</summary>
    public NatAction? DestinationNat { get; init; }

    /// <summary>The mark, likewise.</summary>
    public uint Mark { get; init; }

    /// <summary>The packet, arriving from the tunnel.</summary>
    public required RouteAnswer Request { get; init; }

    /// <summary>The destination, as this host itself would reach it.</summary>
    public required RouteAnswer ToDestination { get; init; }

    /// <summary>The source, as this host itself would reach it: what reverse-path filtering looks at.</summary>
    public required RouteAnswer ToSource { get; init; }

    /// <summary>The answer, arriving on the device that the request left by; null where there is no such device.</summary>
    public RouteAnswer? Answer { get; init; }

    /// <summary>The peer's endpoint, as this host reaches it; null where none is known.</summary>
    public RouteAnswer? ToEndpoint { get; init; }

    /// <summary>Blackhole, unreachable and prohibit routes of the main table that hold the destination, the source or the endpoint: longest first.</summary>
    public ImmutableArray<KernelRoute> Refusals { get; init; } = [];

    /// <summary>Policy rules other than the kernel's own three.</summary>
    public ImmutableArray<KernelRule> PolicyRules { get; init; } = [];

    public KernelNeighbour? NextHop { get; init; }

    public KernelNeighbour? EndpointNextHop { get; init; }

    /// <summary>Null where the rules could not be read.</summary>
    public Ruleset? Rules { get; init; }

    /// <summary>Why not.</summary>
    public string? RulesProblem { get; init; }

    public KernelCounters? Counters { get; init; }

    /// <summary>The device that the request leaves by, or would; null = none.</summary>
    public KernelLink? OutLink => Link(Request.Route ?? ToDestination.Route);

    /// <summary>Whether the destination is an address of this host.</summary>
    public bool DestinationIsLocal => (Request.Route ?? ToDestination.Route)?.Type == RouteTypes.Local;

    public KernelLink? Link(KernelRoute? route) => route is null ? null : Links.FirstOrDefault(link => link.Index == route.LinkIndex);

    public IPAddress? AddressOf(KernelLink link, AddressFamily family) =>
        Addresses.FirstOrDefault(a => a.LinkIndex == link.Index && a.Address.AddressFamily == family && !a.Address.IsIPv6LinkLocal)?.Address;
}

/// <summary>rtm_type (linux/rtnetlink.h).</summary>
internal static class RouteTypes
{
    public const byte Local = 2;
    public const byte Blackhole = 6;
    public const byte Unreachable = 7;
    public const byte Prohibit = 8;
}
