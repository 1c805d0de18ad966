using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Gateway.Engine.Packets;

/// <summary>
/// The Internet checksum (RFC 1071). Sums are unfolded, in network order, and chain as each other's seed as long as every piece but the
/// last has an even length.
/// </summary>
public static class Checksum
{
    // Each 32-bit lane takes at most 2 × 65535 per vector: within this many bytes neither a lane nor the sum over eight lanes overflows.
    private const int MaxVectorBytes = 65536;

    /// <summary>Adds <paramref name="data"/> to a sum. An odd last byte counts as the high half of a word.</summary>
    public static uint Add(ReadOnlySpan<byte> data, uint seed)
    {
        while (data.Length > MaxVectorBytes)
        {
            seed = Add(data[..MaxVectorBytes], seed);
            data = data[MaxVectorBytes..];
        }

        // Words are added in the host's order and swapped once at the end: one's complement sums do not mind (RFC 1071 §2 B).
        ulong sum = 0;
        if (Vector256.IsHardwareAccelerated && data.Length >= Vector256<byte>.Count) sum = AddBlocks256(ref data);
        else if (!Vector256.IsHardwareAccelerated && Vector128.IsHardwareAccelerated && data.Length >= Vector128<byte>.Count) sum = AddBlocks128(ref data);

        while (data.Length >= sizeof(ulong))
        {
            var words = MemoryMarshal.Read<ulong>(data);
            sum += (uint)words + (words >> 32);
            data = data[sizeof(ulong)..];
        }

        if (data.Length >= sizeof(uint))
        {
            sum += MemoryMarshal.Read<uint>(data);
            data = data[sizeof(uint)..];
        }

        if (data.Length >= sizeof(ushort))
        {
            sum += MemoryMarshal.Read<ushort>(data);
            data = data[sizeof(ushort)..];
        }

        if (data.Length > 0) sum += BitConverter.IsLittleEndian ? data[0] : (uint)data[0] << 8;

        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        var folded = Fold((uint)sum);
        return AddWithCarry(seed, BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded);
    }

    /// <summary>Folds a sum to 16 bits, not complemented. 0 only if every byte summed was 0.</summary>
    public static ushort Fold(uint sum)
    {
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)((sum & 0xFFFF) + (sum >> 16));
    }

    /// <summary>The checksum field's value for a sum: folded and complemented.</summary>
    public static ushort Complete(uint sum) => (ushort)~Fold(sum);

    /// <summary>Whether the sum over data with its checksum field (and pseudo-header) says that it is intact.</summary>
    public static bool IsValid(uint sum) => Fold(sum) == 0xFFFF;

    /// <summary>
    /// The sum of a pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1). One function serves both families: the ffff of a mapped IPv4 address is
    /// zero in one's complement.
    /// </summary>
    public static uint PseudoHeader(InetAddress source, InetAddress destination, byte protocol, int transportBytes) =>
        PseudoHeader(source, destination, protocol) + (uint)(transportBytes & 0xFFFF) + ((uint)transportBytes >> 16);

    /// <summary>The same without the length, which the caller adds.</summary>
    public static uint PseudoHeader(InetAddress source, InetAddress destination, byte protocol) =>
        Words(source.High) + Words(source.Low) + Words(destination.High) + Words(destination.Low) + protocol;

    private static uint Words(ulong value) =>
        (uint)(value >> 48) + (ushort)(value >> 32) + (ushort)(value >> 16) + (ushort)value;

    private static uint AddWithCarry(uint a, uint b)
    {
        var sum = (ulong)a + b;
        return (uint)sum + (uint)(sum >> 32);
    }

    private static ulong AddBlocks256(ref ReadOnlySpan<byte> data)
    {
        var words = MemoryMarshal.Cast<byte, uint>(data);
        var low = Vector256<uint>.Zero;
        var high = Vector256<uint>.Zero;
        var mask = Vector256.Create(0xFFFFu);
        while (words.Length >= 2 * Vector256<uint>.Count)
        {
            var first = Vector256.Create(words);
            var second = Vector256.Create(words[Vector256<uint>.Count..]);
            low += (first & mask) + (second & mask);
            high += (first >>> 16) + (second >>> 16);
            words = words[(2 * Vector256<uint>.Count)..];
        }

        if (words.Length >= Vector256<uint>.Count)
        {
            var last = Vector256.Create(words);
            low += last & mask;
            high += last >>> 16;
        }

        data = data[(data.Length & ~(Vector256<byte>.Count - 1))..];
        return (ulong)Vector256.Sum(low) + Vector256.Sum(high);
    }

    private static ulong AddBlocks128(ref ReadOnlySpan<byte> data)
    {
        var words = MemoryMarshal.Cast<byte, uint>(data);
        var low = Vector128<uint>.Zero;
        var high = Vector128<uint>.Zero;
        var mask = Vector128.Create(0xFFFFu);
        while (words.Length >= Vector128<uint>.Count)
        {
            var block = Vector128.Create(words);
            low += block & mask;
            high += block >>> 16;
            words = words[Vector128<uint>.Count..];
        }

        data = data[(data.Length & ~(Vector128<byte>.Count - 1))..];
        return (ulong)Vector128.Sum(low) + Vector128.Sum(high);
    }
}
