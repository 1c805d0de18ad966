using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>A secret of 32 bytes. Its text never leaves through <see cref="ToString"/>; equality compares the bytes in constant time.</summary>
public abstract class SecretKey : IEquatable<SecretKey>
{
    // Pinned, so that the garbage collector leaves no copies behind when it moves objects.
    private readonly byte[] _bytes = GC.AllocateArray<byte>(PublicKey.Size, pinned: true);

    private protected SecretKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != PublicKey.Size)
            throw new ArgumentException($"A key has {PublicKey.Size} bytes, not {bytes.Length}.", nameof(bytes));
        bytes.CopyTo(_bytes);
    }

    /// <summary>The 32 bytes. Do not keep a copy.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    private protected Span<byte> Writable => _bytes;

    /// <summary>Base64 for a config file that its owner asked for. Never for a log.</summary>
    public string ToBase64() => Convert.ToBase64String(_bytes);

    /// <summary>Hexadecimal for the UAPI. Never for a log.</summary>
    public string ToHex() => Convert.ToHexStringLower(_bytes);

    /// <inheritdoc/>
    public bool Equals(SecretKey? other) =>
        other is not null && other.GetType() == GetType() && CryptographicOperations.FixedTimeEquals(_bytes, other._bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SecretKey);

    /// <summary>The same for every key of a kind: a hash of the bytes would tell something about them. Do not use as a dictionary key.</summary>
    public override int GetHashCode() => GetType().GetHashCode();

    /// <summary>"(hidden)".</summary>
    public sealed override string ToString() => "(hidden)";
}
