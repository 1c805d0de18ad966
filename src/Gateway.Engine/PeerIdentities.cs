using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// The identities by which the protocol knows one peer: usually one; between a key's rotation and the new key's first session two, of which the
/// older is <see cref="Peer.Session"/> and the newer waits as <see cref="Peer.Successor"/>. Handshakes of either are answered, packets of either belong
/// to the one peer with its one set of allowed IPs. The first session of the newer ends the older. Control thread.
/// </summary>
internal static class PeerIdentities
{
    /// <summary>Whether a running peer has a key that the wanted one has too, so that it is the same peer.</summary>
    public static bool Share(Peer peer, PeerConfig wanted) =>
        wanted.PublicKey == peer.Config.PublicKey || IsWanted(peer.Session, wanted) || IsWanted(peer.Successor, wanted);

    /// <summary>Attaches and detaches what the peer's configuration asks for. False where the protocol refuses its key: it is the tunnel's own, or another peer's.</summary>
    public static bool Set(WireGuardDevice device, Peer peer)
    {
        var config = peer.Config;
        if (config.PublicKey is not { } key) return false;
        var previous = config.Previous is { } given && given.PublicKey != peer.Replaced && given.PublicKey != key ? given : null;
        var (session, successor) = (peer.Session, peer.Successor);
        // The one that is not sealed with calls nobody by itself.
        var present = Find(peer, key) ?? Attach(device, peer, key, config.PresharedKey, previous is null ? config.PersistentKeepalive : TimeSpan.Zero);
        var older = previous is null ? null : Find(peer, previous.PublicKey) ?? Attach(device, peer, previous.PublicKey, previous.PresharedKey, config.PersistentKeepalive);
        peer.Session = older ?? present;
        peer.Successor = older is null ? null : present;
        foreach (var gone in new[] { session, successor })
        {
            if (gone is not null && gone != peer.Session && gone != peer.Successor) device.RemovePeer(gone);
        }

        return peer.Session is not null;
    }

    /// <summary>Hands on changed pre-shared keys and keepalives; the same ones change nothing.</summary>
    public static void Tune(Peer peer, Moment now)
    {
        var config = peer.Config;
        if (peer.Session is not { } session) return;
        (peer.Successor ?? session).SetPresharedKey(config.PresharedKey, now);
        if (peer.Successor is not null) session.SetPresharedKey(config.Previous?.PresharedKey, now);
        session.SetPersistentKeepalive(config.PersistentKeepalive, now);
    }

    public static void Remove(WireGuardDevice device, Peer peer)
    {
        if (peer.Session is { } session) device.RemovePeer(session);
        if (peer.Successor is { } successor) device.RemovePeer(successor);
    }

    private static bool IsWanted(WireGuardPeer? identity, PeerConfig wanted) =>
        identity is not null && (identity.PublicKey == wanted.PublicKey || identity.PublicKey == wanted.Previous?.PublicKey);

    private static WireGuardPeer? Find(Peer peer, PublicKey key) =>
        peer.Session is { } session && session.PublicKey == key ? session : peer.Successor is { } successor && successor.PublicKey == key ? successor : null;

    private static WireGuardPeer? Attach(WireGuardDevice device, Peer peer, PublicKey key, PresharedKey? presharedKey, TimeSpan keepalive)
    {
        if (device.AddPeer(key, presharedKey, keepalive) is not { } identity) return null;
        identity.Owner = peer;
        return identity;
    }
}
