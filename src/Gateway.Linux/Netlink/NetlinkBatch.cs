using System.Net;
using System.Runtime.InteropServices;

namespace Gateway.Linux.Netlink;

/// <summary>What the kernel refused of a batch.</summary>
/// <param name="Index">The message's ordinal in the batch, from 0.</param>
/// <param name="Error">errno.</param>
/// <param name="Message">The kernel's extended message; null where it gave none.</param>
internal readonly record struct NetlinkFailure(int Index, int Error, string? Message);

/// <summary>
/// Writes requests one behind the other into one buffer. Netlink takes many messages a send, answers errors for each, and an
/// acknowledgement only for the last, which alone asks for one: 100,000 routes take about 500 round trips.
/// </summary>
internal sealed class NetlinkBatch(NetlinkSocket socket)
{
    // Errors are queued to our receive buffer while send runs, 1-2 KB each with bookkeeping: these many fit in any buffer.
    private const int MaxMessages = 200;
    private const int BufferBytes = 32 * 1024;
    private const int MaxMessageBytes = 256;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly List<NetlinkFailure> _failures = [];
    private int _used, _start, _messages, _total;

    /// <summary>Starts a message; its fixed part is returned zeroed, to be filled in before attributes follow.</summary>
    public Span<byte> Begin(ushort type, ushort flags, int fixedBytes)
    {
        if (_messages == MaxMessages || BufferBytes - _used < MaxMessageBytes) Flush();
        _start = _used;
        var message = _buffer.AsSpan(_start, Rtnetlink.HeaderBytes + fixedBytes);
        message.Clear();
        MemoryMarshal.Write(message[4..], type);
        MemoryMarshal.Write(message[6..], (ushort)(flags | Rtnetlink.FlagRequest));
        _used += message.Length;
        return message[Rtnetlink.HeaderBytes..];
    }

    public NetlinkBatch Attribute(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, value);
        return Attribute(type, bytes);
    }

    public NetlinkBatch Attribute(ushort type, IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return Attribute(type, bytes[..written]);
    }

    public NetlinkBatch Attribute(ushort type, ReadOnlySpan<byte> data)
    {
        var target = _buffer.AsSpan(_used);
        MemoryMarshal.Write(target, (ushort)(4 + data.Length));
        MemoryMarshal.Write(target[2..], type);
        data.CopyTo(target[4..]);
        target[(4 + data.Length)..((4 + data.Length + 3) & ~3)].Clear();
        _used += (4 + data.Length + 3) & ~3;
        return this;
    }

    /// <summary>Ends the message; its ordinal.</summary>
    public int End()
    {
        MemoryMarshal.Write(_buffer.AsSpan(_start), (uint)(_used - _start));
        MemoryMarshal.Write(_buffer.AsSpan(_start + 8), socket.NextSequence());
        _messages++;
        return _total++;
    }

    /// <summary>Sends what is left and returns all that was refused since the last call.</summary>
    public List<NetlinkFailure> Finish()
    {
        Flush();
        _total = 0;
        var failures = new List<NetlinkFailure>(_failures);
        _failures.Clear();
        return failures;
    }

    private void Flush()
    {
        if (_messages == 0) return;
        var last = _buffer.AsSpan(_start);
        MemoryMarshal.Write(last[6..], (ushort)(MemoryMarshal.Read<ushort>(last[6..]) | Rtnetlink.FlagAck));
        var lastSequence = MemoryMarshal.Read<uint>(last[8..]);
        var firstOrdinal = _total - _messages;
        var firstSequence = lastSequence - (uint)(_messages - 1);
        socket.Send(_buffer.AsSpan(0, _used));
        socket.ReadAcknowledgements(lastSequence, (sequence, error, message) =>
            _failures.Add(new NetlinkFailure(firstOrdinal + (int)(sequence - firstSequence), error, message)));
        _used = _messages = 0;
    }
}
