namespace Gateway.Protocol;

/// <summary>
/// The start of every handshake of a Noise protocol: chaining key and hash after its name and prologue (Noise specification §5.2).
/// Name and prologue are arguments so that published vectors run on this code.
/// </summary>
internal sealed class NoiseProtocol
{
    internal NoiseProtocol(ICryptoPrimitives crypto, ReadOnlySpan<byte> name, ReadOnlySpan<byte> prologue)
    {
        Crypto = crypto;
        // A name of at most 32 bytes would be padded instead of hashed; ours is longer.
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(name.Length, WireGuardConstants.HashSize);
        crypto.Hash(name, default, ChainingKey);
        crypto.Hash(ChainingKey, prologue, Hash);
    }

    internal ICryptoPrimitives Crypto { get; }

    internal byte[] ChainingKey { get; } = new byte[WireGuardConstants.HashSize];

    internal byte[] Hash { get; } = new byte[WireGuardConstants.HashSize];

    internal static NoiseProtocol WireGuard(ICryptoPrimitives crypto) => new(crypto, WireGuardConstants.Construction, WireGuardConstants.Identifier);
}
