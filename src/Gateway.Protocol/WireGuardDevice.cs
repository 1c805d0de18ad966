using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Gateway.Protocol;

// Threads. A device and its peers are driven by three threads that never wait for one another:
//   sender    seals data with WireGuardPeer.SendKeys, then calls NoteSent
//   receiver  finds the key pair by index, opens, then calls NoteReceived
//   control   everything else: handshake messages, Service (timers), adding and removing peers
// A Note… that returns true asks for WireGuardPeer.Service on the control thread, soon. Single-threaded callers (tests)
// just call it. Each field that crosses threads has one writer.

/// <summary>The identity of one tunnel and its peers: WireGuard without I/O, both roles.</summary>
public sealed class WireGuardDevice : IDisposable
{
    /// <summary>The longest handshake message and so the size that a reply buffer needs, in bytes.</summary>
    public const int MaxHandshakeBytes = InitiationMessage.Size;

    private readonly DeviceIdentity _identity;
    private readonly Dictionary<PublicKey, WireGuardPeer> _peers = [];
    private readonly RateLimiter _rateLimiter = new();
    private readonly NoiseHandshake _scratch;
    private readonly long[] _results = new long[Enum.GetValues<HandshakeResult>().Length];
    private volatile bool _underLoad;

    /// <summary>Makes a device without peers.</summary>
    /// <param name="privateKey">This end's identity.</param>
    /// <param name="crypto">The cryptographic library.</param>
    /// <param name="random">A cryptographically strong source; only tests hand in another.</param>
    /// <param name="output">Receives what the protocol wants sent.</param>
    public WireGuardDevice(PrivateKey privateKey, ICryptoPrimitives crypto, RandomNumberGenerator random, IPeerOutput output)
    {
        ArgumentNullException.ThrowIfNull(privateKey);
        ArgumentNullException.ThrowIfNull(crypto);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(output);
        _identity = new DeviceIdentity(crypto, random, output);
        _identity.Set(privateKey);
        _scratch = new NoiseHandshake(_identity.Noise);
    }

    /// <summary>This end's public key.</summary>
    public PublicKey PublicKey => _identity.PublicKey;

    /// <summary>Any thread. Whether handshakes must carry a cookie (whitepaper §5.3). Set by the owner from its queue's length.</summary>
    public bool UnderLoad
    {
        get => _underLoad;
        set => _underLoad = value;
    }

    /// <summary>Any thread. How many handshake messages have come to that end.</summary>
    public long CountOf(HandshakeResult result) => Volatile.Read(ref _results[(int)result]);

    /// <summary>Control thread. Adds a peer. Null where the key is this device's own or is already there.</summary>
    /// <remarks>Call <see cref="WireGuardPeer.Service"/> once afterwards: with a persistent keepalive it starts the first handshake.</remarks>
    public WireGuardPeer? AddPeer(PublicKey publicKey, PresharedKey? presharedKey, TimeSpan persistentKeepalive)
    {
        if (publicKey == PublicKey || _peers.ContainsKey(publicKey))
            return null;
        var peer = new WireGuardPeer(_identity, publicKey, presharedKey, persistentKeepalive);
        _peers.Add(publicKey, peer);
        return peer;
    }

    /// <summary>Control thread. Forgets a peer and retires its keys.</summary>
    public void RemovePeer(WireGuardPeer peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (_peers.TryGetValue(peer.PublicKey, out var known) && known == peer)
        {
            _peers.Remove(peer.PublicKey);
            peer.Remove();
        }
    }

    /// <summary>Control thread. Finds a peer.</summary>
    public WireGuardPeer? FindPeer(PublicKey publicKey) => _peers.GetValueOrDefault(publicKey);

    /// <summary>Control thread. Changes this end's identity: every session ends and is negotiated anew.</summary>
    /// <returns>The peer that had to be removed because its key is now this device's own, or null.</returns>
    public WireGuardPeer? SetPrivateKey(PrivateKey privateKey, Moment now)
    {
        ArgumentNullException.ThrowIfNull(privateKey);
        if (CryptographicOperations.FixedTimeEquals(privateKey.Bytes, _identity.PrivateKeyBytes))
            return null;
        _identity.Set(privateKey);
        var self = FindPeer(PublicKey);
        if (self is not null)
            RemovePeer(self);
        foreach (var peer in _peers.Values)
            peer.OnIdentityChanged(now);
        return self;
    }

    /// <summary>Receiver thread, no lock. The key pair that a data message's receiver index names, or null.</summary>
    public KeyPair? FindKeyPair(uint receiverIndex) => _identity.Indices.FindKeyPair(receiverIndex);

    /// <summary>
    /// Control thread. Handles a handshake initiation, response or cookie reply. Refusals change nothing but counters.
    /// </summary>
    /// <param name="message">The whole datagram.</param>
    /// <param name="sourceAddress">The datagram's source address: 4 or 16 bytes (an IPv4-mapped address counts as IPv4).</param>
    /// <param name="sourcePort">The datagram's source port.</param>
    /// <param name="now">The time.</param>
    /// <param name="reply">Receives the answer; at least <see cref="MaxHandshakeBytes"/> long.</param>
    public HandshakeOutcome Receive(ReadOnlySpan<byte> message, ReadOnlySpan<byte> sourceAddress, ushort sourcePort, Moment now, Span<byte> reply)
    {
        var outcome = Handle(message, Unmap(sourceAddress), sourcePort, now, reply);
        // One writer, so that no interlocked operation is needed.
        ref var count = ref _results[(int)outcome.Result];
        Volatile.Write(ref count, count + 1);
        return outcome;
    }

    /// <summary>Erases all keys.</summary>
    public void Dispose()
    {
        foreach (var peer in _peers.Values)
            peer.Remove();
        _peers.Clear();
        _scratch.Clear();
        _identity.Dispose();
    }

    private HandshakeOutcome Handle(ReadOnlySpan<byte> message, ReadOnlySpan<byte> address, ushort port, Moment now, Span<byte> reply)
    {
        var type = message.Length < sizeof(uint) ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(message);
        switch (type, message.Length)
        {
            case (MessageType.CookieReply, CookieReplyMessage.Size):
                return LearnCookie(message, now.Monotonic);
            case (MessageType.Initiation, InitiationMessage.Size) or (MessageType.Response, ResponseMessage.Size):
                break;
            default:
                return Refused(HandshakeResult.Malformed);
        }

        if (!_identity.Cookies.IsMac1Valid(message))
            return Refused(HandshakeResult.BadMac1);
        if (_underLoad)
        {
            if (!_identity.Cookies.IsMac2Valid(message, address, port, now.Monotonic))
                return new HandshakeOutcome(HandshakeResult.CookieSent, null, _identity.Cookies.WriteReply(message, address, port, now.Monotonic, reply));
            if (!_rateLimiter.TryTake(address, now.Monotonic))
                return Refused(HandshakeResult.RateLimited);
        }

        try
        {
            return type == MessageType.Initiation ? ReadInitiation(message, now.Monotonic, reply) : ReadResponse(message, now);
        }
        finally
        {
            _scratch.Clear();
        }
    }

    private HandshakeOutcome ReadInitiation(ReadOnlySpan<byte> message, Instant now, Span<byte> reply)
    {
        Span<byte> remoteStatic = stackalloc byte[WireGuardConstants.KeySize];
        if (!_scratch.ReadInitiatorStatic(_identity.PrivateKeyBytes, _identity.PublicKeyBytes, message[InitiationMessage.Noise], remoteStatic))
            return Refused(HandshakeResult.BadTag);
        var key = new PublicKey(remoteStatic);
        if (FindPeer(key) is not { } peer)
            return Refused(HandshakeResult.UnknownPeer) with { UnknownKey = key };
        var result = peer.Handshake.ReadInitiation(_scratch, message, now, out var sent);
        if (result != HandshakeResult.Responded)
            return Refused(result, peer) with { SenderTime = sent };
        if (peer.Handshake.WriteResponse(_scratch, message, now, reply[..ResponseMessage.Size]) is not { } keyPair)
            return Refused(HandshakeResult.BadTag, peer);
        peer.OnResponded(keyPair, now);
        return new HandshakeOutcome(HandshakeResult.Responded, peer, ResponseMessage.Size) { SenderTime = sent };
    }

    private HandshakeOutcome ReadResponse(ReadOnlySpan<byte> message, Moment now)
    {
        if (_identity.Indices.FindHandshake(ResponseMessage.ReadReceiver(message)) is not { } peer)
            return Refused(HandshakeResult.NotExpected);
        if (peer.Handshake.ReadResponse(message, now.Monotonic, _scratch) is not { } keyPair)
            return Refused(HandshakeResult.BadTag, peer);
        peer.OnCompleted(keyPair, now);
        return new HandshakeOutcome(HandshakeResult.Completed, peer, 0);
    }

    private HandshakeOutcome LearnCookie(ReadOnlySpan<byte> message, Instant now)
    {
        // A cookie can answer an initiation or a response, whose index is already a session's.
        var index = CookieReplyMessage.ReadReceiver(message);
        var peer = _identity.Indices.FindHandshake(index) ?? FindKeyPair(index)?.Peer;
        return peer is null ? Refused(HandshakeResult.NotExpected) : Refused(peer.Handshake.LearnCookie(message, now), peer);
    }

    private static HandshakeOutcome Refused(HandshakeResult result, WireGuardPeer? peer = null) => new(result, peer, 0);

    // A dual-stack socket shows IPv4 sources as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2).
    private static ReadOnlySpan<byte> Unmap(ReadOnlySpan<byte> address) =>
        address.Length == 16 && address.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) ? address[12..] : address;
}
