using System.Buffers;

namespace Gateway.Engine;

/// <summary>Frames of one peer that wait for a session: a bounded queue whose oldest goes first. Outbound thread only; the one place where a packet is copied to pooled memory.</summary>
internal sealed class WaitingPackets
{
    /// <summary>Enough for the first window of a few TCP connections, and little enough that thousands of dead peers stay small.</summary>
    private const int MaxFrames = 64;

    private Queue<(byte[] Buffer, int Bytes)>? _frames;

    public int Count => _frames?.Count ?? 0;

    /// <summary>Copies a frame in. False where the oldest had to go for it.</summary>
    public bool Add(ReadOnlySpan<byte> frame)
    {
        _frames ??= new Queue<(byte[], int)>();
        var fits = true;
        if (_frames.Count == MaxFrames)
        {
            ArrayPool<byte>.Shared.Return(_frames.Dequeue().Buffer);
            fits = false;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(frame.Length);
        frame.CopyTo(buffer);
        _frames.Enqueue((buffer, frame.Length));
        return fits;
    }

    /// <summary>Takes the oldest out, copying it to <paramref name="destination"/>. 0 = none left.</summary>
    public int TakeInto(Span<byte> destination)
    {
        if (_frames is null || !_frames.TryDequeue(out var frame)) return 0;
        frame.Buffer.AsSpan(0, frame.Bytes).CopyTo(destination);
        ArrayPool<byte>.Shared.Return(frame.Buffer);
        return frame.Bytes;
    }

    /// <summary>Throws all away and says how many there were.</summary>
    public int Clear()
    {
        var count = Count;
        while (_frames is not null && _frames.TryDequeue(out var frame)) ArrayPool<byte>.Shared.Return(frame.Buffer);
        return count;
    }
}
