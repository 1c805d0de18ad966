using System.Collections.Immutable;
using Gateway.Protocol;

namespace Gateway.Engine.Forensics;

/// <summary>
/// Who tried to shake hands and how it went, by outer source and by peer. Written on the control thread; readers take the lock for a copy.
/// Sources come from the network, so there are at most <see cref="MaxSources"/>: the one unheard longest goes.
/// </summary>
internal sealed class HandshakeLedger
{
    public const int MaxSources = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<InetAddress, Source> _sources = [];
    private readonly Dictionary<Peer, PeerEntry> _peers = [];

    /// <summary>A handshake message came to its end.</summary>
    public void Note(in UdpEndpoint source, in HandshakeOutcome outcome, Moment now)
    {
        var peer = outcome.Peer?.Owner as Peer;
        lock (_gate)
        {
            if (peer is not null) NotePeer(peer, outcome, now);
            if (IsRefusal(outcome.Result)) NoteSource(source, outcome, peer, now);
        }
    }

    /// <summary>An initiation of ours went out.</summary>
    public void NoteSent(Peer peer, Moment now)
    {
        lock (_gate)
        {
            var entry = Find(peer);
            entry.Unanswered++;
            entry.LastSent = now.Monotonic;
        }
    }

    /// <summary>Both ends share a session.</summary>
    public void NoteSession(Peer peer)
    {
        lock (_gate)
        {
            var entry = Find(peer);
            entry.Unanswered = entry.Unconfirmed = 0;
            entry.LastRefused = null;
        }
    }

    public void Forget(Peer peer)
    {
        lock (_gate) _peers.Remove(peer);
    }

    /// <summary>All sources, the last heard first.</summary>
    public ImmutableArray<HandshakeSource> Sources(EngineClock clock)
    {
        lock (_gate)
        {
            return [.. _sources.OrderByDescending(pair => pair.Value.LastAt.Ticks).Select(pair => new HandshakeSource(
                pair.Key.ToIPAddress(), pair.Value.Port, [.. pair.Value.Counts], pair.Value.Last, clock.ToUtc(pair.Value.LastAt)!.Value, pair.Value.PeerId, pair.Value.UnknownKey))];
        }
    }

    /// <summary>Peers whose handshakes were refused, or answered and never used, since their last session.</summary>
    public ImmutableArray<Guid> Troubled()
    {
        lock (_gate) return [.. _peers.Where(pair => pair.Value.LastRefused is not null || pair.Value.Unconfirmed > 1).Select(pair => pair.Key.Config.Id)];
    }

    public PeerHandshakes Of(Peer peer, EngineClock clock)
    {
        var moves = peer.EndpointMoves.Snapshot(clock);
        lock (_gate)
        {
            var entry = _peers.GetValueOrDefault(peer) ?? new PeerEntry();
            return new PeerHandshakes([.. entry.Counts], entry.LastRefused, clock.ToUtc(entry.LastRefusedAt), entry.Unconfirmed, clock.ToUtc(entry.LastAnswered),
                entry.Unanswered, clock.ToUtc(entry.LastSent), entry.ClockAhead, moves);
        }
    }

    private static bool IsRefusal(HandshakeResult result) =>
        result is not (HandshakeResult.Responded or HandshakeResult.Completed or HandshakeResult.CookieSent or HandshakeResult.CookieLearned);

    private void NotePeer(Peer peer, in HandshakeOutcome outcome, Moment now)
    {
        var entry = Find(peer);
        entry.Counts[(int)outcome.Result]++;
        if (outcome.SenderTime is { } time) entry.ClockAhead = time - now.Utc;
        if (outcome.Result == HandshakeResult.Responded)
        {
            entry.Unconfirmed++;
            entry.LastAnswered = now.Monotonic;
        }
        else if (IsRefusal(outcome.Result))
        {
            entry.LastRefused = outcome.Result;
            entry.LastRefusedAt = now.Monotonic;
        }
    }

    private void NoteSource(in UdpEndpoint from, in HandshakeOutcome outcome, Peer? peer, Moment now)
    {
        if (!_sources.TryGetValue(from.Address, out var source))
        {
            if (_sources.Count == MaxSources) _sources.Remove(_sources.MinBy(pair => pair.Value.LastAt.Ticks).Key);
            _sources[from.Address] = source = new Source();
        }
        source.Counts[(int)outcome.Result]++;
        source.Port = from.Port;
        source.Last = outcome.Result;
        source.LastAt = now.Monotonic;
        source.PeerId = peer?.Config.Id;
        source.UnknownKey = outcome.UnknownKey ?? source.UnknownKey;
    }

    private PeerEntry Find(Peer peer)
    {
        if (!_peers.TryGetValue(peer, out var entry)) _peers[peer] = entry = new PeerEntry();
        return entry;
    }

    private static long[] NewCounts() => new long[(int)HandshakeResult.NotExpected + 1];

    private sealed class Source
    {
        public readonly long[] Counts = NewCounts();
        public ushort Port;
        public HandshakeResult Last;
        public Instant LastAt;
        public Guid? PeerId;
        public PublicKey? UnknownKey;
    }

    private sealed class PeerEntry
    {
        public readonly long[] Counts = NewCounts();
        public HandshakeResult? LastRefused;
        public Instant LastRefusedAt, LastAnswered, LastSent;
        public int Unconfirmed, Unanswered;
        public TimeSpan? ClockAhead;
    }
}
