using System.Collections.Immutable;
using Gateway.Contracts;
using Gateway.Engine;

namespace Gateway.Features;

/// <summary>The engine's figures in the words of the API.</summary>
internal static class LiveStatus
{
    /// <summary>How far back a peer's state looks.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(180);

    public const string PlainWarning = "plain has no encryption and no authentication: anyone on the way can read, change and inject packets.";

    public static Dictionary<string, long> Drops(ImmutableArray<long>? drops)
    {
        var named = new Dictionary<string, long>();
        if (drops is not { } counted) return named;
        for (var i = 0; i < counted.Length; i++)
        {
            if (counted[i] != 0) named[DropReasons.Describe((DropReason)i)] = counted[i];
        }

        return named;
    }

    public static string State(PeerStatus? peer, DateTimeOffset now)
    {
        if (peer is null) return PeerStates.Never;
        var received = IsRecent(peer.LastReceived);
        var sent = IsRecent(peer.LastSent);
        if (received && sent) return PeerStates.Working;
        if (received) return PeerStates.ReceiveOnly;
        if (sent) return PeerStates.SendOnly;
        if (IsRecent(peer.LastHandshake)) return PeerStates.HandshakeOnly;
        return peer.LastHandshake is not null || peer.LastReceived is not null ? PeerStates.Idle : PeerStates.Never;

        bool IsRecent(DateTimeOffset? time) => time is { } t && now - t <= Window;
    }
}
