using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>
/// The cryptographic side of one peer's handshakes in both roles: makes initiations and responses, reads them, and derives key pairs.
/// When a handshake is made is decided elsewhere. Control thread only.
/// </summary>
/// <remarks>
/// Our own initiation and the peer's do not disturb each other: where both ends start at once, both handshakes complete and the later one is used.
/// </remarks>
internal sealed class PeerHandshake
{
    private readonly DeviceIdentity _identity;
    private readonly WireGuardPeer _peer;
    private readonly NoiseHandshake _initiator;
    private readonly CookieJar _cookies;
    private readonly byte[] _remoteStatic = new byte[WireGuardConstants.KeySize];
    private readonly byte[] _staticShared = GC.AllocateArray<byte>(WireGuardConstants.KeySize, pinned: true);
    private readonly byte[] _presharedKey = GC.AllocateArray<byte>(WireGuardConstants.KeySize, pinned: true);
    private uint _localIndex;
    private Tai64n _lastSent;
    private Tai64n _lastReceived;
    private Instant _lastReceivedAt;

    internal PeerHandshake(DeviceIdentity identity, WireGuardPeer peer)
    {
        _identity = identity;
        _peer = peer;
        _initiator = new NoiseHandshake(identity.Noise);
        peer.PublicKey.CopyTo(_remoteStatic);
        _cookies = new CookieJar(identity.Crypto, _remoteStatic);
        SetIdentity();
    }

    /// <summary>False where the peer's public key has low order: no handshake can succeed.</summary>
    internal bool CanAgree { get; private set; }

    /// <summary>Whether a response is waited for.</summary>
    internal bool IsUnderWay { get; private set; }

    /// <summary>After the device's private key changed.</summary>
    internal void SetIdentity()
    {
        CanAgree = _identity.Crypto.TryAgree(_identity.PrivateKeyBytes, _remoteStatic, _staticShared);
        _cookies.Clear();
    }

    /// <summary>False where it is the key in use already.</summary>
    internal bool TrySetPresharedKey(PresharedKey? key)
    {
        Span<byte> none = stackalloc byte[WireGuardConstants.KeySize];
        none.Clear();
        var bytes = key is null ? none : key.Bytes;
        if (CryptographicOperations.FixedTimeEquals(bytes, _presharedKey))
            return false;
        bytes.CopyTo(_presharedKey);
        return true;
    }

    /// <summary>Makes an initiation with fresh keys and a fresh index; an earlier one is forgotten. False where the peer's key has low order.</summary>
    internal bool TryWriteInitiation(Span<byte> message, Moment now)
    {
        Abandon();
        Span<byte> ephemeral = stackalloc byte[WireGuardConstants.KeySize];
        Span<byte> timestamp = stackalloc byte[WireGuardConstants.TimestampSize];
        _identity.Random.GetBytes(ephemeral);
        var time = Tai64n.From(now.Utc);
        _lastSent = time.IsAfter(_lastSent) ? time : _lastSent.Next();
        _lastSent.Write(timestamp);

        var written = CanAgree && _initiator.WriteInitiation(
            _identity.PublicKeyBytes, _remoteStatic, _staticShared, ephemeral, timestamp, message[InitiationMessage.Noise]);
        CryptographicOperations.ZeroMemory(ephemeral);
        if (!written)
        {
            _initiator.Clear();
            return false;
        }

        _localIndex = _identity.Indices.AddHandshake(_peer);
        IsUnderWay = true;
        InitiationMessage.WriteHeader(message, _localIndex);
        _cookies.AddMacs(message, now.Monotonic);
        return true;
    }

    /// <summary>Checks the rest of an initiation whose static key is this peer's.</summary>
    /// <param name="handshake">The state after <see cref="NoiseHandshake.ReadInitiatorStatic"/>.</param>
    /// <param name="message">The initiation.</param>
    /// <param name="now">The time.</param>
    /// <param name="sent">When it was made by the peer's clock; null where it is not authentic.</param>
    /// <returns><see cref="HandshakeResult.Responded"/> where it is good and new; nothing has changed otherwise.</returns>
    internal HandshakeResult ReadInitiation(NoiseHandshake handshake, ReadOnlySpan<byte> message, Instant now, out DateTimeOffset? sent)
    {
        sent = null;
        Span<byte> timestamp = stackalloc byte[WireGuardConstants.TimestampSize];
        if (!CanAgree || !handshake.ReadInitiationPayload(_staticShared, message[InitiationMessage.Noise], timestamp))
            return HandshakeResult.BadTag;
        var time = Tai64n.Read(timestamp);
        sent = time.ToUtc();
        if (!time.IsAfter(_lastReceived))
            return HandshakeResult.OldTimestamp;
        if (!_lastReceivedAt.IsNever && now - _lastReceivedAt < LocalLimits.MinInitiationInterval)
            return HandshakeResult.RateLimited;
        _lastReceived = time;
        _lastReceivedAt = now;
        return HandshakeResult.Responded;
    }

    /// <summary>Answers an initiation that <see cref="ReadInitiation"/> accepted. Null where its ephemeral key has low order.</summary>
    internal KeyPair? WriteResponse(NoiseHandshake handshake, ReadOnlySpan<byte> initiation, Instant now, Span<byte> message)
    {
        Span<byte> ephemeral = stackalloc byte[WireGuardConstants.KeySize];
        _identity.Random.GetBytes(ephemeral);
        var written = handshake.WriteResponse(ephemeral, _remoteStatic, _presharedKey, default, message[ResponseMessage.Noise]);
        CryptographicOperations.ZeroMemory(ephemeral);
        if (!written)
            return null;

        var remoteIndex = InitiationMessage.ReadSender(initiation);
        var keyPair = DeriveKeyPair(handshake, _identity.Indices.Draw(), remoteIndex, isInitiator: false, now);
        ResponseMessage.WriteHeader(message, keyPair.LocalIndex, remoteIndex);
        _cookies.AddMacs(message, now);
        return keyPair;
    }

    /// <summary>Reads the response to the last initiation. Null, and the handshake still waits for the right one, where it does not verify.</summary>
    /// <param name="message">The response.</param>
    /// <param name="now">The time.</param>
    /// <param name="scratch">A state to work on, so that a forged response costs us nothing.</param>
    internal KeyPair? ReadResponse(ReadOnlySpan<byte> message, Instant now, NoiseHandshake scratch)
    {
        scratch.CopyFrom(_initiator);
        if (!scratch.ReadResponse(_identity.PrivateKeyBytes, _presharedKey, message[ResponseMessage.Noise], default))
            return null;
        // The index goes over from the handshake to the session.
        var keyPair = DeriveKeyPair(scratch, _localIndex, ResponseMessage.ReadSender(message), isInitiator: true, now);
        Abandon();
        return keyPair;
    }

    internal HandshakeResult LearnCookie(ReadOnlySpan<byte> message, Instant now) => _cookies.Learn(message, now);

    /// <summary>Forgets our initiation and erases its keys.</summary>
    internal void Abandon()
    {
        if (!IsUnderWay)
            return;
        IsUnderWay = false;
        _identity.Indices.RemoveHandshake(_localIndex);
        _initiator.Clear();
    }

    /// <summary>Erases everything secret; the peer was removed.</summary>
    internal void Erase()
    {
        Abandon();
        CryptographicOperations.ZeroMemory(_staticShared);
        CryptographicOperations.ZeroMemory(_presharedKey);
        _cookies.Clear();
    }

    private KeyPair DeriveKeyPair(NoiseHandshake handshake, uint localIndex, uint remoteIndex, bool isInitiator, Instant now)
    {
        Span<byte> fromInitiator = stackalloc byte[WireGuardConstants.KeySize];
        Span<byte> fromResponder = stackalloc byte[WireGuardConstants.KeySize];
        handshake.Split(fromInitiator, fromResponder);
        var sending = _identity.Crypto.CreateAeadKey(isInitiator ? fromInitiator : fromResponder);
        var receiving = _identity.Crypto.CreateAeadKey(isInitiator ? fromResponder : fromInitiator);
        CryptographicOperations.ZeroMemory(fromInitiator);
        CryptographicOperations.ZeroMemory(fromResponder);
        return new KeyPair(_peer, localIndex, remoteIndex, isInitiator, sending, receiving, now);
    }
}
