using System.Buffers.Binary;
using System.Security.Cryptography;
using static Gateway.Protocol.Libcrypto;

namespace Gateway.Protocol;

/// <summary>
/// The primitives from the system's libcrypto (OpenSSL 3): X25519, BLAKE2S-256, BLAKE2SMAC, ChaCha20-Poly1305, ChaCha20, Poly1305.
/// Any number of threads may share one.
/// </summary>
public sealed unsafe class LibcryptoPrimitives : ICryptoPrimitives
{
    private const int KeySize = 32;
    private const int HashSize = 32;
    private const int MacSize = 16;
    private const int NonceSize = 12;
    private const int ExtendedNonceSize = 24;

    // openssl/evp.h: EVP_PKEY_KEYPAIR, the parts that EVP_PKEY_fromdata takes.
    private const int KeypairSelection = 0x87;

    // Fetched once: a fetch by name takes a lock and a search through the providers. They live as long as the process.
    private readonly nint _blake2s;
    private readonly nint _blake2sMac;
    private readonly nint _chacha20;
    private readonly nint _chacha20Poly1305;
    private readonly nint _poly1305;

    /// <summary>Loads libcrypto and looks up its algorithms.</summary>
    /// <exception cref="PlatformNotSupportedException">libcrypto, or an algorithm in it, is not there. The message says what to install.</exception>
    public LibcryptoPrimitives()
    {
        EnsureLoaded();
        // SAFETY: the names are zero-terminated literals.
        fixed (byte* blake2s = "BLAKE2S-256\0"u8, blake2sMac = "BLAKE2SMAC\0"u8, chacha20 = "ChaCha20\0"u8, aead = "ChaCha20-Poly1305\0"u8, poly1305 = "POLY1305\0"u8)
        {
            _blake2s = EVP_MD_fetch(0, blake2s, null);
            _blake2sMac = EVP_MAC_fetch(0, blake2sMac, null);
            _chacha20 = EVP_CIPHER_fetch(0, chacha20, null);
            _chacha20Poly1305 = EVP_CIPHER_fetch(0, aead, null);
            _poly1305 = EVP_MAC_fetch(0, poly1305, null);
        }

        if (_blake2s == 0 || _blake2sMac == 0 || _chacha20 == 0 || _chacha20Poly1305 == 0 || _poly1305 == 0)
        {
            throw new PlatformNotSupportedException(
                "This libcrypto has no BLAKE2s or no ChaCha20-Poly1305, which WireGuard needs: enable OpenSSL's default provider (openssl.cnf may have switched it off, as FIPS configurations do).");
        }
    }

    /// <inheritdoc/>
    public void DerivePublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        // RFC 7748 §6.1: the base point is 9. libcrypto's own derivation takes half as long again, because it goes through Ed25519's tables.
        Span<byte> basePoint = stackalloc byte[KeySize];
        basePoint.Clear();
        basePoint[0] = 9;
        TryAgree(privateKey, basePoint, publicKey);
    }

    /// <inheritdoc/>
    public bool TryAgree(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret)
    {
        RequireLength(privateKey.Length == KeySize && publicKey.Length == KeySize && sharedSecret.Length >= KeySize);
        nint own = 0, peer = 0, context = 0;
        nuint length = KeySize;
        // SAFETY: all three spans hold 32 bytes, checked above; handles are freed on every path.
        fixed (byte* name = "X25519\0"u8, secret = privateKey, point = publicKey, output = sharedSecret)
        {
            try
            {
                own = ImportPrivateKey(name, secret);
                peer = Check(EVP_PKEY_new_raw_public_key_ex(0, name, null, point, KeySize));
                context = Check(EVP_PKEY_CTX_new_from_pkey(0, own, null));
                Check(EVP_PKEY_derive_init(context));
                Check(EVP_PKEY_derive_set_peer_ex(context, peer, 0));
                if (EVP_PKEY_derive(context, output, &length) > 0 && sharedSecret[..KeySize].ContainsAnyExcept((byte)0))
                    return true;
            }
            finally
            {
                EVP_PKEY_CTX_free(context);
                EVP_PKEY_free(peer);
                EVP_PKEY_free(own);
            }
        }

        ERR_clear_error();
        sharedSecret[..KeySize].Clear();
        return false;
    }

    // Imported with a public key of zeros beside it, which the agreement never reads: without one libcrypto
    // would derive it and so double the cost of every agreement.
    private static nint ImportPrivateKey(byte* name, byte* secret)
    {
        var unused = stackalloc byte[KeySize];
        new Span<byte>(unused, KeySize).Clear();
        nint key = 0;
        // SAFETY: the parameters point into this frame and into the caller's pinned span, and are copied before the call returns.
        fixed (byte* priv = "priv\0"u8, pub = "pub\0"u8)
        {
            var parameters = stackalloc OsslParam[3];
            parameters[0] = new OsslParam { Key = priv, DataType = OsslParam.OctetString, Data = secret, DataSize = KeySize };
            parameters[1] = new OsslParam { Key = pub, DataType = OsslParam.OctetString, Data = unused, DataSize = KeySize };
            parameters[2] = default;
            var context = Check(EVP_PKEY_CTX_new_from_name(0, name, null));
            try
            {
                Check(EVP_PKEY_fromdata_init(context));
                Check(EVP_PKEY_fromdata(context, &key, KeypairSelection, parameters));
            }
            finally
            {
                EVP_PKEY_CTX_free(context);
            }
        }

        return key;
    }

    /// <inheritdoc/>
    public void Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash32)
    {
        RequireLength(hash32.Length >= HashSize);
        var context = Check(EVP_MD_CTX_new());
        try
        {
            // SAFETY: lengths come from the spans; the digest writes 32 bytes, checked above.
            fixed (byte* a = first, b = second, output = hash32)
            {
                Check(EVP_DigestInit_ex(context, _blake2s, 0));
                Check(EVP_DigestUpdate(context, a, (nuint)first.Length));
                Check(EVP_DigestUpdate(context, b, (nuint)second.Length));
                Check(EVP_DigestFinal_ex(context, output, null));
            }
        }
        finally
        {
            EVP_MD_CTX_free(context);
        }
    }

    /// <inheritdoc/>
    public void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> mac16)
    {
        RequireLength(mac16.Length >= MacSize);
        nuint size = MacSize, written;
        var context = Check(EVP_MAC_CTX_new(_blake2sMac));
        try
        {
            // SAFETY: lengths come from the spans; the output size is set to 16 and passed as the room as well.
            fixed (byte* sizeName = "size\0"u8, k = key, d = data, output = mac16)
            {
                var parameters = stackalloc OsslParam[2];
                parameters[0] = new OsslParam { Key = sizeName, DataType = OsslParam.UnsignedInteger, Data = &size, DataSize = (nuint)sizeof(nuint) };
                parameters[1] = default;
                Check(EVP_MAC_init(context, k, (nuint)key.Length, parameters));
                Check(EVP_MAC_update(context, d, (nuint)data.Length));
                Check(EVP_MAC_final(context, output, &written, MacSize));
            }
        }
        finally
        {
            EVP_MAC_CTX_free(context);
        }
    }

    /// <inheritdoc/>
    public void Seal(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> sealedOutput)
    {
        using var aead = new LibcryptoAeadKey(_chacha20Poly1305, key);
        aead.Seal(CounterNonce(stackalloc byte[NonceSize], counter), associatedData, plaintext, sealedOutput);
    }

    /// <inheritdoc/>
    public bool TryOpen(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> sealedInput, Span<byte> plaintext)
    {
        using var aead = new LibcryptoAeadKey(_chacha20Poly1305, key);
        return OpenOrClear(aead, CounterNonce(stackalloc byte[NonceSize], counter), associatedData, sealedInput, plaintext);
    }

    /// <inheritdoc/>
    public void SealX(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> sealedOutput)
    {
        Span<byte> subkey = stackalloc byte[KeySize];
        DeriveSubkey(key, nonce24, subkey);
        using var aead = new LibcryptoAeadKey(_chacha20Poly1305, subkey);
        CryptographicOperations.ZeroMemory(subkey);
        aead.Seal(ExtendedNonceTail(stackalloc byte[NonceSize], nonce24), associatedData, plaintext, sealedOutput);
    }

    /// <inheritdoc/>
    public bool TryOpenX(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> sealedInput, Span<byte> plaintext)
    {
        Span<byte> subkey = stackalloc byte[KeySize];
        DeriveSubkey(key, nonce24, subkey);
        using var aead = new LibcryptoAeadKey(_chacha20Poly1305, subkey);
        CryptographicOperations.ZeroMemory(subkey);
        return OpenOrClear(aead, ExtendedNonceTail(stackalloc byte[NonceSize], nonce24), associatedData, sealedInput, plaintext);
    }

    /// <inheritdoc/>
    public AeadKey CreateAeadKey(ReadOnlySpan<byte> key) => new LibcryptoDataKey(_chacha20Poly1305, _chacha20, _poly1305, key);

    private static bool OpenOrClear(LibcryptoAeadKey aead, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> sealedInput, Span<byte> plaintext)
    {
        if (sealedInput.Length < AeadKey.TagSize)
            return false;
        var opened = plaintext[..(sealedInput.Length - AeadKey.TagSize)];
        if (aead.TryOpen(nonce, associatedData, sealedInput, opened))
            return true;
        CryptographicOperations.ZeroMemory(opened);
        return false;
    }

    /// <summary>
    /// HChaCha20 (draft-irtf-cfrg-xchacha §2.2) from libcrypto's ChaCha20: a key stream block is the permuted state plus the
    /// initial state, and HChaCha20 is the first and last row of the permuted state, so the rows known to everybody are subtracted.
    /// </summary>
    private void DeriveSubkey(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce24, Span<byte> subkey)
    {
        RequireLength(key.Length == KeySize && nonce24.Length == ExtendedNonceSize);
        var iv = nonce24[..16];
        Span<byte> block = stackalloc byte[64];
        block.Clear();
        int written;
        var context = Check(EVP_CIPHER_CTX_new());
        try
        {
            // SAFETY: key has 32 and iv 16 bytes, checked above; the block is encrypted in place within its 64 bytes.
            fixed (byte* k = key, i = iv, b = block)
            {
                Check(EVP_CipherInit_ex2(context, _chacha20, k, i, 1, null));
                Check(EVP_CipherUpdate(context, b, &written, b, block.Length));
            }
        }
        finally
        {
            EVP_CIPHER_CTX_free(context);
        }

        SubtractWords(block[..16], "expand 32-byte k"u8, subkey[..16]);
        SubtractWords(block[48..], iv, subkey[16..]);
        CryptographicOperations.ZeroMemory(block);
    }

    private static void SubtractWords(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> difference)
    {
        for (var at = 0; at < left.Length; at += sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(
                difference[at..], BinaryPrimitives.ReadUInt32LittleEndian(left[at..]) - BinaryPrimitives.ReadUInt32LittleEndian(right[at..]));
        }
    }

    private static ReadOnlySpan<byte> CounterNonce(Span<byte> nonce, ulong counter)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], counter);
        return nonce;
    }

    private static ReadOnlySpan<byte> ExtendedNonceTail(Span<byte> nonce, ReadOnlySpan<byte> nonce24)
    {
        nonce[..4].Clear();
        nonce24[16..].CopyTo(nonce[4..]);
        return nonce;
    }

    private static void RequireLength(bool right)
    {
        if (!right)
            throw new ArgumentException("A key, nonce or output has the wrong length.");
    }
}
