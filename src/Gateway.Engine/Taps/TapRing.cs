using System.Runtime.InteropServices;

namespace Gateway.Engine.Taps;

/// <summary>
/// The newest packets of one direction in native memory. One thread writes and never waits; each slot is a seqlock whose number also says
/// which packet it holds, so that any number of readers notice when they were overtaken.
/// </summary>
// SAFETY: slots are allocated once and freed in Dispose, when the writer has ended and under the lock that readers take (PacketTap); slot
// indexes are masked, lengths are cut to the slot when written and again when read.
internal sealed unsafe class TapRing : IDisposable
{
    private const int HeaderBytes = 64;

    private readonly int _snapBytes, _mask;
    private readonly nint _stride;
    private byte* _slots;
    private long _written;

    public TapRing(int slots, int snapBytes)
    {
        _snapBytes = snapBytes;
        _mask = slots - 1;
        _stride = (HeaderBytes + snapBytes + 63) & ~63;
        _slots = (byte*)NativeMemory.AlignedAlloc((nuint)(slots * _stride), HeaderBytes);
        for (var i = 0; i < slots; i++) Slot(i)->Sequence = 0;
    }

    /// <summary>How many packets were ever written: the position of the next.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Keeps a packet; the oldest goes.</summary>
    public void Write(int peerIndex, DropReason? drop, long nowTicks, ReadOnlySpan<byte> packet, int originalBytes)
    {
        var position = _written;
        var slot = Slot(position);
        slot->Sequence = BeingWritten(position);
        Volatile.WriteBarrier();
        if (packet.Length > _snapBytes) packet = packet[.._snapBytes];
        slot->Ticks = nowTicks;
        slot->PeerIndex = peerIndex;
        slot->Drop = drop is { } reason ? (int)reason : -1;
        slot->OriginalBytes = originalBytes;
        slot->CapturedBytes = packet.Length;
        packet.CopyTo(new Span<byte>((byte*)slot + HeaderBytes, _snapBytes));
        Volatile.Write(ref slot->Sequence, Complete(position));
        Volatile.Write(ref _written, position + 1);
    }

    /// <summary>Moves a reader's position to the oldest packet still here, and gives that packet's time. False if there is none.</summary>
    public bool TryPeek(ref long position, ref long lost, out long ticks)
    {
        for (; ; Skip(ref position, ref lost, position + 1))
        {
            ticks = 0;
            var written = Written;
            if (position == written) return false;
            if (written - position > _mask + 1) Skip(ref position, ref lost, written - _mask - 1);
            var slot = Slot(position);
            if (Volatile.Read(ref slot->Sequence) != Complete(position)) continue;
            ticks = slot->Ticks;
            Volatile.ReadBarrier();
            if (slot->Sequence == Complete(position)) return true;
        }
    }

    /// <summary>Copies the packet at a position that was peeked; false, and counted as lost, if it has been overwritten since.</summary>
    public bool TryRead(ref long position, ref long lost, TapDirection direction, Span<byte> buffer, out TapRecord record)
    {
        var slot = Slot(position);
        var bytes = Math.Min(Math.Min(slot->CapturedBytes, _snapBytes), buffer.Length);
        if (bytes > 0) new ReadOnlySpan<byte>((byte*)slot + HeaderBytes, bytes).CopyTo(buffer);
        record = new TapRecord(direction, slot->PeerIndex, slot->Drop < 0 ? null : (DropReason)slot->Drop, slot->Ticks, slot->OriginalBytes, bytes);
        Volatile.ReadBarrier();
        var isWhole = slot->Sequence == Complete(position);
        position++;
        if (!isWhole) lost++;
        return isWhole;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_slots);
        _slots = null;
    }

    private static void Skip(ref long position, ref long lost, long target)
    {
        lost += target - position;
        position = target;
    }

    private static long BeingWritten(long position) => (position * 2) + 1;

    private static long Complete(long position) => (position * 2) + 2;

    private SlotHeader* Slot(long position) => (SlotHeader*)(_slots + ((position & _mask) * _stride));

    [StructLayout(LayoutKind.Sequential, Size = HeaderBytes)]
    private struct SlotHeader
    {
        public long Sequence;
        public long Ticks;
        public int PeerIndex, Drop, OriginalBytes, CapturedBytes;
    }
}
