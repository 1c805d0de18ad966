using System.Numerics;
using System.Runtime.InteropServices;
using Gateway.Engine.Packets;

namespace Gateway.Engine.Drops;

/// <summary>
/// What one thread dropped: a hash table of fixed capacity in native memory, its entries also in one list, the longest unseen first. One
/// thread calls <see cref="Record"/>; all else may be called by others meanwhile.
/// </summary>
// SAFETY: entries and buckets are allocated once and freed in Dispose, after the writer has ended and under the lock that readers take
// (DropLedger); every index stored in them is 0 or at most the capacity.
internal sealed unsafe class DropHalf : IDisposable
{
    // A /24 and a /64 are what one network segment has: a scan makes one line of a segment, not one of an address.
    private const int V4PrefixLength = 24, V6PrefixLength = 64;
    private const ulong V4Mask = 0xFFFF_FFFF_FFFF_FF00;

    /// <summary>How often a sample is replaced by a newer one.</summary>
    private const long SampleEveryTicks = TimeSpan.TicksPerSecond;

    private readonly int _capacity;
    private readonly bool _isEthernet;
    private readonly uint _bucketMask;
    // Entry 0 is the list's head and stands for "none".
    private DropEntry* _entries;
    private int* _buckets;
    private int _count;
    private long _evictions;

    public DropHalf(int capacity, bool isEthernet)
    {
        _capacity = capacity;
        _isEthernet = isEthernet;
        var buckets = BitOperations.RoundUpToPowerOf2((uint)capacity + 1);
        _bucketMask = buckets - 1;
        // Zeroed memory of this size comes straight from the kernel: pages are touched when first used.
        _entries = (DropEntry*)NativeMemory.AllocZeroed((nuint)(capacity + 1), DropEntry.Bytes);
        _buckets = (int*)NativeMemory.AllocZeroed(buckets, sizeof(int));
    }

    /// <summary>Entries in use: the first is 1.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Entries that had to leave because the ledger was full.</summary>
    public long Evictions => Volatile.Read(ref _evictions);

    /// <summary>Counts dropped packets. Only the owning thread.</summary>
    /// <param name="peerIndex">Whose they are; negative = not known.</param>
    /// <param name="reason">Why.</param>
    /// <param name="packets">How many.</param>
    /// <param name="packet">One of them, for its headers; empty where there is none to show.</param>
    /// <param name="nowTicks">The time, in ticks of 100 ns.</param>
    public void Record(int peerIndex, DropReason reason, int packets, ReadOnlySpan<byte> packet, long nowTicks)
    {
        var key = KeyOf(peerIndex, reason, packet);
        var bucket = key.Hash() & _bucketMask;
        var index = _buckets[bucket];
        while (index != 0 && _entries[index].Key != key) index = _entries[index].BucketNext;
        if (index == 0) index = Insert(key, bucket, nowTicks);
        else if (_entries[index].Next != 0) MoveLast(index);

        var entry = _entries + index;
        BeginWrite(entry);
        entry->Packets += packets;
        entry->LastSeen = nowTicks;
        if (!packet.IsEmpty && (entry->SampleBytes == 0 || nowTicks - entry->SampledAt >= SampleEveryTicks))
        {
            var bytes = Math.Min(PacketHeaders.Length(packet, _isEthernet), DropEntry.MaxSampleBytes);
            packet[..bytes].CopyTo(new Span<byte>(entry->Sample, DropEntry.MaxSampleBytes));
            entry->SampleBytes = bytes;
            entry->SampleOriginalBytes = packet.Length;
            entry->SampledAt = nowTicks;
        }

        EndWrite(entry);
    }

    /// <summary>Copies an entry, from 1 to <see cref="Count"/>. Any thread.</summary>
    public DropEntry Copy(int index)
    {
        var spin = new SpinWait();
        DropEntry copy;
        while (!TryCopyOnce(_entries + index, out copy)) spin.SpinOnce();
        return copy;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_entries);
        NativeMemory.Free(_buckets);
        _entries = null;
        _buckets = null;
    }

    private DropKey KeyOf(int peerIndex, DropReason reason, ReadOnlySpan<byte> packet)
    {
        if (_isEthernet) packet = PacketHeaders.IsIpFrame(packet) ? packet[PacketHeaders.EthernetBytes..] : [];
        if (packet.IsEmpty || IpPacket.TryParse(packet, out var info) != PacketStatus.Ok) return new DropKey(0, 0, peerIndex, 0, (byte)reason);
        var destination = info.Destination;
        return destination.IsV4
            ? new DropKey(destination.High, destination.Low & V4Mask, peerIndex, V4PrefixLength, (byte)reason)
            : new DropKey(destination.High, 0, peerIndex, V6PrefixLength, (byte)reason);
    }

    private int Insert(in DropKey key, uint bucket, long nowTicks)
    {
        var index = _count < _capacity ? _count + 1 : EvictOldest();
        var entry = _entries + index;
        BeginWrite(entry);
        entry->Key = key;
        entry->Packets = entry->SampledAt = 0;
        entry->FirstSeen = entry->LastSeen = nowTicks;
        entry->SampleBytes = entry->SampleOriginalBytes = 0;
        entry->BucketNext = _buckets[bucket];
        EndWrite(entry);
        _buckets[bucket] = index;
        LinkLast(index);
        if (index > _count) Volatile.Write(ref _count, index);
        return index;
    }

    private int EvictOldest()
    {
        var index = _entries[0].Next;
        var link = _buckets + (_entries[index].Key.Hash() & _bucketMask);
        while (*link != index) link = &_entries[*link].BucketNext;
        *link = _entries[index].BucketNext;
        Unlink(index);
        Volatile.Write(ref _evictions, _evictions + 1);
        return index;
    }

    private void MoveLast(int index)
    {
        Unlink(index);
        LinkLast(index);
    }

    private void LinkLast(int index)
    {
        var last = _entries[0].Previous;
        _entries[index].Previous = last;
        _entries[index].Next = 0;
        _entries[last].Next = index;
        _entries[0].Previous = index;
    }

    private void Unlink(int index)
    {
        var entry = _entries + index;
        _entries[entry->Previous].Next = entry->Next;
        _entries[entry->Next].Previous = entry->Previous;
    }

    private static bool TryCopyOnce(DropEntry* entry, out DropEntry copy)
    {
        var before = Volatile.Read(ref entry->Sequence);
        copy = *entry;
        Volatile.ReadBarrier();
        return (before & 1) == 0 && before == entry->Sequence;
    }

    private static void BeginWrite(DropEntry* entry)
    {
        entry->Sequence++;
        Volatile.WriteBarrier();
    }

    private static void EndWrite(DropEntry* entry) => Volatile.Write(ref entry->Sequence, entry->Sequence + 1);
}
