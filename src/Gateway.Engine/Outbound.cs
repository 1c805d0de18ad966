using System.Runtime.InteropServices;
using Gateway.Engine.Drops;
using Gateway.Engine.Flows;
using Gateway.Engine.Packets;
using Gateway.Engine.Ports;
using Gateway.Engine.Recorder;
using Gateway.Engine.Taps;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// The way out, intranet → client, on a thread of its own. One packet's way, in the order of this file:
/// <list type="number">
/// <item>read one packet or super-packet from the device (<see cref="Run"/>)</item>
/// <item>look at its headers and find the peer that owns the destination (<see cref="Forward"/>)</item>
/// <item>a session to send it with? else it waits for one (<see cref="SendTo"/>)</item>
/// <item>account: flow, tap, flight recorder, counters (<see cref="Account"/>)</item>
/// <item>split it, and seal each segment behind the last one in the send buffer (<see cref="SealSegments"/>)</item>
/// <item>send the buffer with one call when it is full, the destination changes, or the device has no more (<see cref="SendBuffer"/>)</item>
/// </list>
/// Nothing here allocates or locks for a packet that has a session.
/// </summary>
internal sealed unsafe class Outbound : IDisposable
{
    /// <summary>A read is at most the virtio header and 65,535 bytes; the tail is room for padding.</summary>
    private const int FrameBytes = VirtioHeader.Bytes + 65_535 + 64;

    /// <summary>WireGuard pads plaintexts to this (whitepaper §5.4.6).</summary>
    private const int PaddingBytes = 16;

    /// <summary>Commands between two reads of the device, which a flood of frames from peer to peer must not hold up.</summary>
    private const int CommandsPerRound = 256;

    private readonly Tunnel _tunnel;
    private readonly ITunnelDevice _device;
    private readonly SendBuffer _datagrams;
    private readonly FlowTable _flows;
    private readonly DropHalf _drops;
    private readonly PacketTap _tap;
    private readonly FlightHalf? _recorder;
    private readonly int _headerBytes;
    private readonly byte* _frame;
    private volatile bool _stopping;

    // The frame being forwarded: what its headers say, and how it is cut (Count 0 or 1: it is not).
    private IpPacket _info;
    private SuperPacket _plan;

    public Outbound(Tunnel tunnel, ITunnelDevice device, IDatagramSocket socket)
    {
        _tunnel = tunnel;
        _device = device;
        _datagrams = new SendBuffer(tunnel, socket);
        _flows = tunnel.Flows;
        _drops = tunnel.Drops.Outbound;
        _tap = tunnel.Tap;
        _recorder = tunnel.Recorder.Outbound;
        _headerBytes = device.HasVnetHeader ? VirtioHeader.Bytes : 0;
        // SAFETY: freed by Dispose, which the tunnel calls after this object's thread has ended.
        _frame = (byte*)NativeMemory.AlignedAlloc(FrameBytes, 64);
    }

    /// <summary>Runs until told to stop. Answers why it ended by itself; null = it was told to.</summary>
    public string? Run()
    {
        while (!_stopping)
        {
            if (_tunnel.OutboundCommands.Any) RunCommands();
            var read = _device.Read(new Span<byte>(_frame, FrameBytes));
            switch (read.Status)
            {
                case PortStatus.Ok:
                    Forward(read.Bytes);
                    break;
                case PortStatus.Gone:
                    return $"the device {_device.Name} is gone";
                default:
                    _datagrams.Flush();
                    _flows.Outbound.Sweep(_tunnel.Clock.Now.Ticks);
                    // What a round has left over: the wake-up for it may be spent.
                    if (_tunnel.OutboundCommands.Any) break;
                    if (!_device.WaitReadable()) return $"the device {_device.Name} is gone";
                    break;
            }
        }

        return null;
    }

    public void Stop()
    {
        _stopping = true;
        _device.WakeReader();
    }

    /// <summary>Step 2. The frame is [virtio header] packet, or an Ethernet frame.</summary>
    private void Forward(int frameBytes)
    {
        var packet = new ReadOnlySpan<byte>(_frame + _headerBytes, Math.Max(frameBytes - _headerBytes, 0));
        if (_tunnel.Switch is { } ethernet)
        {
            ForwardFrame(ethernet, packet);
            return;
        }

        var status = Parse(frameBytes);
        if (status != SplitStatus.Ok)
        {
            Drop(null, status == SplitStatus.NotIp ? DropReason.NotIp : DropReason.Malformed, packet);
            return;
        }

        if (_tunnel.Probes.Any && _tunnel.Probes.TryTake(packet, in _info, _tunnel.Clock.Now.Ticks)) return;
        var peer = _tunnel.Routes.Lookup(_info.Destination);
        if (peer is null)
        {
            Drop(null, DropReason.NoPeerForDestination, packet);
            return;
        }

        SendTo(peer, frameBytes);
    }

    /// <summary>Reads the headers of the frame into <see cref="_info"/>, and how it is to be cut into <see cref="_plan"/>.</summary>
    private SplitStatus Parse(int frameBytes)
    {
        if (_headerBytes > 0)
        {
            var status = SuperPacket.TryPlan(new Span<byte>(_frame, frameBytes), out _plan);
            _info = _plan.Info;
            return status;
        }

        return IpPacket.TryParse(new ReadOnlySpan<byte>(_frame, frameBytes), out _info) switch
        {
            PacketStatus.Ok => SplitStatus.Ok,
            PacketStatus.NotIp => SplitStatus.NotIp,
            _ => SplitStatus.Malformed,
        };
    }

    /// <summary>Step 3.</summary>
    private void SendTo(Peer peer, int frameBytes)
    {
        var packet = new ReadOnlySpan<byte>(_frame + _headerBytes, frameBytes - _headerBytes);
        if (peer.Endpoint is null)
        {
            Drop(peer, DropReason.NoEndpoint, packet);
            return;
        }

        var segments = Math.Max(_plan.Count, 1);
        var now = _tunnel.Clock.Now;
        if (peer.Sealer is not { } session)
        {
            Account(peer, segments, packet, now);
            CopySegments(peer);
            return;
        }

        if (session.SendKeys is not { } keys || !keys.TryReserve(segments, now, out var counter))
        {
            if (!peer.Waiting.Add(new ReadOnlySpan<byte>(_frame, frameBytes))) Count(peer, DropReason.QueueFull, 1, packet);
            if (session.NoteWaiting(now)) _tunnel.RequestService(peer);
            return;
        }

        Account(peer, segments, packet, now);
        SealSegments(peer, keys, counter);
        if (session.NoteSent(keys, data: true, now)) _tunnel.RequestService(peer);
    }

    /// <summary>Step 4.</summary>
    private void Account(Peer peer, int segments, ReadOnlySpan<byte> packet, Instant now)
    {
        peer.Sent.Packets += segments;
        peer.Sent.LastData = now;
        _flows.Outbound.Record(peer.Index, in _info, segments, _info.TotalBytes, now.Ticks);
        if (_tap.IsWatched) _tap.Write(TapDirection.ToPeer, peer.Index, null, now.Ticks, packet, _info.TotalBytes);
        _recorder?.Record(peer.Index, ref peer.Sent.FlightBlock, null, now.Ticks, packet[.._info.TotalBytes], segments);
    }

    /// <summary>
    /// Step 5. A segment's header is written right in front of its payload, where the previous segment's last bytes lay: those are sealed
    /// already. So each plaintext is in one piece and is sealed out of place, without a copy.
    /// </summary>
    private void SealSegments(Peer peer, KeyPair keys, ulong counter)
    {
        var mtu = _device.Mtu;
        if (_plan.Count <= 1)
        {
            SealSegment(peer, keys, counter, _frame + _headerBytes, _info.TotalBytes, mtu);
            return;
        }

        for (var i = 0; i < _plan.Count; i++)
        {
            var payload = _frame + _plan.PayloadOffset(i);
            var payloadBytes = _plan.PayloadBytes(i);
            var start = payload - _plan.HeaderBytes;
            _plan.BuildHeader(i, new Span<byte>(start, _plan.HeaderBytes), new ReadOnlySpan<byte>(payload, payloadBytes));
            SealSegment(peer, keys, counter + (ulong)i, start, _plan.HeaderBytes + payloadBytes, mtu);
        }
    }

    private void SealSegment(Peer peer, KeyPair keys, ulong counter, byte* packet, int bytes, int mtu)
    {
        var padded = PaddedLength(bytes, mtu);
        if (padded + KeyPair.OverheadBytes > SendBuffer.MaxBytes)
        {
            Count(peer, DropReason.TooBig, 1, new ReadOnlySpan<byte>(packet, bytes));
            return;
        }

        var message = _datagrams.Reserve(peer, padded + KeyPair.OverheadBytes);
        if (padded == bytes)
        {
            keys.Seal(counter, new ReadOnlySpan<byte>(packet, bytes), message);
            return;
        }

        // The padding's place may hold the next segment's payload, so this one moves to the send buffer first.
        var plaintext = message.Slice(KeyPair.HeaderBytes, padded);
        new ReadOnlySpan<byte>(packet, bytes).CopyTo(plaintext);
        plaintext[bytes..].Clear();
        keys.Seal(counter, plaintext, message);
    }

    /// <summary>Step 5 for the plain transport: the same split, no seal.</summary>
    private void CopySegments(Peer peer)
    {
        if (_plan.Count <= 1)
        {
            CopyDatagram(peer, new ReadOnlySpan<byte>(_frame + _headerBytes, _info.TotalBytes));
            return;
        }

        for (var i = 0; i < _plan.Count; i++)
        {
            var payload = _frame + _plan.PayloadOffset(i);
            var payloadBytes = _plan.PayloadBytes(i);
            var start = payload - _plan.HeaderBytes;
            _plan.BuildHeader(i, new Span<byte>(start, _plan.HeaderBytes), new ReadOnlySpan<byte>(payload, payloadBytes));
            CopyDatagram(peer, new ReadOnlySpan<byte>(start, _plan.HeaderBytes + payloadBytes));
        }
    }

    private void CopyDatagram(Peer peer, ReadOnlySpan<byte> packet)
    {
        if (packet.Length > SendBuffer.MaxBytes)
        {
            Count(peer, DropReason.TooBig, 1, packet);
            return;
        }

        packet.CopyTo(_datagrams.Reserve(peer, packet.Length));
    }

    /// <summary>Ethernet: to the peer that owns the destination MAC address, or to all.</summary>
    private void ForwardFrame(EthernetSwitch ethernet, ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetSwitch.HeaderBytes)
        {
            Drop(null, DropReason.Malformed, frame);
            return;
        }

        var now = _tunnel.Clock.Now;
        ethernet.Learn(frame, null, now);
        if (ethernet.TryFind(frame, now, out var owner))
        {
            if (owner is null) return;
            if (owner.Endpoint is null) Drop(owner, DropReason.NoEndpoint, frame);
            else SendFrame(owner, frame);
            return;
        }

        var sent = false;
        foreach (var peer in _tunnel.Peers)
        {
            if (peer.Endpoint is null) continue;
            SendFrame(peer, frame);
            sent = true;
        }

        if (!sent) Drop(null, DropReason.NoEndpoint, frame);
    }

    private void SendFrame(Peer peer, ReadOnlySpan<byte> frame)
    {
        var now = _tunnel.Clock.Now;
        peer.Sent.Packets++;
        peer.Sent.LastData = now;
        if (_tap.IsWatched) _tap.Write(TapDirection.ToPeer, peer.Index, null, now.Ticks, frame, frame.Length);
        _recorder?.Record(peer.Index, ref peer.Sent.FlightBlock, null, now.Ticks, frame);
        CopyDatagram(peer, frame);
    }

    private void RunCommands()
    {
        _datagrams.Flush();
        for (var left = CommandsPerRound; left > 0 && _tunnel.OutboundCommands.TryTake(out var command); left--)
        {
            switch (command.Kind)
            {
                case CommandKind.SessionReady:
                    SendWaiting(command.Peer!);
                    break;
                case CommandKind.Keepalive:
                    SendKeepalive(command.Peer!);
                    break;
                case CommandKind.DropWaiting:
                    if (command.Peer!.Waiting.Clear() is > 0 and var dropped) Count(command.Peer, DropReason.NoSession, dropped, []);
                    break;
                case CommandKind.Inject:
                    Inject(command.Peer!, command.Injection!);
                    break;
                case CommandKind.PassOn:
                    _tunnel.NotePassedOn();
                    SendFrame(command.Peer!, command.Frame);
                    break;
                case CommandKind.Retire:
                    _tunnel.PostInbound(command);
                    break;
            }
        }

        _datagrams.Flush();
    }

    private void SendWaiting(Peer peer)
    {
        // As many as wait now: what cannot be sent after all goes to the end of the same queue.
        for (var left = peer.Waiting.Count; left > 0; left--)
        {
            var bytes = peer.Waiting.TakeInto(new Span<byte>(_frame, FrameBytes));
            if (Parse(bytes) == SplitStatus.Ok) SendTo(peer, bytes);
        }
    }

    private void SendKeepalive(Peer peer)
    {
        var now = _tunnel.Clock.Now;
        if (peer.Sealer is not { } session || peer.Endpoint is null) return;
        if (session.SendKeys is not { } keys || !keys.TryReserve(1, now, out var counter))
        {
            if (session.NoteWaiting(now)) _tunnel.RequestService(peer);
            return;
        }

        keys.Seal(counter, [], _datagrams.Reserve(peer, KeyPair.OverheadBytes));
        _datagrams.Flush();
        if (session.NoteSent(keys, data: false, now)) _tunnel.RequestService(peer);
    }

    private void Inject(Peer peer, Injection injection)
    {
        if (peer.Endpoint is null)
        {
            injection.Complete($"Peer {peer.Config.Name} has no endpoint yet: it has never been heard of and none is configured.");
            return;
        }

        if (peer.Session is { SendKeys: null, LastHandshake: null })
        {
            injection.Complete($"Peer {peer.Config.Name} has no session yet: no handshake has completed.");
            return;
        }

        var packet = injection.Packet.AsSpan();
        if (_tunnel.Switch is not null) SendFrame(peer, packet);
        else
        {
            new Span<byte>(_frame, _headerBytes).Clear();
            packet.CopyTo(new Span<byte>(_frame + _headerBytes, packet.Length));
            if (Parse(_headerBytes + packet.Length) == SplitStatus.Ok) SendTo(peer, _headerBytes + packet.Length);
        }

        _datagrams.Flush();
        injection.Complete(null);
    }

    /// <summary>Plaintexts are padded to 16 bytes, but never past the MTU (whitepaper §5.4.6; a longer one than the MTU stays as it is).</summary>
    internal static int PaddedLength(int bytes, int mtu) =>
        bytes >= mtu ? bytes : Math.Min((bytes + PaddingBytes - 1) & ~(PaddingBytes - 1), mtu);

    private void Drop(Peer? peer, DropReason reason, ReadOnlySpan<byte> packet)
    {
        Count(peer, reason, 1, packet);
        if (_tap.IsWatched) _tap.Write(TapDirection.ToPeer, peer?.Index ?? -1, reason, _tunnel.Clock.Now.Ticks, packet, packet.Length);
        if (peer is not null) _recorder?.Record(peer.Index, ref peer.Sent.FlightBlock, reason, _tunnel.Clock.Now.Ticks, packet);
    }

    private void Count(Peer? peer, DropReason reason, int packets, ReadOnlySpan<byte> packet)
    {
        _tunnel.OutboundDrops[(int)reason] += packets;
        if (peer is not null) peer.Sent.Drops[(int)reason] += packets;
        _drops.Record(peer?.Index ?? -1, reason, packets, packet, _tunnel.Clock.Now.Ticks);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_frame);
        _datagrams.Dispose();
    }
}
