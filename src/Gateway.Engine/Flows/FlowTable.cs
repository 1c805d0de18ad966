using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Gateway.Engine.Packets;

namespace Gateway.Engine.Flows;

/// <summary>
/// The conversations inside one tunnel, counted as they pass: two halves, one a direction, each written by the one thread that carries that
/// direction, without a lock and without allocation. Whoever wants to see them takes a <see cref="Snapshot"/>, which does not stop the writers.
/// <para>
/// A flow leaves 10 s after its TCP connection has ended, 60 s after its last packet without TCP, an hour after the last packet of an open
/// TCP connection; of a full table the one that was seen longest ago (to a second) leaves, and is counted.
/// </para>
/// </summary>
internal sealed class FlowTable : IDisposable
{
    // Snapshots against Dispose only; the writers never take it.
    private readonly Lock _gate = new();
    private bool _isDisposed;

    /// <summary>Makes an empty table.</summary>
    /// <param name="capacity">Flows at most. Memory: 256 bytes each, taken when first used.</param>
    public FlowTable(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var hash = FlowHash.Create();
        Outbound = new FlowHalf(isFromPeer: false, capacity, hash);
        Inbound = new FlowHalf(isFromPeer: true, capacity, hash);
        Outbound.PairWith(Inbound);
        Inbound.PairWith(Outbound);
    }

    /// <summary>Packets to peers; written by the outbound thread.</summary>
    public FlowHalf Outbound { get; }

    /// <summary>Packets from peers; written by the inbound thread.</summary>
    public FlowHalf Inbound { get; }

    /// <summary>Entries that had to leave before their time because the table was full; a flow seen in both directions has two.</summary>
    public long Evictions => Outbound.Evictions + Inbound.Evictions;

    /// <summary>All flows that have not expired, both directions joined. Any thread; nothing once disposed.</summary>
    public IReadOnlyList<FlowRecord> Snapshot(long nowTicks)
    {
        lock (_gate)
        {
            if (_isDisposed) return [];
            var flows = new Dictionary<FlowKey, FlowRecord>(Math.Max(Inbound.Count, Outbound.Count));
            for (var index = FlowHalf.Start; index < Inbound.End; index++)
            {
                if (!Inbound.TryCopy(index, out var entry)) continue;
                flows[entry.Key] = Describe(entry) with
                {
                    PacketsFromPeer = entry.Packets,
                    BytesFromPeer = entry.PacketBytes,
                    TcpFlagsFromPeer = entry.TcpFlags,
                    LastSeenFromPeer = entry.LastSeen,
                };
            }

            for (var index = FlowHalf.Start; index < Outbound.End; index++)
            {
                if (!Outbound.TryCopy(index, out var entry)) continue;
                var flow = flows.TryGetValue(entry.Key, out var inbound) ? inbound : Describe(entry);
                flows[entry.Key] = flow with
                {
                    PacketsToPeer = entry.Packets,
                    BytesToPeer = entry.PacketBytes,
                    TcpFlagsToPeer = entry.TcpFlags,
                    LastSeenToPeer = entry.LastSeen,
                    FirstSeen = Math.Min(flow.FirstSeen, entry.FirstSeen),
                };
            }

            return [.. flows.Values.Where(flow => nowTicks - flow.LastSeen < Timeout(flow))];
        }
    }

    /// <summary>Frees the memory. Both writers must have ended.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            Outbound.Dispose();
            Inbound.Dispose();
        }
    }

    private static long Timeout(FlowRecord flow) => FlowRules.Timeout(
        flow.Protocol != IpProtocol.Tcp ? FlowClass.Other : flow.IsClosed ? FlowClass.ClosedTcp : FlowClass.OpenTcp);

    private static FlowRecord Describe(in FlowEntry entry) => new()
    {
        PeerIndex = entry.Key.PeerIndex,
        Protocol = entry.Key.Protocol,
        PeerAddress = new InetAddress(entry.Key.PeerHigh, entry.Key.PeerLow),
        PeerPort = entry.Key.PeerPort,
        OtherAddress = new InetAddress(entry.Key.OtherHigh, entry.Key.OtherLow),
        OtherPort = entry.Key.OtherPort,
        FirstSeen = entry.FirstSeen,
    };
}

/// <summary>
/// Hashes flow keys with secrets of its own, so that nobody inside the tunnel can aim at one bucket: folded 64 × 64-bit products, as wyhash does.
/// </summary>
internal readonly record struct FlowHash(ulong A, ulong B, ulong C, ulong D, ulong E)
{
    public static FlowHash Create()
    {
        Span<ulong> secrets = stackalloc ulong[5];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(secrets));
        return new FlowHash(secrets[0], secrets[1], secrets[2], secrets[3], secrets[4] | 1);
    }

    public uint Of(in FlowKey key)
    {
        var addresses = Fold(key.PeerHigh ^ A, key.PeerLow ^ B) ^ Fold(key.OtherHigh ^ C, key.OtherLow ^ D);
        var all = Fold(addresses ^ key.Tail, E);
        return (uint)(all ^ (all >> 32));
    }

    private static ulong Fold(ulong a, ulong b) => Math.BigMul(a, b, out var low) ^ low;
}
