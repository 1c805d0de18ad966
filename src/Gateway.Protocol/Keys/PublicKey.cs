using System.Buffers.Binary;

namespace Gateway.Protocol;

/// <summary>A Curve25519 public key, 32 bytes: who a peer is.</summary>
public readonly record struct PublicKey
{
    /// <summary>Bytes in a key.</summary>
    public const int Size = 32;

    private readonly ulong _a, _b, _c, _d;

    /// <summary>Reads 32 bytes.</summary>
    /// <exception cref="ArgumentException">There are not 32 bytes.</exception>
    public PublicKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"A public key has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
    }

    /// <summary>Reads the 44 characters of base64 that wg prints.</summary>
    public static bool TryParse(string? text, out PublicKey key)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var right = KeyText.TryReadBase64(text, bytes);
        key = right ? new PublicKey(bytes) : default;
        return right;
    }

    /// <summary>Reads the 64 hexadecimal digits that the UAPI uses.</summary>
    public static bool TryParseHex(string? text, out PublicKey key)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var right = KeyText.TryReadHex(text, bytes);
        key = right ? new PublicKey(bytes) : default;
        return right;
    }

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, _a);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], _d);
    }

    /// <summary>Whether all bytes are zero (the UAPI's "no key").</summary>
    public bool IsZero => (_a | _b | _c | _d) == 0;

    /// <summary>Lower-case hexadecimal, as in the UAPI.</summary>
    public string ToHex()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>Base64, as wg prints it.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToBase64String(bytes);
    }
}
