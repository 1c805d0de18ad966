using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gateway.Engine.Packets;

namespace Gateway.Engine.Flows;

/// <summary>
/// One direction of a <see cref="FlowTable"/>: a hash table of fixed capacity in native memory, its entries also in one list per
/// <see cref="FlowClass"/>, the least recently seen first. One thread calls <see cref="Record"/> and <see cref="Sweep"/>; all else may be
/// called by others meanwhile.
/// </summary>
// SAFETY: entries and buckets are allocated once and freed in Dispose, after the writer has ended; every index stored in them is 0 or below
// capacity + FirstEntry, so that even a reader that follows a chain while it changes stays inside.
internal sealed unsafe class FlowHalf : IDisposable
{
    /// <summary>How far an entry's place in its list may lag behind, so that a busy flow is not moved for every packet.</summary>
    public const long ListGranularityTicks = TimeSpan.TicksPerSecond;

    // Entries 1 to 3 are the heads of the lists; 0 stands for "none".
    private const int FirstEntry = 4;
    private const int NoticeSlots = 1024;

    // Amortised work, entries: inside Record, in a Sweep, and tried before the oldest is evicted although the other half has just seen it.
    private const int StepsInRecord = 4, StepsInSweep = 4096, EvictionTries = 8;
    private const long LookEveryTicks = TimeSpan.TicksPerSecond / 10;
    private const int MaxChainSteps = 64, MaxPeekSpins = 100;

    private readonly bool _isFromPeer;
    private readonly int _capacity;
    private readonly uint _bucketMask;
    private readonly FlowHash _hash;
    private readonly int[] _notices = new int[NoticeSlots];
    private FlowEntry* _entries;
    private int* _buckets;
    private FlowHalf _other = null!;
    private int _last, _free, _end = FirstEntry, _count;
    private long _nextLook = long.MinValue, _evictions;
    private int _noticesPosted, _noticesTaken;

    public FlowHalf(bool isFromPeer, int capacity, FlowHash hash)
    {
        _isFromPeer = isFromPeer;
        _capacity = capacity;
        _hash = hash;
        var buckets = BitOperations.RoundUpToPowerOf2((uint)capacity + 1);
        _bucketMask = buckets - 1;
        // Zeroed memory of this size comes straight from the kernel: pages are touched when first used.
        _entries = (FlowEntry*)NativeMemory.AllocZeroed((nuint)(capacity + FirstEntry), FlowEntry.Bytes);
        _buckets = (int*)NativeMemory.AllocZeroed(buckets, sizeof(int));
        for (var head = 1; head < FirstEntry; head++) _entries[head].ListPrevious = _entries[head].ListNext = head;
    }

    /// <summary>Entries in use.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Entries that had to leave before their time, because the table was full.</summary>
    public long Evictions => Volatile.Read(ref _evictions);

    /// <summary>Ties the halves together; once, before use.</summary>
    public void PairWith(FlowHalf other) => _other = other;

    /// <summary>Counts packets of one conversation. Only the owning thread.</summary>
    /// <param name="peerIndex">The peer, below 2^24.</param>
    /// <param name="info">Headers of the packet, or of the super-packet that they came in.</param>
    /// <param name="packets">How many.</param>
    /// <param name="bytes">IP bytes of all of them.</param>
    /// <param name="nowTicks">The time, in ticks of 100 ns; never runs backwards.</param>
    public void Record(int peerIndex, in IpPacket info, int packets, int bytes, long nowTicks)
    {
        var key = _isFromPeer ? FlowKey.FromPeer(peerIndex, info) : FlowKey.ToPeer(peerIndex, info);
        var index = _last;
        if (_entries[index].Key != key || index == 0) index = FindOrInsert(key, nowTicks);

        var entry = _entries + index;
        if (entry->Class == FlowClass.ClosedTcp && (info.TcpFlags & TcpFlags.Syn) != 0) Restart(index, nowTicks);
        BeginWrite(entry);
        entry->Packets += packets;
        entry->PacketBytes += bytes;
        entry->LastSeen = nowTicks;
        entry->TcpFlags |= info.TcpFlags;
        if ((info.TcpFlags & TcpFlags.Syn) != 0)
        {
            entry->SynAt = nowTicks;
            entry->AfterSynAt = 0;
        }
        else if (entry->AfterSynAt == 0)
        {
            entry->AfterSynAt = nowTicks;
        }

        entry->EchoSequence = info.EchoSequence;
        // Of a super-packet the usual segment: the last may be smaller.
        var size = packets == 1 ? bytes : bytes / packets;
        if (size > entry->Largest) entry->Largest = (ushort)Math.Min(size, ushort.MaxValue);
        EndWrite(entry);

        if (nowTicks - entry->ListedAt >= ListGranularityTicks) Relist(index, entry->Class, nowTicks);
        if ((entry->TcpFlags & (TcpFlags.Fin | TcpFlags.Rst)) != 0 && entry->Class == FlowClass.OpenTcp) CloseIfEnded(index);
        if (nowTicks >= _nextLook) Maintain(nowTicks, StepsInRecord);
    }

    /// <summary>Lets go of what has expired. Only the owning thread; meant for when it wakes after being idle.</summary>
    public void Sweep(long nowTicks) => Maintain(nowTicks, StepsInSweep);

    /// <summary>Copies entry <paramref name="index"/> of <see cref="End"/>; false if it is not in use. Any thread.</summary>
    public bool TryCopy(int index, out FlowEntry copy)
    {
        var spin = new SpinWait();
        while (!TryCopyOnce(_entries + index, out copy)) spin.SpinOnce();
        return copy.Class != FlowClass.Free;
    }

    /// <summary>The first index for <see cref="TryCopy"/>.</summary>
    public static int Start => FirstEntry;

    /// <summary>The index after the last one that was ever used.</summary>
    public int End => Volatile.Read(ref _end);

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_entries);
        NativeMemory.Free(_buckets);
        _entries = null;
        _buckets = null;
    }

    private int FindOrInsert(in FlowKey key, long nowTicks)
    {
        var hash = _hash.Of(key);
        var index = _buckets[hash & _bucketMask];
        while (index != 0 && _entries[index].Key != key) index = _entries[index].BucketNext;
        if (index == 0) index = Insert(key, hash, nowTicks);
        _last = index;
        return index;
    }

    private int Insert(in FlowKey key, uint hash, long nowTicks)
    {
        if (_free == 0 && _end == _capacity + FirstEntry) EvictOldest();
        var index = _free;
        if (index != 0) _free = _entries[index].BucketNext;
        else index = _end;

        var entry = _entries + index;
        BeginWrite(entry);
        entry->BucketNext = _buckets[hash & _bucketMask];
        entry->Key = key;
        entry->Hash = hash;
        entry->Class = key.Protocol == IpProtocol.Tcp ? FlowClass.OpenTcp : FlowClass.Other;
        Reset(entry, nowTicks);
        EndWrite(entry);
        Link(index, entry->Class);
        Volatile.Write(ref _buckets[hash & _bucketMask], index);
        if (index == _end) Volatile.Write(ref _end, index + 1);
        Volatile.Write(ref _count, _count + 1);
        return index;
    }

    private static void Reset(FlowEntry* entry, long nowTicks)
    {
        entry->TcpFlags = 0;
        entry->Packets = entry->PacketBytes = 0;
        entry->SynAt = entry->AfterSynAt = 0;
        entry->Largest = 0;
        entry->FirstSeen = entry->LastSeen = entry->ListedAt = nowTicks;
    }

    /// <summary>A SYN on a closed flow is a new connection from the same port.</summary>
    private void Restart(int index, long nowTicks)
    {
        var entry = _entries + index;
        BeginWrite(entry);
        Reset(entry, nowTicks);
        EndWrite(entry);
        Relist(index, FlowClass.OpenTcp, nowTicks);
    }

    /// <summary>Moves a TCP flow to the closed ones if it has ended, and lets the other half know, which may not see another packet of it.</summary>
    private void CloseIfEnded(int index)
    {
        var entry = _entries + index;
        var otherIndex = _other.Peek(entry->Key, entry->Hash, out var other);
        if (!FlowRules.IsClosed(entry->TcpFlags, other.TcpFlags)) return;
        Relist(index, FlowClass.ClosedTcp, entry->LastSeen);
        if (otherIndex != 0) _other.PostNotice(index: otherIndex);
    }

    /// <summary>Called by the other half's thread: "look at this entry, its connection has ended". Lost if the ring is full; the entry then expires as idle.</summary>
    private void PostNotice(int index)
    {
        var posted = _noticesPosted;
        if (posted - Volatile.Read(ref _noticesTaken) == NoticeSlots) return;
        _notices[posted & (NoticeSlots - 1)] = index;
        Volatile.Write(ref _noticesPosted, posted + 1);
    }

    private void TakeNotices()
    {
        var posted = Volatile.Read(ref _noticesPosted);
        for (; _noticesTaken != posted; Volatile.Write(ref _noticesTaken, _noticesTaken + 1))
        {
            var index = _notices[_noticesTaken & (NoticeSlots - 1)];
            var entry = _entries + index;
            if (entry->Class != FlowClass.OpenTcp) continue;
            _other.Peek(entry->Key, entry->Hash, out var other);
            if (FlowRules.IsClosed(entry->TcpFlags, other.TcpFlags)) Relist(index, FlowClass.ClosedTcp, entry->LastSeen);
        }
    }

    private void Maintain(long nowTicks, int steps)
    {
        TakeNotices();
        _nextLook = nowTicks + LookEveryTicks;
        for (var list = FlowClass.ClosedTcp; list <= FlowClass.OpenTcp; list++)
        {
            for (int index; (index = _entries[(int)list].ListNext) != (int)list; steps--)
            {
                if (nowTicks - _entries[index].ListedAt < FlowRules.Timeout(list)) break;
                if (steps == 0)
                {
                    _nextLook = nowTicks;
                    return;
                }

                if (!TryRelistAsSeen(index)) Remove(index);
            }
        }
    }

    private void EvictOldest()
    {
        var oldest = FindOldest();
        for (var tries = 0; tries < EvictionTries && TryRelistAsSeen(oldest); tries++) oldest = FindOldest();
        Remove(oldest);
        Volatile.Write(ref _evictions, _evictions + 1);
    }

    private int FindOldest()
    {
        var oldest = 0;
        for (var list = (int)FlowClass.ClosedTcp; list < FirstEntry; list++)
        {
            var first = _entries[list].ListNext;
            if (first != list && (oldest == 0 || _entries[first].ListedAt < _entries[oldest].ListedAt)) oldest = first;
        }

        return oldest;
    }

    /// <summary>
    /// Moves an entry to where it belongs if a packet was seen since it was listed, in either direction: a conversation that is busy one way
    /// keeps both halves.
    /// </summary>
    private bool TryRelistAsSeen(int index)
    {
        var entry = _entries + index;
        var seen = entry->LastSeen;
        if (_other.Peek(entry->Key, entry->Hash, out var other) != 0) seen = Math.Max(seen, other.LastSeen);
        if (seen <= entry->ListedAt) return false;
        Relist(index, entry->Class, seen);
        return true;
    }

    private void Remove(int index)
    {
        var entry = _entries + index;
        var link = _buckets + (entry->Hash & _bucketMask);
        while (*link != index) link = &_entries[*link].BucketNext;
        Volatile.Write(ref *link, entry->BucketNext);
        Unlink(index);
        BeginWrite(entry);
        entry->Class = FlowClass.Free;
        entry->Key = default;
        entry->BucketNext = _free;
        EndWrite(entry);
        _free = index;
        if (_last == index) _last = 0;
        Volatile.Write(ref _count, _count - 1);
    }

    private void Relist(int index, FlowClass list, long ticks)
    {
        var entry = _entries + index;
        entry->ListedAt = ticks;
        Unlink(index);
        entry->Class = list;
        Link(index, list);
    }

    private void Link(int index, FlowClass list)
    {
        var head = (int)list;
        var last = _entries[head].ListPrevious;
        _entries[index].ListPrevious = last;
        _entries[index].ListNext = head;
        _entries[last].ListNext = index;
        _entries[head].ListPrevious = index;
    }

    private void Unlink(int index)
    {
        var entry = _entries + index;
        _entries[entry->ListPrevious].ListNext = entry->ListNext;
        _entries[entry->ListNext].ListPrevious = entry->ListPrevious;
    }

    /// <summary>Any thread: what this half knows of a conversation; all zeros if nothing.</summary>
    public bool TryFind(in FlowKey key, uint hash, out FlowEntry copy) => Peek(key, hash, out copy) != 0;

    /// <summary>Called by other threads: what this half knows of a conversation. The index of its entry, or 0.</summary>
    private int Peek(in FlowKey key, uint hash, out FlowEntry found)
    {
        var index = Volatile.Read(ref _buckets[hash & _bucketMask]);
        for (var steps = 0; index != 0 && steps < MaxChainSteps; steps++)
        {
            var isCopied = TryCopyOnce(_entries + index, out var copy);
            for (var spins = 0; !isCopied && spins < MaxPeekSpins; spins++)
            {
                Thread.SpinWait(1);
                isCopied = TryCopyOnce(_entries + index, out copy);
            }

            if (isCopied && copy.Class != FlowClass.Free && copy.Key == key)
            {
                found = copy;
                return index;
            }

            index = copy.BucketNext;
        }

        found = default;
        return 0;
    }

    private static bool TryCopyOnce(FlowEntry* entry, out FlowEntry copy)
    {
        var before = Volatile.Read(ref entry->Sequence);
        copy = *entry;
        Volatile.ReadBarrier();
        return (before & 1) == 0 && before == entry->Sequence;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BeginWrite(FlowEntry* entry)
    {
        entry->Sequence++;
        Volatile.WriteBarrier();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EndWrite(FlowEntry* entry) => Volatile.Write(ref entry->Sequence, entry->Sequence + 1);
}
