using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>The optional symmetric key of two peers, mixed into the handshake.</summary>
public sealed class PresharedKey : SecretKey
{
    /// <summary>Reads 32 bytes.</summary>
    /// <exception cref="ArgumentException">There are not 32 bytes.</exception>
    public PresharedKey(ReadOnlySpan<byte> bytes)
        : base(bytes)
    {
    }

    /// <summary>Makes a new key.</summary>
    public static PresharedKey Generate(RandomNumberGenerator random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        random.GetBytes(bytes);
        var key = new PresharedKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    /// <summary>Reads base64.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PresharedKey? key)
    {
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        key = KeyText.TryReadBase64(text, bytes) ? new PresharedKey(bytes) : null;
        CryptographicOperations.ZeroMemory(bytes);
        return key is not null;
    }

    /// <summary>Reads hexadecimal.</summary>
    public static bool TryParseHex(string? text, [NotNullWhen(true)] out PresharedKey? key)
    {
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        key = KeyText.TryReadHex(text, bytes) ? new PresharedKey(bytes) : null;
        CryptographicOperations.ZeroMemory(bytes);
        return key is not null;
    }
}
