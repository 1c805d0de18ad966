using Gateway.Engine;
using Gateway.Engine.Forensics;
using Gateway.Features.Explain.Detectors;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Peers;

/// <summary>How a peer's handshakes went, as its page shows it. The engine keeps it; it begins anew when the gateway starts.</summary>
/// <param name="Counts">Messages that were this peer's, by what came of them, and what stayed without an end.</param>
/// <param name="Finding">What that most likely means, and what to do; null = nothing worth telling.</param>
/// <param name="Moves">The last moves of its endpoint, the newest first.</param>
internal sealed record HandshakeView(IReadOnlyDictionary<string, string> Counts, (string Text, string Remedy)? Finding, IReadOnlyList<EndpointMove> Moves);

/// <summary>Reads <see cref="HandshakeView"/>s.</summary>
internal sealed class HandshakeRecord(DataPlane dataPlane, Caller caller, TimeProvider time)
{
    /// <summary>Of a peer that the engine has; else nothing but zeroes.</summary>
    public Outcome<HandshakeView> Get(Guid peerId)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        foreach (var tunnel in dataPlane.GetTunnels())
        {
            if (dataPlane.GetPeer(tunnel.Id, peerId) is not { } peer || dataPlane.GetHandshakes(tunnel.Id, peerId) is not { } handshakes) continue;
            var finding = HandshakeFindings.Describe(peer, handshakes, time.GetUtcNow());
            return new HandshakeView(HandshakeFindings.Evidence(handshakes), finding is { } found ? (found.Text, found.Remedy) : null, [.. handshakes.EndpointMoves.Reverse()]);
        }

        return new HandshakeView(new Dictionary<string, string>(), null, []);
    }
}
