using System.Net;
using System.Net.Sockets;
using System.Numerics;
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
        var taken = (await db.Prefixes.Where(p => p.TunnelId == tunnel.Id && p.Kind != PrefixKind.Client).Select(p => p.Prefix).ToListAsync(cancellationToken))
            .Select(p => Range(IPNetwork.Parse(p))).Concat(own.Select(a => Range(new IPNetwork(a.Address, Addresses.MaxLength(a.Address)))))
            .GroupBy(r => r.Bits).ToDictionary(g => g.Key, g => g.OrderBy(r => r.First).ToList());
        var chosen = new List<string>();
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            if (own.FirstOrDefault(a => a.Address.AddressFamily == family)?.Network is not { } network) continue;
            var (first, last, bits) = Range(network);
            // The first is the network's own (RFC 4291 §2.6.1: subnet-router anycast), the last of IPv4 its broadcast; neither in a pair (RFC 3021).
            if (last - first > 1)
            {
                first++;
                if (bits == 32) last--;
            }

            foreach (var range in taken.GetValueOrDefault(bits) ?? [])
            {
                if (range.First > first) break;
                if (range.Last >= first) first = range.Last + 1;
            }

            if (first > last) return (null, network.ToString());
            chosen.Add($"{ToAddress(first, bits)}/{bits}");
        }

        return (chosen, null);
    }

    private static (BigInteger First, BigInteger Last, int Bits) Range(IPNetwork network)
    {
        var bits = Addresses.MaxLength(network.BaseAddress);
        var first = new BigInteger(network.BaseAddress.GetAddressBytes(), isUnsigned: true, isBigEndian: true);
        return (first, first + (BigInteger.One << (bits - network.PrefixLength)) - 1, bits);
    }

    private static IPAddress ToAddress(BigInteger value, int bits)
    {
        var bytes = new byte[bits / 8];
        var written = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        written.CopyTo(bytes, bytes.Length - written.Length);
        return new IPAddress(bytes);
    }
}
