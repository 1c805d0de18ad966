using System.Collections.Immutable;
using Gateway.Protocol;

namespace Gateway.Engine.Forensics;

/// <summary>The last moves of one peer's endpoint. Two threads write (a handshake moves it, or data), without a lock; anyone reads.</summary>
internal sealed class EndpointMoves
{
    private const int Kept = 16;

    private Move?[]? _moves;
    private int _count;

    /// <summary>How often it ever moved.</summary>
    public int Count => Volatile.Read(ref _count);

    public void Add(in UdpEndpoint endpoint, Instant now)
    {
        var moves = Volatile.Read(ref _moves) ?? Interlocked.CompareExchange(ref _moves, new Move?[Kept], null) ?? _moves!;
        Volatile.Write(ref moves[(uint)(Interlocked.Increment(ref _count) - 1) % Kept], new Move(endpoint, now));
    }

    public ImmutableArray<EndpointMove> Snapshot(EngineClock clock)
    {
        if (Volatile.Read(ref _moves) is not { } moves) return [];
        var copy = new List<Move>(Kept);
        for (var i = 0; i < Kept; i++)
        {
            if (Volatile.Read(ref moves[i]) is { } move) copy.Add(move);
        }
        return [.. copy.OrderBy(move => move.At.Ticks).Select(move => new EndpointMove(clock.ToUtc(move.At)!.Value, move.Endpoint.ToIPEndPoint()))];
    }

    private sealed class Move(UdpEndpoint endpoint, Instant at)
    {
        public readonly UdpEndpoint Endpoint = endpoint;
        public readonly Instant At = at;
    }
}
