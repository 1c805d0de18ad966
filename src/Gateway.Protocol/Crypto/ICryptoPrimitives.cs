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
