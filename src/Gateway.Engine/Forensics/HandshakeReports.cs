using System.Collections.Immutable;
using System.Net;
using Gateway.Protocol;

namespace Gateway.Engine.Forensics;

/// <summary>What handshake messages came from one address and were refused: a copy taken when asked.</summary>
/// <param name="Address">The outer source address.</param>
/// <param name="Port">The port of the last one.</param>
/// <param name="Counts">How many, by <see cref="HandshakeResult"/>.</param>
/// <param name="Last">What came of the last one.</param>
/// <param name="LastAt">When, UTC.</param>
/// <param name="PeerId">The peer that the last one belonged to, where the message said it; null otherwise.</param>
/// <param name="UnknownKey">The last public key from there that no peer has; null = none.</param>
public sealed record HandshakeSource(
    IPAddress Address, ushort Port, ImmutableArray<long> Counts, HandshakeResult Last, DateTimeOffset LastAt, Guid? PeerId, PublicKey? UnknownKey);

/// <summary>How a peer's handshakes go: a copy taken when asked.</summary>
/// <param name="Counts">Messages that were this peer's, by <see cref="HandshakeResult"/>.</param>
/// <param name="LastRefused">What came of the last one that was refused; null = none was.</param>
/// <param name="LastRefusedAt">When, UTC.</param>
/// <param name="Unconfirmed">Initiations answered here since the last session: none of the answers was ever used.</param>
/// <param name="LastAnsweredAt">When the last was answered, UTC.</param>
/// <param name="Unanswered">Initiations sent from here since the last session.</param>
/// <param name="LastSentAt">When the last was sent, UTC.</param>
/// <param name="ClockAhead">How far the peer's clock was ahead of ours in its last initiation, to about 17 ms and the way here; null = none came.</param>
/// <param name="EndpointMoves">The last moves of its endpoint, the oldest first.</param>
public sealed record PeerHandshakes(
    ImmutableArray<long> Counts, HandshakeResult? LastRefused, DateTimeOffset? LastRefusedAt, int Unconfirmed, DateTimeOffset? LastAnsweredAt,
    int Unanswered, DateTimeOffset? LastSentAt, TimeSpan? ClockAhead, ImmutableArray<EndpointMove> EndpointMoves);

/// <summary>An endpoint moved.</summary>
/// <param name="At">When, UTC.</param>
/// <param name="Endpoint">Where to.</param>
public sealed record EndpointMove(DateTimeOffset At, IPEndPoint Endpoint);
