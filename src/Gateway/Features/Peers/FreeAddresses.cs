using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>
/// Chooses a new peer's addresses: the lowest free one of the tunnel's first IPv4 and first IPv6 prefix. Taken is what somebody has inside that
/// prefix; a route that holds all of it leaves its addresses free, as the longer prefix wins.
/// </summary>
internal static class FreeAddresses
{
    /// <summary>The addresses; null where a prefix is full, which <c>full</c> then names.</summary>
    public static async Task<(List<string>? Chosen, string? Full)> ChooseAsync(GatewayDbContext db, Tunnel tunnel, CancellationToken cancellationToken)
    {
        var own = tunnel.Addresses.Select(a => Addresses.TryReadInterface(a, out var address, out _) ? address : null).OfType<InterfaceAddress>().ToList();
        var chosen = new List<string>();
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            if (own.FirstOrDefault(a => a.Address.AddressFamily == family)?.Network is not { } network) continue;
            using var taken = new TakenRanges();
            foreach (var address in own.Where(a => a.Address.AddressFamily == family)) taken.Add(RangeOf(new IPNetwork(address.Address, Addresses.MaxLength(address.Address))));
            await CollectTakenAsync(db, tunnel.Id, network, taken, cancellationToken);
            if (LowestFree(network, taken.Sorted()) is not { } free) return (null, network.ToString());
            var bits = Addresses.MaxLength(network.BaseAddress);
            chosen.Add($"{ToAddress(free, bits)}/{bits}");
        }

        return (chosen, null);
    }

    private static UInt128? LowestFree(IPNetwork network, ReadOnlySpan<(UInt128 First, UInt128 Last)> taken)
    {
        var (first, last) = RangeOf(network);
        // The first is the network's own (RFC 4291 §2.6.1: subnet-router anycast), the last of IPv4 its broadcast; neither in a pair (RFC 3021).
        if (last - first > 1)
        {
            first++;
            if (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork) last--;
        }

        foreach (var range in taken)
        {
            if (range.First > first) break;
            if (range.Last >= last) return null;
            if (range.Last >= first) first = range.Last + 1;
        }

        return first <= last ? first : null;
    }

    // A tunnel may have a hundred thousand prefixes behind its peers: the index on (TunnelId, Prefix) finds those that begin like its own network.
    private static async Task CollectTakenAsync(GatewayDbContext db, Guid tunnelId, IPNetwork network, TakenRanges taken, CancellationToken cancellationToken)
    {
        var low = CommonText(network);
        var high = low + '\uffff';
        var prefixes = db.Prefixes.AsNoTracking()
            .Where(p => p.TunnelId == tunnelId && p.Kind != PrefixKind.Client && string.Compare(p.Prefix, low) >= 0 && string.Compare(p.Prefix, high) < 0)
            .Select(p => p.Prefix);
        await foreach (var text in prefixes.AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            var prefix = IPNetwork.Parse(text);
            if (prefix.PrefixLength >= network.PrefixLength && network.Contains(prefix.BaseAddress)) taken.Add(RangeOf(prefix));
        }
    }

    /// <summary>What the text of every address in the network begins with: its whole groups, "192.168." of 192.168.0.0/22.</summary>
    private static string CommonText(IPNetwork network)
    {
        if (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
        {
            var bytes = network.BaseAddress.GetAddressBytes();
            return string.Concat(bytes.Take(network.PrefixLength / 8).Take(3).Select(b => b.ToString(CultureInfo.InvariantCulture) + '.'));
        }

        // Only the first group: a later one may be hidden by "::".
        var group = BinaryPrimitives.ReadUInt16BigEndian(network.BaseAddress.GetAddressBytes());
        return network.PrefixLength >= 16 && group != 0 ? group.ToString("x", CultureInfo.InvariantCulture) + ':' : "";
    }

    private static (UInt128 First, UInt128 Last) RangeOf(IPNetwork network)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        var bits = bytes.Length * 8;
        var first = bits == 32 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
        var host = bits - network.PrefixLength;
        return (first, first + (host == 128 ? UInt128.MaxValue : (UInt128.One << host) - 1));
    }

    private static IPAddress ToAddress(UInt128 value, int bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(bytes[(16 - (bits / 8))..]);
    }

    /// <summary>
    /// Ranges in a borrowed array: with thousands of peers a list of them is a large object, and a large object at each change makes the collector walk the
    /// whole heap while packets wait.
    /// </summary>
    private sealed class TakenRanges : IDisposable
    {
        private (UInt128 First, UInt128 Last)[] _ranges = ArrayPool<(UInt128, UInt128)>.Shared.Rent(256);
        private int _count;

        public void Add((UInt128 First, UInt128 Last) range)
        {
            if (_count == _ranges.Length)
            {
                var larger = ArrayPool<(UInt128, UInt128)>.Shared.Rent(_count * 2);
                _ranges.CopyTo(larger, 0);
                ArrayPool<(UInt128, UInt128)>.Shared.Return(_ranges);
                _ranges = larger;
            }

            _ranges[_count++] = range;
        }

        public ReadOnlySpan<(UInt128 First, UInt128 Last)> Sorted()
        {
            var ranges = _ranges.AsSpan(0, _count);
            ranges.Sort();
            return ranges;
        }

        public void Dispose() => ArrayPool<(UInt128, UInt128)>.Shared.Return(_ranges);
    }
}
