namespace Gateway.Protocol;
// CONTRACT STUB: to be completed. Public shapes are what the other projects rely on.

/// <summary>A Curve25519 public key, 32 bytes: who a peer is.</summary>
public readonly record struct PublicKey
{
    /// <summary>Bytes in a key.</summary>
    public const int Size = 32;

    /// <summary>Reads 32 bytes.</summary>
    public PublicKey(ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>Reads the 44 characters of base64 that wg prints.</summary>
    public static bool TryParse(string? text, out PublicKey key) => throw new NotImplementedException();

    /// <summary>Reads the 64 hexadecimal digits that the UAPI uses.</summary>
    public static bool TryParseHex(string? text, out PublicKey key) => throw new NotImplementedException();

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> destination) => throw new NotImplementedException();

    /// <summary>Whether all bytes are zero (the UAPI's "no key").</summary>
    public bool IsZero => throw new NotImplementedException();

    /// <summary>Lower-case hexadecimal, as in the UAPI.</summary>
    public string ToHex() => throw new NotImplementedException();

    /// <summary>Base64, as wg prints it.</summary>
    public override string ToString() => throw new NotImplementedException();
}

/// <summary>A secret of 32 bytes. Its text never leaves through <see cref="ToString"/>; equality compares the bytes in constant time.</summary>
public abstract class SecretKey : IEquatable<SecretKey>
{
    /// <summary>The 32 bytes. Do not keep a copy.</summary>
    public ReadOnlySpan<byte> Bytes => throw new NotImplementedException();

    /// <summary>Base64 for a config file that its owner asked for. Never for a log.</summary>
    public string ToBase64() => throw new NotImplementedException();

    /// <summary>Hexadecimal for the UAPI. Never for a log.</summary>
    public string ToHex() => throw new NotImplementedException();

    /// <inheritdoc/>
    public bool Equals(SecretKey? other) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SecretKey);

    /// <inheritdoc/>
    public override int GetHashCode() => throw new NotImplementedException();

    /// <summary>"(hidden)".</summary>
    public sealed override string ToString() => "(hidden)";
}

/// <summary>A Curve25519 private key, clamped (RFC 7748 §5).</summary>
public sealed class PrivateKey : SecretKey
{
    /// <summary>Reads and clamps 32 bytes.</summary>
    public PrivateKey(ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>Makes a new key.</summary>
    public static PrivateKey Generate(System.Security.Cryptography.RandomNumberGenerator random) => throw new NotImplementedException();

    /// <summary>Reads base64.</summary>
    public static bool TryParse(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PrivateKey? key) => throw new NotImplementedException();

    /// <summary>Reads hexadecimal.</summary>
    public static bool TryParseHex(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PrivateKey? key) => throw new NotImplementedException();

    /// <summary>The public key that belongs to it.</summary>
    public PublicKey GetPublicKey(ICryptoPrimitives crypto) => throw new NotImplementedException();
}

/// <summary>The optional symmetric key of two peers, mixed into the handshake.</summary>
public sealed class PresharedKey : SecretKey
{
    /// <summary>Reads 32 bytes.</summary>
    public PresharedKey(ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>Makes a new key.</summary>
    public static PresharedKey Generate(System.Security.Cryptography.RandomNumberGenerator random) => throw new NotImplementedException();

    /// <summary>Reads base64.</summary>
    public static bool TryParse(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PresharedKey? key) => throw new NotImplementedException();

    /// <summary>Reads hexadecimal.</summary>
    public static bool TryParseHex(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PresharedKey? key) => throw new NotImplementedException();
}
