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
            var flows = new List<FlowRecord>(Math.Max(Inbound.Count, Outbound.Count));
            for (var index = FlowHalf.Start; index < Inbound.End; index++)
            {
                if (!Inbound.TryCopy(index, out var from)) continue;
                Outbound.TryFind(from.Key, from.Hash, out var to);
                Add(flows, from.Key, from, to, nowTicks);
            }

            for (var index = FlowHalf.Start; index < Outbound.End; index++)
            {
                if (Outbound.TryCopy(index, out var to) && !Inbound.TryFind(to.Key, to.Hash, out _)) Add(flows, to.Key, default, to, nowTicks);
            }

            return flows;
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

    private static void Add(List<FlowRecord> flows, in FlowKey key, in FlowEntry from, in FlowEntry to, long nowTicks)
    {
        var flow = new FlowRecord
        {
            PeerIndex = key.PeerIndex,
            Protocol = key.Protocol,
            PeerAddress = new InetAddress(key.PeerHigh, key.PeerLow),
            PeerPort = key.PeerPort,
            OtherAddress = new InetAddress(key.OtherHigh, key.OtherLow),
            OtherPort = key.OtherPort,
            PacketsFromPeer = from.Packets,
            PacketsToPeer = to.Packets,
            BytesFromPeer = from.PacketBytes,
            BytesToPeer = to.PacketBytes,
            TcpFlagsFromPeer = from.TcpFlags,
            TcpFlagsToPeer = to.TcpFlags,
            FirstSeenFromPeer = from.FirstSeen,
            FirstSeenToPeer = to.FirstSeen,
            LastSeenFromPeer = from.LastSeen,
            LastSeenToPeer = to.LastSeen,
            LargestFromPeer = from.Largest,
            LargestToPeer = to.Largest,
            RoundTripToPeer = RoundTrips.ToPeer(from, to),
            RoundTripToOther = RoundTrips.ToPeer(to, from),
        };
        if (nowTicks - flow.LastSeen < Timeout(flow)) flows.Add(flow);
    }
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
