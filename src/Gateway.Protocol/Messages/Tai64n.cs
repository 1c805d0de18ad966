using System.Buffers.Binary;

namespace Gateway.Protocol;

/// <summary>
/// A TAI64N time stamp as it travels: 12 bytes, big-endian, so that comparing bytes compares times (whitepaper §5.1).
/// Only its order matters: leap seconds are ignored, as everybody does.
/// </summary>
/// <param name="Seconds">TAI64 label: 2^62 + 10 + Unix seconds.</param>
/// <param name="Nanoseconds">Within the second.</param>
internal readonly record struct Tai64n(ulong Seconds, uint Nanoseconds)
{
    private const ulong UnixEpochLabel = 0x400000000000000a;

    // The clock is shown only this finely (16.8 ms, as the kernel does): a precise one would help timing attacks on this host.
    private const uint Granularity = 1 << 24;

    private const uint NanosecondsPerTick = 100;

    internal static Tai64n From(DateTimeOffset utc)
    {
        var ticks = utc.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        if (rest < 0)
        {
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }

        var nanoseconds = (uint)rest * NanosecondsPerTick;
        return new Tai64n(UnixEpochLabel + (ulong)seconds, nanoseconds & ~(Granularity - 1));
    }

    internal static Tai64n Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]));

    /// <summary>The time that it names; null where it is none of this calendar (it comes from the network).</summary>
    internal DateTimeOffset? ToUtc()
    {
        var seconds = unchecked((long)(Seconds - UnixEpochLabel));
        return seconds is >= -62_135_596_800 and <= 253_402_300_799 && Nanoseconds < 1_000_000_000
            ? DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(Nanoseconds / NanosecondsPerTick) : null;
    }

    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Seconds);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Nanoseconds);
    }

    internal bool IsAfter(Tai64n other) => (Seconds, Nanoseconds).CompareTo((other.Seconds, other.Nanoseconds)) > 0;

    /// <summary>The smallest time stamp after this one: keeps initiations in order while the wall clock stands or goes back.</summary>
    internal Tai64n Next() => Nanoseconds + Granularity < 1_000_000_000
        ? this with { Nanoseconds = Nanoseconds + Granularity }
        : new Tai64n(Seconds + 1, 0);
}
