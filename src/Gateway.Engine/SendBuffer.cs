using System.Runtime.InteropServices;
using Gateway.Engine.Ports;

namespace Gateway.Engine;

/// <summary>
/// The datagrams that are ready and not yet sent: behind one another in native memory, all for one peer and of one size but the last, so that
/// one call with GSO sends them. Outbound thread only.
/// </summary>
internal sealed unsafe class SendBuffer : IDisposable
{
    /// <summary>The largest UDP payload over IPv4, and so the most that one send with GSO may carry (udp_sendmsg).</summary>
    public const int MaxBytes = 65_507;

    /// <summary>UDP_MAX_SEGMENTS before Linux 6.9.</summary>
    private const int MaxDatagrams = 64;

    private readonly Tunnel _tunnel;
    private readonly IDatagramSocket _socket;
    private readonly byte* _memory;
    private Peer? _peer;
    private int _bytes;
    private int _datagramBytes;
    private int _count;
    private bool _closed;
    private bool _segmentation;

    public SendBuffer(Tunnel tunnel, IDatagramSocket socket)
    {
        _tunnel = tunnel;
        _socket = socket;
        _segmentation = socket.MaxSegments > 1;
        // SAFETY: freed by Dispose, after the outbound thread has ended.
        _memory = (byte*)NativeMemory.AlignedAlloc(MaxBytes + 64, 64);
    }

    /// <summary>Room for one more datagram behind the others, which are sent first where it cannot join them. At most <see cref="MaxBytes"/>.</summary>
    public Span<byte> Reserve(Peer peer, int bytes)
    {
        var joins = _peer == peer && !_closed && bytes <= _datagramBytes && _count < MaxDatagrams && _bytes + bytes <= MaxBytes;
        if (!joins) Flush();
        if (_count == 0)
        {
            _peer = peer;
            _datagramBytes = bytes;
        }

        // GSO cuts the buffer into equal pieces: only the last may be shorter.
        _closed = bytes < _datagramBytes;
        var room = new Span<byte>(_memory + _bytes, bytes);
        _bytes += bytes;
        _count++;
        return room;
    }

    /// <summary>Sends what is there with one call, to where the peer is now.</summary>
    public void Flush()
    {
        if (_peer is not { } peer) return;
        var status = peer.Endpoint is { } endpoint
            ? _socket.Send(new ReadOnlySpan<byte>(_memory, _bytes), _datagramBytes, in endpoint.Value).Status
            : PortStatus.Refused;
        if (status == PortStatus.Ok) peer.Sent.Bytes += _bytes;
        else CountLost(peer, status == PortStatus.WouldBlock ? DropReason.QueueFull : DropReason.KernelRefused);
        _peer = null;
        _bytes = 0;
        _count = 0;
        _closed = false;
        if (_segmentation && _socket.MaxSegments == 1)
        {
            _segmentation = false;
            _tunnel.ReportOffloadOff("UDP GSO");
        }
    }

    private void CountLost(Peer peer, DropReason reason)
    {
        _tunnel.OutboundDrops[(int)reason] += _count;
        peer.Sent.Drops[(int)reason] += _count;
        _tunnel.Drops.Outbound.Record(peer.Index, reason, _count, [], _tunnel.Clock.Now.Ticks);
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
