namespace Gateway.Protocol;

/// <summary>
/// The seam to the cryptographic library. Everything here is stateless but <see cref="CreateAeadKey"/>,
/// whose result keeps a prepared context, because it runs once a packet.
/// </summary>
public interface ICryptoPrimitives
{
    /// <summary>X25519 with the base point (RFC 7748 §6.1).</summary>
    void DerivePublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey);

    /// <summary>X25519 (RFC 7748 §6.1). False where the shared secret is all zero: the peer's point has low order.</summary>
    bool TryAgree(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret);

    /// <summary>BLAKE2s-256 of the concatenation of both inputs (RFC 7693).</summary>
    void Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash32);

    /// <summary>Keyed BLAKE2s with an output of 16 bytes (RFC 7693 §2.9).</summary>
    void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> mac16);

    /// <summary>ChaCha20-Poly1305 (RFC 8439 §2.8): ciphertext and tag, 16 bytes longer than the plaintext.</summary>
    void Seal(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> sealedOutput);

    /// <summary>Opens what <see cref="Seal"/> made. False, with the output zeroed, where the tag does not verify.</summary>
    bool TryOpen(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> sealedInput, Span<byte> plaintext);

    /// <summary>XChaCha20-Poly1305 with a nonce of 24 bytes (draft-irtf-cfrg-xchacha), for cookies.</summary>
    void SealX(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> sealedOutput);

    /// <summary>Opens what <see cref="SealX"/> made.</summary>
    bool TryOpenX(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> sealedInput, Span<byte> plaintext);

    /// <summary>Prepares one transport key, for one direction and one thread at a time.</summary>
    AeadKey CreateAeadKey(ReadOnlySpan<byte> key);
}

/// <summary>
/// One prepared ChaCha20-Poly1305 key of a session, without associated data; the nonce is 32 zero bits and the
/// little-endian message counter (WireGuard §5.4.6). Owned by one thread at a time; disposing erases it.
/// </summary>
public abstract class AeadKey : IDisposable
{
    /// <summary>Bytes that sealing adds.</summary>
    public const int TagSize = 16;

    /// <summary>
    /// Seals into <paramref name="output"/>, which is <see cref="TagSize"/> longer. Input and output are either the same
    /// start (in place) or do not overlap.
    /// </summary>
    public abstract void Seal(ulong counter, ReadOnlySpan<byte> plaintext, Span<byte> output);

    /// <summary>Opens, in place or out of place. False where the tag does not verify; the output is then worthless.</summary>
    public abstract bool TryOpen(ulong counter, ReadOnlySpan<byte> ciphertextAndTag, Span<byte> output);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Erases the key.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>The primitives from the system's libcrypto (OpenSSL 3).</summary>
public sealed class LibcryptoPrimitives : ICryptoPrimitives
{
    // CONTRACT STUB
    /// <inheritdoc/>
    public void DerivePublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey) => throw new NotImplementedException();
    /// <inheritdoc/>
    public bool TryAgree(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret) => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash32) => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> mac16) => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Seal(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> sealedOutput) => throw new NotImplementedException();
    /// <inheritdoc/>
    public bool TryOpen(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> sealedInput, Span<byte> plaintext) => throw new NotImplementedException();
    /// <inheritdoc/>
    public void SealX(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> sealedOutput) => throw new NotImplementedException();
    /// <inheritdoc/>
    public bool TryOpenX(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> sealedInput, Span<byte> plaintext) => throw new NotImplementedException();
    /// <inheritdoc/>
    public AeadKey CreateAeadKey(ReadOnlySpan<byte> key) => throw new NotImplementedException();
}
