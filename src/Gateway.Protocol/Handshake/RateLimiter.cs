using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Gateway.Protocol;

/// <summary>
/// A token bucket for each source of handshake messages, used while under load (whitepaper §5.3). IPv6 sources count by /64,
/// because whoever has one address there has them all. Control thread only.
/// </summary>
internal sealed class RateLimiter
{
    private const long MessageCost = TimeSpan.TicksPerSecond / LocalLimits.SourceMessagesPerSecond;
    private const long MaxTokens = MessageCost * LocalLimits.SourceMessagesBurst;

    // A bucket is full again after a quarter of a second; a second as in the kernel keeps the sweep rare.
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromSeconds(1);

    private readonly Dictionary<(bool IsIPv4, ulong Prefix), Bucket> _buckets = [];
    private Instant _lastSweep;

    internal int Sources => _buckets.Count;

    /// <summary>Whether a message from that address may be worked on now.</summary>
    /// <param name="address">4 or 16 bytes, IPv4-mapped ones already as 4.</param>
    /// <param name="now">The time.</param>
    internal bool TryTake(ReadOnlySpan<byte> address, Instant now)
    {
        if (now - _lastSweep >= ForgetAfter)
            Sweep(now);

        var source = address.Length == sizeof(uint)
            ? (true, BinaryPrimitives.ReadUInt32BigEndian(address))
            : (false, BinaryPrimitives.ReadUInt64BigEndian(address));
        if (!_buckets.ContainsKey(source) && _buckets.Count >= LocalLimits.MaxRateLimitedSources)
            return false;

        ref var bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(_buckets, source, out var known);
        bucket.Tokens = known ? Math.Min(MaxTokens, bucket.Tokens + (now - bucket.Last).Ticks) : MaxTokens;
        bucket.Last = now;
        if (bucket.Tokens < MessageCost)
            return false;
        bucket.Tokens -= MessageCost;
        return true;
    }

    private void Sweep(Instant now)
    {
        _lastSweep = now;
        // Removing while enumerating is allowed for Dictionary since .NET Core 3.0.
        foreach (var (source, bucket) in _buckets)
        {
            if (now - bucket.Last >= ForgetAfter)
                _buckets.Remove(source);
        }
    }

    private struct Bucket
    {
        internal Instant Last;
        internal long Tokens;
    }
}
