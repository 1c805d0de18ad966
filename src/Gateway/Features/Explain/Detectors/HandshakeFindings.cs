using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Engine.Forensics;
using Gateway.Features.Explain.Reasoning;
using Gateway.Protocol;

namespace Gateway.Features.Explain.Detectors;

/// <summary>What refused and fruitless handshakes mean, in words.</summary>
internal static class HandshakeFindings
{
    private const int SureEnough = 3;
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(2);

    /// <summary>Of a source that is no known peer; null = nothing worth telling.</summary>
    public static string? Describe(HandshakeSource source) => source.Last switch
    {
        HandshakeResult.BadMac1 => $"Handshakes come from {source.Address} that were made for another public key than this tunnel's: a wrong or an old configuration, or somebody who tries ports.",
        HandshakeResult.UnknownPeer => $"Handshakes come from {source.Address} with a public key that no peer has ({source.UnknownKey}).",
        _ => null,
    };

    /// <summary>Of a peer; null = nothing worth telling.</summary>
    public static (string Kind, string Text, string Remedy)? Describe(PeerStatus peer, PeerHandshakes handshakes, DateTimeOffset now)
    {
        var back = Flapping(handshakes, now);
        if (back.Count > 1)
            return (EventKinds.EndpointFlapping, $"{peer.Name} moves to and fro between {string.Join(" and ", back)}: two devices use one configuration.", "Stop one of the two, and give it a peer of its own.");
        var quiet = peer.LastReceived ?? DateTimeOffset.MinValue;
        if (handshakes.LastRefused == HandshakeResult.BadTag && handshakes.LastRefusedAt > quiet)
            return (EventKinds.PresharedKey, $"{peer.Name} answers handshakes, and the answer does not verify: the pre-shared keys differ.", "Fetch the configuration again on the client.");
        if (handshakes.LastRefused == HandshakeResult.OldTimestamp && handshakes.LastRefusedAt > quiet)
            return (EventKinds.OldTimestamp, $"Handshakes of {peer.Name} are refused, as their time is not later than that of an earlier one: its clock went back{Ahead(handshakes)}, or two devices use one configuration.", "Set the client's clock right.");
        return handshakes.Unconfirmed >= SureEnough && handshakes.LastAnsweredAt > quiet
            ? (EventKinds.PresharedKey, $"{handshakes.Unconfirmed} handshakes of {peer.Name} were answered, and it never used the result: most likely the pre-shared keys differ, else the answers do not reach {peer.Endpoint}.", "Fetch the configuration again on the client.")
            : null;
    }

    /// <summary>The endpoints that a peer came back to; more than one, and it moves to and fro.</summary>
    public static IReadOnlyList<string> Flapping(PeerHandshakes handshakes, DateTimeOffset now)
    {
        var moves = handshakes.EndpointMoves.Where(move => now - move.At <= s_window).ToList();
        return moves.Count < 4 ? [] : [.. moves.GroupBy(move => move.Endpoint.ToString()).Where(group => group.Count() > 1).Select(group => group.Key)];
    }

    public static Dictionary<string, string> Evidence(HandshakeSource source) => Counts(source.Counts).Append(new("source", source.Address.ToString())).ToDictionary(pair => pair.Key, pair => pair.Value);

    public static Dictionary<string, string> Evidence(PeerHandshakes handshakes) => Counts(handshakes.Counts)
        .Append(new("answered and not used", Fact.Number(handshakes.Unconfirmed))).Append(new("sent and not answered", Fact.Number(handshakes.Unanswered))).ToDictionary(pair => pair.Key, pair => pair.Value);

    private static IEnumerable<KeyValuePair<string, string>> Counts(IReadOnlyList<long> counts) =>
        counts.Select((count, result) => (count, (HandshakeResult)result)).Where(pair => pair.count > 0).Select(pair => new KeyValuePair<string, string>(SessionStep.Words(pair.Item2), Fact.Number(pair.count)));

    private static string Ahead(PeerHandshakes handshakes) => handshakes.ClockAhead is { } ahead && ahead.Duration() > TimeSpan.FromSeconds(2)
        ? $" (it is {Fact.Ago(ahead.Duration())} {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} ours)" : "";
}
