using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>
/// One Noise IKpsk2 handshake: the symmetric state (specification §5.2) and the four steps of the pattern.
/// <code>
/// IKpsk2:
///   ← s
///   …
///   → e, es, s, ss      WriteInitiation / ReadInitiatorStatic, ReadInitiationPayload
///   ← e, ee, se, psk    WriteResponse   / ReadResponse
/// </code>
/// A step that answers false leaves a state that is good for nothing but <see cref="Clear"/>: work on a copy where it must survive.
/// </summary>
internal sealed class NoiseHandshake
{
    private const int KeySize = WireGuardConstants.KeySize;
    private const int TagSize = WireGuardConstants.TagSize;
    private const int StaticAt = KeySize;
    private const int PayloadAt = StaticAt + KeySize + TagSize;

    private readonly NoiseProtocol _protocol;
    private readonly ICryptoPrimitives _crypto;

    // Chaining key, hash, ephemeral private key, remote ephemeral, and the key of the message being worked on.
    // One pinned block, so that one call erases it and the garbage collector leaves no copies.
    private readonly byte[] _state = GC.AllocateArray<byte>(5 * KeySize, pinned: true);

    internal NoiseHandshake(NoiseProtocol protocol)
    {
        _protocol = protocol;
        _crypto = protocol.Crypto;
    }

    /// <summary>The handshake hash: a public value that both ends share at the end.</summary>
    internal ReadOnlySpan<byte> Hash => HashValue;

    private Span<byte> ChainingKey => _state.AsSpan(0, KeySize);

    private Span<byte> HashValue => _state.AsSpan(KeySize, KeySize);

    private Span<byte> Ephemeral => _state.AsSpan(2 * KeySize, KeySize);

    private Span<byte> RemoteEphemeral => _state.AsSpan(3 * KeySize, KeySize);

    private Span<byte> Key => _state.AsSpan(4 * KeySize, KeySize);

    internal void CopyFrom(NoiseHandshake other) => other._state.CopyTo(_state, 0);

    internal void Clear() => CryptographicOperations.ZeroMemory(_state);

    /// <summary>Initiator: e, es, s, ss and the payload. False where the responder's key has low order.</summary>
    internal bool WriteInitiation(
        ReadOnlySpan<byte> localStaticPublic, ReadOnlySpan<byte> remoteStatic, ReadOnlySpan<byte> staticShared, ReadOnlySpan<byte> ephemeralPrivate,
        ReadOnlySpan<byte> payload, Span<byte> output)
    {
        Start(remoteStatic);
        ephemeralPrivate.CopyTo(Ephemeral);
        var ephemeral = output[..KeySize];
        _crypto.DerivePublicKey(Ephemeral, ephemeral);
        MixEphemeral(ephemeral);
        if (!MixAgreement(Ephemeral, remoteStatic))
            return false;
        EncryptAndHash(localStaticPublic, output[StaticAt..PayloadAt]);
        MixKey(staticShared);
        EncryptAndHash(payload, output[PayloadAt..]);
        return true;
    }

    /// <summary>Responder: e, es, s. Tells who the initiator says it is; that it is true shows in <see cref="ReadInitiationPayload"/>.</summary>
    internal bool ReadInitiatorStatic(ReadOnlySpan<byte> localStaticPrivate, ReadOnlySpan<byte> localStaticPublic, ReadOnlySpan<byte> input, Span<byte> remoteStatic)
    {
        Start(localStaticPublic);
        var ephemeral = input[..KeySize];
        ephemeral.CopyTo(RemoteEphemeral);
        MixEphemeral(ephemeral);
        return MixAgreement(localStaticPrivate, ephemeral) && DecryptAndHash(input[StaticAt..PayloadAt], remoteStatic);
    }

    /// <summary>Responder: ss and the payload.</summary>
    internal bool ReadInitiationPayload(ReadOnlySpan<byte> staticShared, ReadOnlySpan<byte> input, Span<byte> payload)
    {
        MixKey(staticShared);
        return DecryptAndHash(input[PayloadAt..], payload);
    }

    /// <summary>Responder: e, ee, se, psk and the payload.</summary>
    internal bool WriteResponse(ReadOnlySpan<byte> ephemeralPrivate, ReadOnlySpan<byte> remoteStatic, ReadOnlySpan<byte> presharedKey, ReadOnlySpan<byte> payload, Span<byte> output)
    {
        ephemeralPrivate.CopyTo(Ephemeral);
        var ephemeral = output[..KeySize];
        _crypto.DerivePublicKey(Ephemeral, ephemeral);
        MixEphemeral(ephemeral);
        if (!MixAgreement(Ephemeral, RemoteEphemeral) || !MixAgreement(Ephemeral, remoteStatic))
            return false;
        MixPresharedKey(presharedKey);
        EncryptAndHash(payload, output[KeySize..]);
        return true;
    }

    /// <summary>Initiator: e, ee, se, psk and the payload.</summary>
    internal bool ReadResponse(ReadOnlySpan<byte> localStaticPrivate, ReadOnlySpan<byte> presharedKey, ReadOnlySpan<byte> input, Span<byte> payload)
    {
        var ephemeral = input[..KeySize];
        MixEphemeral(ephemeral);
        if (!MixAgreement(Ephemeral, ephemeral) || !MixAgreement(localStaticPrivate, ephemeral))
            return false;
        MixPresharedKey(presharedKey);
        return DecryptAndHash(input[KeySize..], payload);
    }

    /// <summary>Splits the finished state into both transport keys and erases it.</summary>
    internal void Split(Span<byte> initiatorToResponder, Span<byte> responderToInitiator)
    {
        KeyDerivation.Derive(_crypto, ChainingKey, default, initiatorToResponder, responderToInitiator);
        Clear();
    }

    private void Start(ReadOnlySpan<byte> responderStatic)
    {
        _protocol.ChainingKey.CopyTo(ChainingKey);
        _protocol.Hash.CopyTo(HashValue);
        MixHash(responderStatic);
    }

    // With a psk in the pattern an ephemeral is mixed into the key as well (specification §9.2).
    private void MixEphemeral(ReadOnlySpan<byte> ephemeral)
    {
        MixHash(ephemeral);
        KeyDerivation.Derive(_crypto, ChainingKey, ephemeral, ChainingKey);
    }

    private bool MixAgreement(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey)
    {
        Span<byte> shared = stackalloc byte[KeySize];
        var agreed = _crypto.TryAgree(privateKey, publicKey, shared);
        if (agreed)
            MixKey(shared);
        CryptographicOperations.ZeroMemory(shared);
        return agreed;
    }

    private void MixKey(ReadOnlySpan<byte> input) => KeyDerivation.Derive(_crypto, ChainingKey, input, ChainingKey, Key);

    private void MixPresharedKey(ReadOnlySpan<byte> presharedKey)
    {
        Span<byte> toHash = stackalloc byte[KeySize];
        KeyDerivation.Derive(_crypto, ChainingKey, presharedKey, ChainingKey, toHash, Key);
        MixHash(toHash);
        CryptographicOperations.ZeroMemory(toHash);
    }

    private void MixHash(ReadOnlySpan<byte> data) => _crypto.Hash(HashValue, data, HashValue);

    // Each key seals one message in this pattern, so that the counter is always zero.
    private void EncryptAndHash(ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        output = output[..(plaintext.Length + TagSize)];
        _crypto.Seal(Key, 0, HashValue, plaintext, output);
        MixHash(output);
    }

    private bool DecryptAndHash(ReadOnlySpan<byte> input, Span<byte> plaintext)
    {
        if (!_crypto.TryOpen(Key, 0, HashValue, input, plaintext))
            return false;
        MixHash(input);
        return true;
    }
}
