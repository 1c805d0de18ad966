using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>A Curve25519 private key, clamped (RFC 7748 §5).</summary>
public sealed class PrivateKey : SecretKey
{
    /// <summary>Reads and clamps 32 bytes.</summary>
    /// <exception cref="ArgumentException">There are not 32 bytes.</exception>
    public PrivateKey(ReadOnlySpan<byte> bytes)
        : base(bytes)
    {
        Writable[0] &= 248;
        Writable[31] = (byte)((Writable[31] & 127) | 64);
    }

    /// <summary>Makes a new key.</summary>
    public static PrivateKey Generate(RandomNumberGenerator random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        random.GetBytes(bytes);
        var key = new PrivateKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    /// <summary>Reads base64.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PrivateKey? key)
    {
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        key = KeyText.TryReadBase64(text, bytes) ? new PrivateKey(bytes) : null;
        CryptographicOperations.ZeroMemory(bytes);
        return key is not null;
    }

    /// <summary>Reads hexadecimal.</summary>
    public static bool TryParseHex(string? text, [NotNullWhen(true)] out PrivateKey? key)
    {
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        key = KeyText.TryReadHex(text, bytes) ? new PrivateKey(bytes) : null;
        CryptographicOperations.ZeroMemory(bytes);
        return key is not null;
    }

    /// <summary>The public key that belongs to it.</summary>
    public PublicKey GetPublicKey(ICryptoPrimitives crypto)
    {
        ArgumentNullException.ThrowIfNull(crypto);
        Span<byte> publicKey = stackalloc byte[PublicKey.Size];
        crypto.DerivePublicKey(Bytes, publicKey);
        return new PublicKey(publicKey);
    }
}
