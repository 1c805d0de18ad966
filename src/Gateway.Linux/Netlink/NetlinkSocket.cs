using System.Runtime.InteropServices;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>Gets one message of a dump: its type and what follows the header.</summary>
internal delegate void NetlinkHandler(ushort type, ReadOnlySpan<byte> payload);

/// <summary>A netlink socket (NETLINK_ROUTE unless told otherwise) in the network namespace of the thread that made it. Not for several threads at once.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int ReceiveBufferBytes = 4 << 20;

    // Dumps come in pieces of at most 32 KB (netlink_dump: NLMSG_GOODSIZE to 32 KB).
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _descriptor;
    private uint _sequence;

    public NetlinkSocket(uint groups = 0, int protocol = Rtnetlink.RouteFamily)
    {
        _descriptor = Libc.Socket(SocketNumbers.Netlink, SocketNumbers.Raw | OpenFlags.CloseOnExec, protocol);
        if (_descriptor < 0) throw Failed("opened", Errno.Last);
        // struct sockaddr_nl: family, padding, port id 0 = the kernel picks one, groups.
        Span<uint> address = [SocketNumbers.Netlink, 0, groups];
        // SAFETY: 12 bytes of this frame.
        fixed (uint* pointer = address)
        {
            if (Libc.Bind(_descriptor, pointer, 12) < 0)
            {
                var error = Errno.Last;
                Dispose();
                throw Failed("bound", error);
            }
        }
        // Older kernels lack some of these; then errors carry no words and dumps are filtered here alone.
        _ = Libc.SetOption(_descriptor, Rtnetlink.Level, Rtnetlink.OptionCapAck, 1);
        _ = Libc.SetOption(_descriptor, Rtnetlink.Level, Rtnetlink.OptionExtendedAck, 1);
        _ = Libc.SetOption(_descriptor, Rtnetlink.Level, Rtnetlink.OptionStrictCheck, 1);
        if (Libc.SetOption(_descriptor, SocketNumbers.SocketLevel, SocketNumbers.ReceiveBufferForce, ReceiveBufferBytes) != 0)
            _ = Libc.SetOption(_descriptor, SocketNumbers.SocketLevel, SocketNumbers.ReceiveBuffer, ReceiveBufferBytes);
    }

    public int Descriptor => _descriptor;

    public uint NextSequence() => ++_sequence;

    public void Send(ReadOnlySpan<byte> messages)
    {
        // SAFETY: pinned for the call.
        fixed (byte* pointer = messages)
        {
            while (Libc.Send(_descriptor, pointer, (nuint)messages.Length, 0) < 0)
            {
                if (Errno.Last != Errno.Interrupted) throw Failed("written to", Errno.Last);
            }
        }
    }

    /// <summary>Reads answers up to that of <paramref name="last"/>, handing on each error.</summary>
    public void ReadAcknowledgements(uint last, Action<uint, int, string?> onError)
    {
        while (true)
        {
            var rest = Receive();
            while (TryReadMessage(ref rest, out var type, out var flags, out var sequence, out var payload))
            {
                if (type == Rtnetlink.Error && payload.Length >= 4)
                {
                    var error = -MemoryMarshal.Read<int>(payload);
                    if (error != 0) onError(sequence, error, ReadWords(payload, flags));
                }
                if (sequence == last) return;
            }
        }
    }

    /// <summary>Asks for a dump. False when it was interrupted by a change meanwhile, and may miss something. Throws <see cref="PortException"/>.</summary>
    public bool Dump(ushort type, int fixedBytes, NetlinkFill fill, NetlinkHandler handler)
    {
        Span<byte> request = stackalloc byte[Rtnetlink.HeaderBytes + 64];
        request.Clear();
        var fixedPart = request.Slice(Rtnetlink.HeaderBytes, fixedBytes);
        var length = Rtnetlink.HeaderBytes + fixedBytes + fill(fixedPart, request[(Rtnetlink.HeaderBytes + fixedBytes)..]);
        WriteHeader(request, length, type, Rtnetlink.FlagDump, out var wanted);
        Send(request[..length]);
        var whole = true;
        while (true)
        {
            var rest = Receive();
            while (TryReadMessage(ref rest, out var kind, out var flags, out var sequence, out var payload))
            {
                if (sequence != wanted) continue;
                whole &= (flags & Rtnetlink.FlagDumpInterrupted) == 0;
                if (kind == Rtnetlink.Done) return whole;
                if (kind == Rtnetlink.Error)
                {
                    var error = payload.Length >= 4 ? -MemoryMarshal.Read<int>(payload) : 0;
                    if (error == 0) return whole;
                    throw Failed("read", error);
                }
                handler(kind, payload);
            }
        }
    }

    /// <summary>Asks one question that has one answer; 0, or the errno with the kernel's words.</summary>
    public int Ask(ushort type, int fixedBytes, NetlinkFill fill, NetlinkHandler handler, out string? words)
    {
        Span<byte> request = stackalloc byte[Rtnetlink.HeaderBytes + 128];
        request.Clear();
        var length = Rtnetlink.HeaderBytes + fixedBytes +
            fill(request.Slice(Rtnetlink.HeaderBytes, fixedBytes), request[(Rtnetlink.HeaderBytes + fixedBytes)..]);
        WriteHeader(request, length, type, 0, out var wanted);
        Send(request[..length]);
        words = null;
        while (true)
        {
            var rest = Receive();
            while (TryReadMessage(ref rest, out var kind, out var flags, out var sequence, out var payload))
            {
                if (sequence != wanted) continue;
                if (kind != Rtnetlink.Error)
                {
                    handler(kind, payload);
                    return 0;
                }
                words = ReadWords(payload, flags);
                return -MemoryMarshal.Read<int>(payload);
            }
        }
    }

    /// <summary>Reads one piece of a subscription without blocking; false when there is none, or when some were lost (<paramref name="lost"/>).</summary>
    public bool TryReceive(out ReadOnlySpan<byte> messages, out bool lost)
    {
        // SAFETY: pinned for the call, which writes at most the buffer's length.
        fixed (byte* pointer = _buffer)
        {
            var bytes = Libc.Receive(_descriptor, pointer, (nuint)_buffer.Length, SocketNumbers.DontWait);
            lost = bytes < 0 && Errno.Last == Errno.NoBuffers;
            messages = bytes < 0 ? default : _buffer.AsSpan(0, (int)bytes);
            return bytes >= 0;
        }
    }

    public static bool TryReadMessage(ref ReadOnlySpan<byte> rest, out ushort type, out ushort flags, out uint sequence, out ReadOnlySpan<byte> payload)
    {
        type = flags = 0;
        sequence = 0;
        payload = default;
        if (rest.Length < Rtnetlink.HeaderBytes) return false;
        var length = MemoryMarshal.Read<int>(rest);
        if (length < Rtnetlink.HeaderBytes || length > rest.Length) return false;
        type = MemoryMarshal.Read<ushort>(rest[4..]);
        flags = MemoryMarshal.Read<ushort>(rest[6..]);
        sequence = MemoryMarshal.Read<uint>(rest[8..]);
        payload = rest[Rtnetlink.HeaderBytes..length];
        rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        return true;
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = Libc.Close(descriptor);
    }

    private void WriteHeader(Span<byte> request, int length, ushort type, ushort flags, out uint sequence)
    {
        sequence = NextSequence();
        MemoryMarshal.Write(request, (uint)length);
        MemoryMarshal.Write(request[4..], type);
        MemoryMarshal.Write(request[6..], (ushort)(flags | Rtnetlink.FlagRequest));
        MemoryMarshal.Write(request[8..], sequence);
    }

    private ReadOnlySpan<byte> Receive()
    {
        // SAFETY: pinned for the call, which writes at most the buffer's length.
        fixed (byte* pointer = _buffer)
        {
            while (true)
            {
                var bytes = Libc.Receive(_descriptor, pointer, (nuint)_buffer.Length, 0);
                if (bytes >= 0) return _buffer.AsSpan(0, (int)bytes);
                if (Errno.Last != Errno.Interrupted) throw Failed("read", Errno.Last);
            }
        }
    }

    // struct nlmsgerr: the error, the request's header and, unless capped, the request itself; then attributes (netlink_ack).
    private static string? ReadWords(ReadOnlySpan<byte> payload, ushort flags)
    {
        if ((flags & Rtnetlink.FlagAckAttributes) == 0 || payload.Length < 4 + Rtnetlink.HeaderBytes) return null;
        var skip = 4 + ((flags & Rtnetlink.FlagCapped) != 0 ? Rtnetlink.HeaderBytes : (MemoryMarshal.Read<int>(payload[4..]) + 3) & ~3);
        if (skip > payload.Length) return null;
        var attributes = new NetlinkAttributes(payload[skip..]);
        while (attributes.Next())
        {
            if (attributes.Type == Rtnetlink.ErrorMessage) return attributes.Text;
        }
        return null;
    }

    private static PortException Failed(string what, int error) =>
        new($"A netlink socket of the kernel cannot be {what}: {Errno.Describe(error)}.", "See that the process may open netlink sockets (seccomp, ulimit -n).", error);
}

/// <summary>Fills a request's fixed part and the attributes behind it; returns the attributes' bytes.</summary>
internal delegate int NetlinkFill(Span<byte> fixedPart, Span<byte> attributes);
