using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Gateway.Data;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>
/// Thousands of peers written straight into a stopped gateway's database: over REST each is a change of its own, and takes minutes that say nothing
/// about throughput. None of them is ever heard of, as most peers of a large tunnel.
/// </summary>
internal static class ManyPeersSeed
{
    public const int Peers = 10_000, PrefixesPerPeer = 10, Prefixes = Peers * PrefixesPerPeer;

    private const int PeersPerSave = 1000, KeyBytes = 32;

    // 10.1.0.0 onwards in pieces of 16 addresses: networks of /28 to /30 with gaps, clear of the outer network 10.0.2.0/24.
    private const uint FirstNetwork = (10u << 24) | (1u << 16), AddressesPerNetwork = 16;

    /// <summary>Adds them to the one tunnel in this database.</summary>
    public static async Task Add(string database, Slot slot, bool kernelRoutes = false)
    {
        await using var db = new GatewayDbContext(new DbContextOptionsBuilder<GatewayDbContext>().UseSqlite($"Data Source={database};Pooling=False").Options);
        db.ChangeTracker.AutoDetectChangesEnabled = false;
        var tunnel = await db.Tunnels.AsNoTracking().SingleAsync();
        await using var all = await db.Database.BeginTransactionAsync();
        for (var i = 0; i < Peers; i++)
        {
            db.Peers.Add(MakePeer(i, tunnel, slot, kernelRoutes));
            if ((i + 1) % PeersPerSave != 0) continue;
            await db.SaveChangesAsync();
            db.ChangeTracker.Clear();
        }
        await all.CommitAsync();
    }

    private static Peer MakePeer(int number, Data.Tunnel tunnel, Slot slot, bool kernelRoutes)
    {
        var peer = new Peer
        {
            Id = Guid.CreateVersion7(),
            TunnelId = tunnel.Id,
            Name = $"peer-{number.ToString("D5", CultureInfo.InvariantCulture)}",
            PublicKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes)),
            CreatedAt = tunnel.CreatedAt,
            Revision = tunnel.Revision,
        };
        // An address of the tunnel's own network, and networks behind the peer.
        peer.Prefixes.Add(MakePrefix($"{slot.NumberedAddress6(number)}/128", PrefixKind.Address));
        for (var j = 0; j < PrefixesPerPeer - 1; j++)
        {
            var index = (uint)((number * (PrefixesPerPeer - 1)) + j);
            peer.Prefixes.Add(MakePrefix($"{Address(FirstNetwork + (index * AddressesPerNetwork))}/{28 + (j % 3)}", PrefixKind.Gateway));
        }
        return peer;

        PeerPrefix MakePrefix(string prefix, PrefixKind kind) => new()
        {
            Id = Guid.CreateVersion7(),
            TunnelId = tunnel.Id,
            Prefix = prefix,
            Kind = kind,
            KernelRoute = kernelRoutes && kind == PrefixKind.Gateway,
            CreatedAt = tunnel.CreatedAt,
            Revision = tunnel.Revision,
        };
    }

    private static IPAddress Address(uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return new IPAddress(bytes);
    }
}
