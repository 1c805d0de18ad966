using System.Runtime.InteropServices;
using Gateway.Engine.Taps;

namespace Gateway.Engine.Recorder;

/// <summary>
/// One direction of the flight recorder in native memory: a block of slots for each peer that was heard of late, a ring within the block. One thread
/// writes and never waits. Each slot is a seqlock whose number never comes again, so that readers notice what was overwritten under them.
/// A busy peer goes round in its own 4 KB, which stay in the core's cache, and pushes nobody else's packets out.
/// </summary>
// SAFETY: memory is allocated once and freed in Dispose, when the writer has ended and under the lock that readers take (FlightRecorder); block and
// slot numbers are bounded where they are made, lengths are cut to the slot when written.
internal sealed unsafe class FlightHalf : IDisposable
{
    /// <summary>Packets kept of each peer.</summary>
    public const int Slots = 32;

    /// <summary>First bytes kept of a packet: IPv6 with TCP and its options fits, and an ICMP error with the headers that it quotes.</summary>
    public const int SnapBytes = 96;

    private const int SlotBytes = 128, CacheLine = 64;

    // Who makes room is the one unheard longest of so many: to look at all would take too long for a data thread.
    private const int Candidates = 8;

    private readonly int _blocks;
    private readonly byte* _memory, _slots;
    private readonly Owner* _owners;
    private Slot* _open;
    private long _written;
    private int _used, _hand;

    public FlightHalf(int peers)
    {
        _blocks = peers;
        // Zeroed by the kernel page by page as they are touched: memory that no peer has used is not taken.
        _memory = (byte*)NativeMemory.AllocZeroed(((nuint)peers * Slots * SlotBytes) + CacheLine);
        _slots = (byte*)(((nuint)_memory + CacheLine - 1) & ~(nuint)(CacheLine - 1));
        _owners = (Owner*)NativeMemory.AllocZeroed((nuint)peers, (nuint)sizeof(Owner));
    }

    /// <summary>Keeps one packet.</summary>
    /// <param name="peerIndex">Whose.</param>
    /// <param name="block">The peer's block: what an earlier call left there, or -1.</param>
    /// <param name="drop">Why it is not passed on; null = it is.</param>
    /// <param name="nowTicks">When.</param>
    /// <param name="packet">All of it that there is.</param>
    /// <param name="packets">How many it counts for, where it is one that the kernel gave in one piece.</param>
    public void Record(int peerIndex, ref int block, DropReason? drop, long nowTicks, ReadOnlySpan<byte> packet, int packets = 1)
    {
        var slot = Fill(peerIndex, ref block, drop, nowTicks, packet);
        Complete(slot, packets, packet.Length);
    }

    /// <summary>Keeps the first of several packets of one flow; <see cref="Close"/> says how many there were. Only one is open at a time.</summary>
    public void Open(int peerIndex, ref int block, long nowTicks, ReadOnlySpan<byte> packet) => _open = Fill(peerIndex, ref block, null, nowTicks, packet);

    /// <summary>Ends what <see cref="Open"/> began.</summary>
    public void Close(int packets, int bytes)
    {
        if (_open != null) Complete(_open, packets, bytes);
        _open = null;
    }

    /// <summary>Adds what there is of a peer. Under the lock of the recorder.</summary>
    public void Read(int peerIndex, TapDirection direction, List<RecordedPacket> packets)
    {
        for (var block = 0; block < _blocks; block++)
        {
            // Stored one higher, so that zero is nobody.
            if (Volatile.Read(ref _owners[block].Peer) != peerIndex + 1) continue;
            for (var i = 0; i < Slots; i++)
            {
                var slot = At(block, i);
                var sequence = Volatile.Read(ref slot->Sequence);
                if (sequence == 0 || (sequence & 1) != 0) continue;
                var copy = *slot;
                var data = new ReadOnlySpan<byte>((byte*)slot + sizeof(Slot), Math.Min((int)copy.CapturedBytes, SnapBytes)).ToArray();
                Volatile.ReadBarrier();
                if (slot->Sequence != sequence || copy.Peer != peerIndex) continue;
                packets.Add(new RecordedPacket(direction, copy.Drop < 0 ? null : (DropReason)copy.Drop, copy.Ticks, copy.OriginalBytes, copy.Packets, copy.Bytes, data));
            }
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        NativeMemory.Free(_owners);
    }

    private Slot* Fill(int peerIndex, ref int block, DropReason? drop, long nowTicks, ReadOnlySpan<byte> packet)
    {
        if ((uint)block >= (uint)_blocks || _owners[block].Peer != peerIndex + 1) block = Take(peerIndex);
        ref var owner = ref _owners[block];
        owner.LastTicks = nowTicks;
        var slot = At(block, owner.Next);
        owner.Next = (owner.Next + 1) % Slots;
        slot->Sequence = (++_written * 2) - 1;
        Volatile.WriteBarrier();
        var bytes = Math.Min(packet.Length, SnapBytes);
        slot->Ticks = nowTicks;
        slot->Peer = peerIndex;
        slot->Drop = drop is { } reason ? (sbyte)reason : (sbyte)-1;
        slot->OriginalBytes = packet.Length;
        slot->CapturedBytes = (byte)bytes;
        packet[..bytes].CopyTo(new Span<byte>((byte*)slot + sizeof(Slot), SnapBytes));
        return slot;
    }

    private static void Complete(Slot* slot, int packets, int bytes)
    {
        slot->Packets = (ushort)Math.Min(packets, ushort.MaxValue);
        slot->Bytes = bytes;
        Volatile.Write(ref slot->Sequence, slot->Sequence + 1);
    }

    private int Take(int peerIndex)
    {
        var block = _used;
        if (block < _blocks)
        {
            _used++;
        }
        else
        {
            block = _hand;
            for (var i = 0; i < Candidates; i++)
            {
                if (_owners[_hand].LastTicks < _owners[block].LastTicks) block = _hand;
                _hand = (_hand + 1) % _blocks;
            }
        }

        _owners[block].Next = 0;
        Volatile.Write(ref _owners[block].Peer, peerIndex + 1);
        return block;
    }

    private Slot* At(int block, int slot) => (Slot*)(_slots + ((((nint)block * Slots) + slot) * SlotBytes));

    [StructLayout(LayoutKind.Sequential)]
    private struct Owner
    {
        public long LastTicks;
        public int Peer, Next;
    }

    // 32 bytes, and the packet's first 96 behind it: two cache lines.
    [StructLayout(LayoutKind.Sequential, Size = SlotBytes - SnapBytes)]
    private struct Slot
    {
        public long Sequence, Ticks;
        public int Peer, OriginalBytes, Bytes;
        public ushort Packets;
        public byte CapturedBytes;
        public sbyte Drop;
    }
}
