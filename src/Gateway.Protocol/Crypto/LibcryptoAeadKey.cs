using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using static Gateway.Protocol.Libcrypto;

namespace Gateway.Protocol;

/// <summary>
/// libcrypto's own ChaCha20-Poly1305 on a kept cipher context for each direction: the key is set once, a message costs its nonce, update, final and tag.
/// For handshakes, cookies and long packets; others go through <see cref="LibcryptoDataKey"/>.
/// </summary>
/// <remarks>
/// The contexts are made when first used, so that a session's receiving key has no sealing context. The tag goes through
/// get_params and set_params, which costs 20 ns less than EVP_CIPHER_CTX_ctrl: that builds the same parameter and more.
/// OpenSSL erases a context's key when it is freed.
/// </remarks>
internal sealed unsafe class LibcryptoAeadKey : AeadKey
{
    private const int KeySize = 32;
    private const int NonceSize = 12;

    private readonly nint _cipher;
    private readonly byte[] _key;
    private nint _sealing;
    private nint _opening;
    private bool _disposed;

    internal LibcryptoAeadKey(nint cipher, ReadOnlySpan<byte> key)
    {
        if (key.Length != KeySize)
            throw new ArgumentException("A ChaCha20-Poly1305 key has 32 bytes.", nameof(key));
        _cipher = cipher;
        _key = GC.AllocateUninitializedArray<byte>(KeySize, pinned: true);
        key.CopyTo(_key);
    }

    /// <inheritdoc/>
    public override void Seal(ulong counter, ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        var nonce = stackalloc byte[NonceSize];
        Seal(WriteNonce(nonce, counter), default, plaintext, output);
    }

    /// <inheritdoc/>
    public override bool TryOpen(ulong counter, ReadOnlySpan<byte> ciphertextAndTag, Span<byte> output)
    {
        var nonce = stackalloc byte[NonceSize];
        return TryOpen(WriteNonce(nonce, counter), default, ciphertextAndTag, output);
    }

    internal void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        if (nonce.Length != NonceSize || output.Length < plaintext.Length + TagSize)
            ThrowWrongLength();
        var context = _sealing != 0 ? _sealing : CreateContext(ref _sealing, encrypt: 1);
        int written;
        // SAFETY: the nonce has 12 bytes and the output room for the ciphertext and the tag, both checked above; libcrypto keeps no pointer.
        fixed (byte* iv = nonce, aad = associatedData, from = plaintext, to = output, name = "tag\0"u8)
        {
            var parameters = stackalloc OsslParam[2];
            var result = EVP_CipherInit_ex2(context, 0, null, iv, 1, null);
            if (associatedData.Length != 0)
                result &= EVP_CipherUpdate(context, null, &written, aad, associatedData.Length);
            if (plaintext.Length != 0)
                result &= EVP_CipherUpdate(context, to, &written, from, plaintext.Length);
            result &= EVP_CipherFinal_ex(context, to + plaintext.Length, &written);
            DescribeTag(parameters, name, to + plaintext.Length);
            result &= EVP_CIPHER_CTX_get_params(context, parameters);
            Check(result);
        }

        // Without it the finalizer might free the context of a key that nobody else refers to any more during the calls above.
        GC.KeepAlive(this);
    }

    internal bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertextAndTag, Span<byte> output)
    {
        var length = ciphertextAndTag.Length - TagSize;
        if (nonce.Length != NonceSize || length < 0 || output.Length < length)
            ThrowWrongLength();
        var context = _opening != 0 ? _opening : CreateContext(ref _opening, encrypt: 0);
        int written;
        bool authentic;
        // SAFETY: the nonce has 12 bytes, the input a tag behind the ciphertext, the output room for the plaintext, all checked above; libcrypto copies the tag.
        fixed (byte* iv = nonce, aad = associatedData, from = ciphertextAndTag, to = output, name = "tag\0"u8)
        {
            var parameters = stackalloc OsslParam[2];
            byte nowhere;
            var result = EVP_CipherInit_ex2(context, 0, null, iv, 0, null);
            DescribeTag(parameters, name, from + length);
            result &= EVP_CIPHER_CTX_set_params(context, parameters);
            if (associatedData.Length != 0)
                result &= EVP_CipherUpdate(context, null, &written, aad, associatedData.Length);
            if (length != 0)
                result &= EVP_CipherUpdate(context, to, &written, from, length);
            Check(result);
            authentic = EVP_CipherFinal_ex(context, &nowhere, &written) > 0;
        }

        GC.KeepAlive(this);
        if (!authentic)
            ERR_clear_error();
        return authentic;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        EVP_CIPHER_CTX_free(_sealing);
        EVP_CIPHER_CTX_free(_opening);
        _sealing = _opening = 0;
        _disposed = true;
        CryptographicOperations.ZeroMemory(_key);
    }

    /// <summary>Frees the contexts of a key that was never disposed.</summary>
    ~LibcryptoAeadKey() => Dispose(false);

    private nint CreateContext(ref nint field, int encrypt)
    {
        // An erased key is all zero: to seal with it would be to send in the clear.
        ObjectDisposedException.ThrowIf(_disposed, this);
        var context = Check(EVP_CIPHER_CTX_new());
        // SAFETY: the key is a pinned array of 32 bytes.
        fixed (byte* key = _key)
            Check(EVP_CipherInit_ex2(context, _cipher, key, null, encrypt, null));
        return field = context;
    }

    private static void DescribeTag(OsslParam* parameters, byte* name, byte* tag)
    {
        // SAFETY: the callers hand in two parameters of their own frame, a zero-terminated literal and 16 bytes of their pinned message.
        parameters[0] = new OsslParam { Key = name, DataType = OsslParam.OctetString, Data = tag, DataSize = TagSize };
        parameters[1] = default;
    }

    private static ReadOnlySpan<byte> WriteNonce(byte* nonce, ulong counter)
    {
        // SAFETY: the callers hand in 12 bytes of their own frame.
        var span = new Span<byte>(nonce, NonceSize);
        span[..4].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(span[4..], counter);
        return span;
    }

    [DoesNotReturn]
    private static void ThrowWrongLength() => throw new ArgumentException("A nonce, message or output has the wrong length.");
}
