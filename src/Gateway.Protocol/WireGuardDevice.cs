using System.Security.Cryptography;

namespace Gateway.Protocol;
// CONTRACT STUB: to be completed. Public shapes are what the engine relies on.
//
// Threads. A device and its peers are driven by three threads that never wait for one another:
//   sender    seals data with WireGuardPeer.SendKeys, then calls NoteSent
//   receiver  finds the key pair by index, opens, then calls NoteReceived
//   control   everything else: handshake messages, Service (timers), adding and removing peers
// A Note… that returns true asks for WireGuardPeer.Service on the control thread, soon. Single-threaded callers (tests)
// just call it. Each field that crosses threads has one writer.

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
}

/// <summary>What came of a handshake message.</summary>
public enum HandshakeResult
{
    /// <summary>An initiation was authenticated; the reply is the response, to be sent to the datagram's source. The peer's endpoint moves there.</summary>
    Responded,
    /// <summary>A response was authenticated: the session is up. The peer's endpoint moves to the datagram's source.</summary>
    Completed,
    /// <summary>Under load and without a valid mac2: the reply is a cookie reply, to be sent to the datagram's source.</summary>
    CookieSent,
    /// <summary>A cookie was learned; the next initiation carries mac2.</summary>
    CookieLearned,
    /// <summary>Wrong length, type, or reserved bytes.</summary>
    Malformed,
    /// <summary>mac1 does not verify: it was not made for our public key.</summary>
    BadMac1,
    /// <summary>An initiation from a public key that no peer has.</summary>
    UnknownPeer,
    /// <summary>A tag inside the handshake does not verify, or a public key has low order; for a response possibly a different pre-shared key.</summary>
    BadTag,
    /// <summary>The TAI64N timestamp is not later than the last one: a replay, or a clock that went back.</summary>
    OldTimestamp,
    /// <summary>More initiations than a source or peer may send.</summary>
    RateLimited,
    /// <summary>A response or cookie for a handshake that is not under way.</summary>
    NotExpected,
}

/// <summary>What came of a handshake message, for whom, and what to answer.</summary>
/// <param name="Result">The outcome.</param>
/// <param name="Peer">The peer: authenticated for <see cref="HandshakeResult.Responded"/> and <see cref="HandshakeResult.Completed"/>, where known otherwise, else null.</param>
/// <param name="ReplyLength">Bytes written to the reply buffer; 0 = no answer.</param>
public readonly record struct HandshakeOutcome(HandshakeResult Result, WireGuardPeer? Peer, int ReplyLength);

/// <summary>The identity of one tunnel and its peers: WireGuard without I/O, both roles.</summary>
public sealed class WireGuardDevice : IDisposable
{
    /// <summary>The longest handshake message and so the size that a reply buffer needs, in bytes.</summary>
    public const int MaxHandshakeBytes = 148;

    /// <summary>Makes a device without peers.</summary>
    public WireGuardDevice(PrivateKey privateKey, ICryptoPrimitives crypto, RandomNumberGenerator random, IPeerOutput output) => throw new NotImplementedException();

    /// <summary>This end's public key.</summary>
    public PublicKey PublicKey => throw new NotImplementedException();

    /// <summary>Whether handshakes must carry a cookie (whitepaper §5.3). Set by the owner from its queue's length.</summary>
    public bool UnderLoad { get; set; }

    /// <summary>Control thread. Adds a peer. Null where the key is this device's own or is already there.</summary>
    public WireGuardPeer? AddPeer(PublicKey publicKey, PresharedKey? presharedKey, TimeSpan persistentKeepalive) => throw new NotImplementedException();

    /// <summary>Control thread. Forgets a peer and retires its keys.</summary>
    public void RemovePeer(WireGuardPeer peer) => throw new NotImplementedException();

    /// <summary>Control thread. Finds a peer.</summary>
    public WireGuardPeer? FindPeer(PublicKey publicKey) => throw new NotImplementedException();

    /// <summary>Control thread. Changes this end's identity: every session ends and is negotiated anew.</summary>
    public void SetPrivateKey(PrivateKey privateKey, Moment now) => throw new NotImplementedException();

    /// <summary>Receiver thread, no lock. The key pair that a data message's receiver index names, or null.</summary>
    public KeyPair? FindKeyPair(uint receiverIndex) => throw new NotImplementedException();

    /// <summary>
    /// Control thread. Handles a handshake initiation, response or cookie reply. Refusals change nothing but counters.
    /// </summary>
    /// <param name="message">The whole datagram.</param>
    /// <param name="sourceAddress">The datagram's source address: 4 or 16 bytes (an IPv4-mapped address counts as IPv4).</param>
    /// <param name="sourcePort">The datagram's source port.</param>
    /// <param name="now">The time.</param>
    /// <param name="reply">Receives the answer; at least <see cref="MaxHandshakeBytes"/> long.</param>
    public HandshakeOutcome Receive(ReadOnlySpan<byte> message, ReadOnlySpan<byte> sourceAddress, ushort sourcePort, Moment now, Span<byte> reply) => throw new NotImplementedException();

    /// <summary>Erases all keys.</summary>
    public void Dispose() => throw new NotImplementedException();
}

/// <summary>One peer of a device: its handshake state, its three key pairs, its timers.</summary>
public sealed class WireGuardPeer
{
    internal WireGuardPeer() { }

    /// <summary>Who it is.</summary>
    public PublicKey PublicKey => throw new NotImplementedException();

    /// <summary>The owner's object for this peer (the engine's peer).</summary>
    public object? Owner { get; set; }

    /// <summary>Any thread. The key pair to send with, or null while there is none.</summary>
    public KeyPair? SendKeys => throw new NotImplementedException();

    /// <summary>Any thread. When the last session was derived, UTC; null = never.</summary>
    public DateTimeOffset? LastHandshake => throw new NotImplementedException();

    /// <summary>Control thread. A changed pre-shared key ends the sessions made with the old one.</summary>
    public void SetPresharedKey(PresharedKey? key, Moment now) => throw new NotImplementedException();

    /// <summary>Control thread. Zero turns it off; when turned on, one is sent at once (as wg does).</summary>
    public void SetPersistentKeepalive(TimeSpan interval, Moment now) => throw new NotImplementedException();

    /// <summary>Control thread. Starts a handshake now unless one is under way or was started less than 5 s ago.</summary>
    public void StartHandshake(Moment now) => throw new NotImplementedException();

    /// <summary>Sender thread. Something was sealed and sent. <paramref name="data"/> is false for keepalives. True = call <see cref="Service"/>.</summary>
    public bool NoteSent(KeyPair keyPair, bool data, Instant now) => throw new NotImplementedException();

    /// <summary>Sender thread. A packet waits, but there are no usable keys: a handshake is wanted. True = call <see cref="Service"/>.</summary>
    public bool NoteWaiting(Instant now) => throw new NotImplementedException();

    /// <summary>Receiver thread. A message was opened. <paramref name="data"/> is false for keepalives. True = call <see cref="Service"/>.</summary>
    public bool NoteReceived(KeyPair keyPair, bool data, Instant now) => throw new NotImplementedException();

    /// <summary>
    /// Control thread. Does everything that is due: starts or repeats handshakes, passive and persistent keepalives, promotes the
    /// next key pair after its first message, erases old keys. Answers when to be called next at the latest (<see cref="Instant.Infinity"/>: only when a Note… asks).
    /// </summary>
    public Instant Service(Moment now) => throw new NotImplementedException();
}

/// <summary>What came of opening a data message.</summary>
public enum OpenResult
{
    /// <summary>Authentic and new.</summary>
    Ok,
    /// <summary>Too short, or not a multiple of 16 bytes.</summary>
    Malformed,
    /// <summary>The key is older than 180 s or used up.</summary>
    Expired,
    /// <summary>The tag does not verify.</summary>
    BadTag,
    /// <summary>The counter was seen before or is older than the window.</summary>
    Replay,
}

/// <summary>The transport keys of one session, both directions. The sending half belongs to the sender thread, the receiving half to the receiver thread.</summary>
public sealed class KeyPair : IDisposable
{
    /// <summary>Bytes before the ciphertext: type, receiver index, counter (whitepaper §5.4.6).</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes that a data message is longer than its padded plaintext.</summary>
    public const int OverheadBytes = HeaderBytes + AeadKey.TagSize;

    internal KeyPair() { }

    /// <summary>Whose session.</summary>
    public WireGuardPeer Peer => throw new NotImplementedException();

    /// <summary>The index by which the peer names this session.</summary>
    public uint LocalIndex => throw new NotImplementedException();

    /// <summary>
    /// Sender thread. Reserves counters for that many messages. False where the key is too old (180 s) or would pass the message limit:
    /// then <see cref="WireGuardPeer.NoteWaiting"/>.
    /// </summary>
    public bool TryReserve(int messages, Instant now, out ulong firstCounter) => throw new NotImplementedException();

    /// <summary>
    /// Sender thread. Writes a whole data message: header, ciphertext, tag. The plaintext is padded by the caller.
    /// </summary>
    /// <param name="counter">A reserved counter, used once.</param>
    /// <param name="plaintext">Starts at <c>message[HeaderBytes]</c> (in place) or does not overlap <paramref name="message"/>.</param>
    /// <param name="message"><see cref="OverheadBytes"/> longer than the plaintext.</param>
    public void Seal(ulong counter, ReadOnlySpan<byte> plaintext, Span<byte> message) => throw new NotImplementedException();

    /// <summary>
    /// Receiver thread. Opens a whole data message in place: the plaintext starts at <c>message[HeaderBytes]</c>. The replay window moves only
    /// when the result is <see cref="OpenResult.Ok"/>.
    /// </summary>
    public OpenResult TryOpen(Span<byte> message, Instant now, out int plaintextBytes) => throw new NotImplementedException();

    /// <summary>Erases both halves.</summary>
    public void Dispose() => throw new NotImplementedException();
}
