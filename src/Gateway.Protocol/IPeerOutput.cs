namespace Gateway.Protocol;

/// <summary>What the protocol asks its surroundings to do. Called on the control thread only, from within a call into the protocol.</summary>
public interface IPeerOutput
{
    /// <summary>Send this handshake message (148, 92 or 64 bytes) to the peer's current endpoint, if it has one.</summary>
    void SendHandshakeMessage(WireGuardPeer peer, ReadOnlySpan<byte> message);

    /// <summary>Let the sender thread seal and send an empty data message (a keepalive) with the peer's <see cref="WireGuardPeer.SendKeys"/>.</summary>
    void SendKeepalive(WireGuardPeer peer);

    /// <summary>The peer's <see cref="WireGuardPeer.SendKeys"/> are new and usable: packets that waited for a session may go.</summary>
    void SessionReady(WireGuardPeer peer);

    /// <summary>The handshake was given up (90 s, whitepaper §6.4): packets that wait for a session are dropped.</summary>
    void HandshakeGivenUp(WireGuardPeer peer);

    /// <summary>
    /// No new packet will find this key pair. Dispose it once the sender and the receiver thread have both passed a point
    /// where they hold no reference (between two batches).
    /// </summary>
    void Retire(KeyPair keyPair);

    /// <summary>
    /// Whether it is known where to send to. Without an endpoint no handshake is started, which saves public-key work for
    /// thousands of peers that were never heard of; whoever sets an endpoint calls <see cref="WireGuardPeer.StartHandshake"/> where one is wanted.
    /// </summary>
    bool HasEndpoint(WireGuardPeer peer) => true;
}
