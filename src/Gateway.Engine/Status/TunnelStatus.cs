using System.Collections.Immutable;
using System.Net;
using Gateway.Engine.Ports;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>Whether a tunnel runs.</summary>
public enum TunnelState
{
    /// <summary>Being opened.</summary>
    Opening,
    /// <summary>Device and socket are open, packets pass.</summary>
    Up,
    /// <summary>Device or socket could not be opened or died; it is tried again.</summary>
    Failed,
}

/// <summary>One tunnel as it is, without its peers: a copy taken when asked, cheap with thousands of them.</summary>
/// <param name="Id">As configured.</param>
/// <param name="Name">The device's real name (a pattern filled in); the configured one while it is not open.</param>
/// <param name="State">Whether it runs.</param>
/// <param name="Cause">Why not, in one sentence; null while up.</param>
/// <param name="Remedy">What to do about it; null while up.</param>
/// <param name="NextAttempt">When it is tried again, UTC; null while up.</param>
/// <param name="ListenPort">The bound UDP port; 0 while there is none.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="LinkProblems">What the kernel refused of addresses and routes.</param>
/// <param name="Offloads">Offloads in use: "vnet_hdr", "TSO", "USO", "UDP GSO", "UDP GRO".</param>
/// <param name="Drops">Packets of the tunnel not passed on, by <see cref="DropReason"/>, all peers and none.</param>
/// <param name="PeerCount">How many peers it has.</param>
/// <param name="ReceivedBytes">UDP payload bytes from all its peers.</param>
/// <param name="SentBytes">UDP payload bytes to all its peers.</param>
public sealed record TunnelStatus(
    Guid Id, string Name, TunnelState State, string? Cause, string? Remedy, DateTimeOffset? NextAttempt, ushort ListenPort, int Mtu,
    ImmutableArray<LinkProblem> LinkProblems, ImmutableArray<string> Offloads, ImmutableArray<long> Drops, int PeerCount, long ReceivedBytes, long SentBytes);

/// <summary>One peer as it is: a copy taken when asked.</summary>
/// <param name="Id">As configured.</param>
/// <param name="Name">As configured.</param>
/// <param name="PublicKey">Its key; null on plain.</param>
/// <param name="Endpoint">Where its datagrams go now; null = unknown.</param>
/// <param name="LastHandshake">UTC; null = never.</param>
/// <param name="LastReceived">When data last came from it, UTC; null = never.</param>
/// <param name="LastSent">When data last went to it, UTC; null = never.</param>
/// <param name="ReceivedBytes">UDP payload bytes from it, as wg counts them (keepalives and handshakes included).</param>
/// <param name="SentBytes">UDP payload bytes to it.</param>
/// <param name="ReceivedPackets">Inner packets passed from it.</param>
/// <param name="SentPackets">Inner packets passed to it.</param>
/// <param name="Drops">Its packets not passed on, by <see cref="DropReason"/>.</param>
public sealed record PeerStatus(
    Guid Id, string Name, PublicKey? PublicKey, IPEndPoint? Endpoint, DateTimeOffset? LastHandshake, DateTimeOffset? LastReceived, DateTimeOffset? LastSent,
    long ReceivedBytes, long SentBytes, long ReceivedPackets, long SentPackets, ImmutableArray<long> Drops);

/// <summary>Whom flows, drops and packets of a tunnel mean by a number.</summary>
/// <param name="Index">The number; never used again for another peer while the tunnel is configured.</param>
/// <param name="Id">As configured.</param>
/// <param name="Name">As configured.</param>
public readonly record struct PeerName(int Index, Guid Id, string Name);

/// <summary>Something that happened to a tunnel or peer and that layers above may react to.</summary>
/// <param name="Kind">What.</param>
/// <param name="TunnelId">Where.</param>
/// <param name="PeerId">Whom; null where the tunnel itself is meant.</param>
/// <param name="Text">In words, where there is more to say.</param>
public sealed record DataPlaneEvent(DataPlaneEventKind Kind, Guid TunnelId, Guid? PeerId, string? Text);

/// <summary>Kinds of <see cref="DataPlaneEvent"/>.</summary>
public enum DataPlaneEventKind
{
    /// <summary>Device and socket are open and configured.</summary>
    TunnelUp,
    /// <summary>The tunnel stopped; <see cref="DataPlaneEvent.Text"/> says why.</summary>
    TunnelFailed,
    /// <summary>A session was made with a peer.</summary>
    SessionEstablished,
    /// <summary>A peer's endpoint moved; the text is the new one.</summary>
    EndpointMoved,
    /// <summary>A peer's new key made its first session; the key before it is no longer let in.</summary>
    KeyReplaced,
    /// <summary>A peer has not answered several handshake initiations in a row.</summary>
    PeerSilent,
    /// <summary>An offload was refused by the kernel and is off from now on; the text names it.</summary>
    OffloadOff,
}
