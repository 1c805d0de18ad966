using System.Net;

namespace Gateway.Engine.Drops;

/// <summary>
/// What a tunnel did not pass on, by peer, destination network and reason, with a sample: one part a thread (out, in, control), each written by
/// that thread alone, without a lock and without allocation. Readers copy. Of a full part the kind that was seen longest ago leaves, and is
/// counted. It stays until then: a drop of last night is still there in the morning.
/// </summary>
internal sealed class DropLedger : IDisposable
{
    /// <summary>Kinds of drop that each data thread keeps; 256 bytes each, taken when first used.</summary>
    public const int DefaultCapacity = 1024;

    private const int ControlCapacity = 256;

    // Snapshots against Dispose only; the writers never take it.
    private readonly Lock _gate = new();
    private readonly bool _isEthernet;
    private bool _isDisposed;

    /// <summary>Makes an empty ledger.</summary>
    /// <param name="isEthernet">Whether packets are frames.</param>
    /// <param name="capacity">Kinds that each data thread keeps at most.</param>
    public DropLedger(bool isEthernet, int capacity = DefaultCapacity)
    {
        _isEthernet = isEthernet;
        Outbound = new DropHalf(capacity, isEthernet);
        Inbound = new DropHalf(capacity, isEthernet);
        Control = new DropHalf(Math.Min(capacity, ControlCapacity), isEthernet);
    }

    /// <summary>Packets to peers; written by the outbound thread.</summary>
    public DropHalf Outbound { get; }

    /// <summary>Packets from peers; written by the inbound thread.</summary>
    public DropHalf Inbound { get; }

    /// <summary>Handshake messages; written by the control thread.</summary>
    public DropHalf Control { get; }

    /// <summary>All kinds, in no order. Any thread; nothing once disposed.</summary>
    public DropSnapshot Snapshot()
    {
        lock (_gate)
        {
            if (_isDisposed) return new DropSnapshot([], 0);
            var drops = new List<DropRecord>(Outbound.Count + Inbound.Count + Control.Count);
            Add(drops, Outbound, DropWay.Out);
            Add(drops, Inbound, DropWay.In);
            Add(drops, Control, DropWay.Handshake);
            return new DropSnapshot(drops, Outbound.Evictions + Inbound.Evictions + Control.Evictions);
        }
    }

    /// <summary>Frees the memory. The data threads must have ended, and the control thread is the caller.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            Outbound.Dispose();
            Inbound.Dispose();
            Control.Dispose();
        }
    }

    private void Add(List<DropRecord> drops, DropHalf half, DropWay way)
    {
        for (var index = 1; index <= half.Count; index++) drops.Add(Describe(half.Copy(index), way));
    }

    private unsafe DropRecord Describe(DropEntry entry, DropWay way)
    {
        var key = entry.Key;
        var bytes = Math.Clamp(entry.SampleBytes, 0, DropEntry.MaxSampleBytes);
        return new DropRecord
        {
            PeerIndex = key.PeerIndex,
            Reason = (DropReason)key.Reason,
            Way = way,
            Destination = key.PrefixLength == 0 ? null : new IPNetwork(new InetAddress(key.High, key.Low).ToIPAddress(), key.PrefixLength),
            Packets = entry.Packets,
            FirstSeen = entry.FirstSeen,
            LastSeen = entry.LastSeen,
            // SAFETY: the copy is on this stack frame, and its buffer has MaxSampleBytes.
            Sample = new ReadOnlySpan<byte>(entry.Sample, bytes).ToArray(),
            IsEthernet = _isEthernet,
            SampleOriginalBytes = entry.SampleOriginalBytes,
        };
    }
}
