using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>Noise's HKDF (specification §4.3) over HMAC (RFC 2104) with BLAKE2s: the KDF1, KDF2 and KDF3 of the WireGuard whitepaper, §5.4.</summary>
internal static class KeyDerivation
{
    private const int HashSize = 32;
    private const int BlockSize = 64;

    /// <summary>Derives up to three keys of 32 bytes; empty outputs are not derived. Outputs may be the chaining key's own span.</summary>
    internal static void Derive(
        ICryptoPrimitives crypto, ReadOnlySpan<byte> chainingKey, ReadOnlySpan<byte> input, Span<byte> first, Span<byte> second = default, Span<byte> third = default)
    {
        Span<byte> secret = stackalloc byte[HashSize];
        Span<byte> expand = stackalloc byte[HashSize + 1];
        Span<byte> output = stackalloc byte[HashSize];
        Hmac(crypto, chainingKey, input, secret);

        expand[0] = 1;
        Hmac(crypto, secret, expand[..1], output);
        output.CopyTo(first);
        if (!second.IsEmpty)
        {
            Next(crypto, secret, expand, output, 2);
            output.CopyTo(second);
        }

        if (!third.IsEmpty)
        {
            Next(crypto, secret, expand, output, 3);
            output.CopyTo(third);
        }

        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(expand);
        CryptographicOperations.ZeroMemory(output);
    }

    private static void Next(ICryptoPrimitives crypto, ReadOnlySpan<byte> secret, Span<byte> expand, Span<byte> output, byte number)
    {
        output.CopyTo(expand);
        expand[HashSize] = number;
        Hmac(crypto, secret, expand, output);
    }

    /// <summary>HMAC-BLAKE2s with a key of at most 64 bytes.</summary>
    internal static void Hmac(ICryptoPrimitives crypto, ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> mac32)
    {
        Span<byte> pad = stackalloc byte[BlockSize];
        Span<byte> inner = stackalloc byte[HashSize];
        Pad(key, 0x36, pad);
        crypto.Hash(pad, data, inner);
        Pad(key, 0x5c, pad);
        crypto.Hash(pad, inner, mac32);
        CryptographicOperations.ZeroMemory(pad);
        CryptographicOperations.ZeroMemory(inner);
    }

    private static void Pad(ReadOnlySpan<byte> key, byte value, Span<byte> pad)
    {
        pad.Fill(value);
        for (var at = 0; at < key.Length; at++)
            pad[at] ^= key[at];
    }
}
