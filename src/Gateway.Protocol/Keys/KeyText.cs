using System.Buffers;

namespace Gateway.Protocol;

/// <summary>The two ways in which keys are written: base64 by wg and its config files, hexadecimal by the UAPI.</summary>
internal static class KeyText
{
    private const int Base64Length = 44;
    private const int HexLength = 64;

    /// <summary>Exactly the 44 characters, no white space, and no stray bits in the last group, so that a key has one spelling.</summary>
    internal static bool TryReadBase64(string? text, Span<byte> key32)
    {
        if (text is not { Length: Base64Length } || !Convert.TryFromBase64String(text, key32, out var written) || written != PublicKey.Size)
            return false;
        return Convert.ToBase64String(key32) == text;
    }

    /// <summary>Exactly 64 digits, of either case.</summary>
    internal static bool TryReadHex(string? text, Span<byte> key32) =>
        text is { Length: HexLength } && Convert.FromHexString(text, key32, out _, out _) == OperationStatus.Done;
}
