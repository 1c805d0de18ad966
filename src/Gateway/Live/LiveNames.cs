using System.Collections.Frozen;
using Gateway.Engine;

namespace Gateway.Live;

/// <summary>Whom the numbers of flows, drops and packets stand for, remembered for a few seconds. One thread at a time.</summary>
internal sealed class LiveNames(DataPlane dataPlane, TimeProvider time)
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Guid, (FrozenDictionary<int, PeerName> Peers, long At)> _tunnels = [];
    private readonly HashSet<Guid> _read = [];

    /// <summary>A look begins: who is not found in it is looked up anew, once.</summary>
    public void Begin() => _read.Clear();

    /// <summary>The peer with this number; null = it has left the configuration, or none was known.</summary>
    public PeerName? Peer(Guid tunnelId, int index)
    {
        if (index < 0) return null;
        var isKnown = _tunnels.TryGetValue(tunnelId, out var known) && time.GetElapsedTime(known.At) <= MaxAge && known.Peers.ContainsKey(index);
        if (!isKnown && _read.Add(tunnelId)) known = _tunnels[tunnelId] = (dataPlane.GetPeerNames(tunnelId).ToFrozenDictionary(name => name.Index), time.GetTimestamp());
        return known.Peers.TryGetValue(index, out var name) ? name : null;
    }
}
