using System.Numerics;

namespace Gateway.Engine.Taps;

/// <summary>
/// Copies of a tunnel's packets for whoever watches: one ring per direction, each written by the one thread that carries that direction. While
/// nobody watches it costs a read of <see cref="IsWatched"/>; while somebody does, the oldest packets are overwritten, never waited for.
/// </summary>
internal sealed class PacketTap : IDisposable
{
    /// <summary>Packets kept a direction, unless told otherwise.</summary>
    public const int DefaultSlots = 4096;

    /// <summary>First bytes kept of each packet, unless told otherwise: all headers, and the start of what they carry.</summary>
    public const int DefaultSnapBytes = 256;

    private readonly int _slots, _snapBytes;
    private readonly Lock _gate = new();
    private TapRing? _outbound, _inbound;
    private int _readers;
    private bool _isDisposed;

    /// <summary>Makes a tap that nobody watches; it takes memory when the first reader comes, and keeps it.</summary>
    /// <param name="slots">Packets kept a direction; rounded up to a power of two.</param>
    /// <param name="snapBytes">First bytes kept of each packet.</param>
    /// <param name="isEthernet">Whether packets are frames.</param>
    public PacketTap(int slots = DefaultSlots, int snapBytes = DefaultSnapBytes, bool isEthernet = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(snapBytes, 1);
        _slots = (int)BitOperations.RoundUpToPowerOf2((uint)slots);
        _snapBytes = snapBytes;
        IsEthernet = isEthernet;
    }

    /// <summary>Whether packets are Ethernet frames; else they begin with their IP header.</summary>
    public bool IsEthernet { get; }

    /// <summary>Whether packets should be handed to <see cref="Write"/> at all.</summary>
    public bool IsWatched => Volatile.Read(ref _readers) > 0;

    /// <summary>First bytes kept of each packet: what a reader's buffer should hold.</summary>
    public int SnapBytes => _snapBytes;

    /// <summary>Keeps a packet, if anybody watches. Only the thread that carries this direction; never blocks.</summary>
    public void Write(TapDirection direction, int peerIndex, DropReason? drop, long nowTicks, ReadOnlySpan<byte> packet, int originalBytes)
    {
        if (!IsWatched) return;
        (direction == TapDirection.ToPeer ? _outbound : _inbound)!.Write(peerIndex, drop, nowTicks, packet, originalBytes);
    }

    /// <summary>Starts to watch: the reader gets what is written from now on; nothing from a tap that is disposed.</summary>
    public PacketTapReader Watch()
    {
        lock (_gate)
        {
            if (_isDisposed) return new PacketTapReader(this, 0, 0);
            _outbound ??= new TapRing(_slots, _snapBytes);
            _inbound ??= new TapRing(_slots, _snapBytes);
            var reader = new PacketTapReader(this, _outbound.Written, _inbound.Written);
            // Interlocked, so that writers that see the count see the rings.
            Interlocked.Increment(ref _readers);
            return reader;
        }
    }

    /// <summary>Frees the memory. Both writers must have ended; readers may stay and find nothing any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _outbound?.Dispose();
            _inbound?.Dispose();
        }
    }

    internal void Close() => Interlocked.Decrement(ref _readers);

    internal bool TryRead(ref TapPosition outbound, ref TapPosition inbound, Span<byte> buffer, out TapRecord record)
    {
        lock (_gate)
        {
            record = default;
            while (!_isDisposed)
            {
                var hasOutbound = _outbound!.TryPeek(ref outbound.Next, ref outbound.Lost, out var outboundTicks);
                var hasInbound = _inbound!.TryPeek(ref inbound.Next, ref inbound.Lost, out var inboundTicks);
                if (!hasOutbound && !hasInbound) return false;
                var isRead = hasOutbound && (!hasInbound || outboundTicks <= inboundTicks)
                    ? _outbound.TryRead(ref outbound.Next, ref outbound.Lost, TapDirection.ToPeer, buffer, out record)
                    : _inbound.TryRead(ref inbound.Next, ref inbound.Lost, TapDirection.FromPeer, buffer, out record);
                if (isRead) return true;
            }

            return false;
        }
    }
}

/// <summary>How far a reader is in one ring.</summary>
internal struct TapPosition
{
    public long Next, Lost;
}

/// <summary>Reads a tunnel's packets while it exists. One thread at a time; several readers do not disturb each other.</summary>
public sealed class PacketTapReader : IDisposable
{
    private readonly PacketTap _tap;
    private TapPosition _outbound, _inbound;
    private int _isClosed;

    internal PacketTapReader(PacketTap tap, long outbound, long inbound)
    {
        _tap = tap;
        _outbound.Next = outbound;
        _inbound.Next = inbound;
    }

    /// <summary>Packets that were overwritten before this reader came to them.</summary>
    public long Lost => _outbound.Lost + _inbound.Lost;

    /// <summary>Whether packets are Ethernet frames; else they begin with their IP header.</summary>
    public bool IsEthernet => _tap.IsEthernet;

    /// <summary>The most bytes of a packet that a read gives.</summary>
    public int SnapBytes => _tap.SnapBytes;

    /// <summary>
    /// Takes the next packet, in order of time as far as both directions have already been written; false if there is none for now, or ever
    /// because the tunnel has gone.
    /// </summary>
    /// <param name="buffer">Gets the packet's first bytes; what does not fit is cut off.</param>
    /// <param name="record">What there is to say about it.</param>
    public bool TryRead(Span<byte> buffer, out TapRecord record) => _tap.TryRead(ref _outbound, ref _inbound, buffer, out record);

    /// <summary>Stops watching.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0) _tap.Close();
    }
}
