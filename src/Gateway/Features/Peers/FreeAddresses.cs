using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>Chooses a new peer's addresses: the lowest free one of the tunnel's first IPv4 and first IPv6 prefix.</summary>
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
            var bits = Addresses.MaxLength(network.BaseAddress);
            var (first, last) = Range(network);
            // The first is the network's own (RFC 4291 §2.6.1: subnet-router anycast), the last of IPv4 its broadcast; neither in a pair (RFC 3021).
            if (last - first > 1)
            {
                first++;
                if (bits == 32) last--;
            }

            var ours = own.Where(a => a.Address.AddressFamily == family).Select(a => (First: Value(a.Address), Last: Value(a.Address)));
            foreach (var range in (await TakenAsync(db, tunnel.Id, family, cancellationToken)).Concat(ours).OrderBy(r => r.First))
            {
                if (range.First > first) break;
                if (range.Last >= first) first = range.Last + 1;
            }

            if (first > last) return (null, network.ToString());
            chosen.Add($"{ToAddress(first, bits)}/{bits}");
        }

        return (chosen, null);
    }

    private static async Task<IEnumerable<(UInt128 First, UInt128 Last)>> TakenAsync(GatewayDbContext db, Guid tunnelId, AddressFamily family, CancellationToken cancellationToken)
    {
        var isV6 = family == AddressFamily.InterNetworkV6;
        var taken = await db.Prefixes.Where(p => p.TunnelId == tunnelId && p.Kind != PrefixKind.Client && p.Prefix.Contains(':') == isV6)
            .Select(p => p.Prefix).ToListAsync(cancellationToken);
        return taken.Select(p => Range(IPNetwork.Parse(p)));
    }

    private static (UInt128 First, UInt128 Last) Range(IPNetwork network)
    {
        var first = Value(network.BaseAddress);
        var hostBits = Addresses.MaxLength(network.BaseAddress) - network.PrefixLength;
        // A shift by all 128 bits would be none.
        return (first, hostBits == 128 ? UInt128.MaxValue : first + (UInt128.One << hostBits) - 1);
    }

    private static UInt128 Value(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static IPAddress ToAddress(UInt128 value, int bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(bytes[(16 - (bits / 8))..]);
    }
}
