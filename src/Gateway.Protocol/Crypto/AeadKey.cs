namespace Gateway.Protocol;

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
