using System.Buffers.Binary;
using Gateway.Engine.Drops;
using Gateway.Engine.Flows;
using Gateway.Engine.Packets;
using Gateway.Engine.Ports;
using Gateway.Engine.Recorder;
using Gateway.Engine.Routing;
using Gateway.Engine.Taps;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// The way in, client → intranet, on a thread of its own. One datagram's way, in the order of this file:
/// <list type="number">
/// <item>receive a batch of messages, each of one or, with GRO, many datagrams (<see cref="Run"/>)</item>
/// <item>handshake messages leave for the control thread; data messages go on (<see cref="ReceiveDatagram"/>)</item>
/// <item>find the keys by the receiver index, open in place, check the replay window (<see cref="Open"/>)</item>
/// <item>authentic, so the endpoint follows (<see cref="Follow"/>)</item>
/// <item>inner source must be the peer's, inner destination allowed (<see cref="Admit"/>)</item>
/// <item>account: flow, tap, flight recorder, counters (<see cref="Account"/>)</item>
/// <item>coalesce with its neighbours and write to the device (<see cref="Deliver"/>)</item>
/// </list>
/// Nothing here allocates or locks for a data message.
/// </summary>
internal sealed unsafe class Inbound : ICoalescedWriter, IDisposable
{
    private const uint DataMessage = 4;

    private readonly Tunnel _tunnel;
    private readonly ITunnelDevice _device;
    private readonly IDatagramSocket _socket;
    private readonly FlowTable _flows;
    private readonly DropHalf _drops;
    private readonly PacketTap _tap;
    private readonly FlightHalf? _recorder;
    private readonly ReceiveBatch _batch = new();
    private readonly Coalescer? _coalescer;
    private readonly byte[] _noOffload = GC.AllocateArray<byte>(VirtioHeader.Bytes, pinned: true);
    private volatile bool _stopping;
    private bool _deviceGone;

    // What the last admitted packet proved, so that its neighbours need no look-up.
    private RouteTable<Peer>? _admittedRoutes;
    private RouteTable<Peer>? _admittedDestinations;
    private Peer? _admittedPeer;
    private InetAddress _admittedSource;
    private InetAddress _admittedDestination;

    // Neighbouring packets of one flow are recorded together.
    private Peer? _flowPeer;
    private IpPacket _flowPacket;
    private int _flowPackets;
    private int _flowBytes;

    public Inbound(Tunnel tunnel, ITunnelDevice device, IDatagramSocket socket)
    {
        _tunnel = tunnel;
        _device = device;
        _socket = socket;
        _flows = tunnel.Flows;
        _drops = tunnel.Drops.Inbound;
        _tap = tunnel.Tap;
        _recorder = tunnel.Recorder.Inbound;
        // Datagrams of the plain transport have no header of their own in front of them that a virtio header could overwrite.
        if (tunnel.Identity is not null) _coalescer = new Coalescer(this, device.HasVnetHeader, device.HasUdpSegmentation);
    }

    /// <summary>Step 1. Runs until told to stop. Answers why it ended by itself; null = it was told to.</summary>
    public string? Run()
    {
        while (!_stopping)
        {
            if (_tunnel.InboundCommands.Any) RunCommands();
            var messages = _socket.Receive(_batch);
            if (messages == 0)
            {
                _flows.Inbound.Sweep(_tunnel.Clock.Now.Ticks);
                if (!_socket.WaitReadable()) return "the UDP socket is gone";
                continue;
            }

            if (messages < 0) return "the UDP socket is gone";
            var now = _tunnel.Clock.Now;
            _coalescer?.Begin();
            for (var i = 0; i < messages; i++) ReceiveMessage(ref _batch.Messages[i], now);
            FlushFlow(now);
            _coalescer?.Flush();
            if (_deviceGone) return $"the device {_device.Name} is gone";
        }

        return null;
    }

    public void Stop()
    {
        _stopping = true;
        _socket.WakeReceiver();
    }

    private void ReceiveMessage(ref ReceivedMessage message, Instant now)
    {
        if (message.Truncated)
        {
            Count(null, DropReason.TooBig);
            return;
        }

        if (message.Bytes == 0) Count(null, DropReason.Malformed);
        var start = _batch.Memory + message.Offset;
        var step = message.SegmentBytes > 0 ? message.SegmentBytes : message.Bytes;
        for (var offset = 0; offset < message.Bytes; offset += step)
        {
            var bytes = Math.Min(step, message.Bytes - offset);
            // SAFETY: offset + bytes stays within what the socket says it wrote into this slot.
            if (_tunnel.Identity is null) ReceivePlain(start + offset, bytes, in message.Source, now);
            else ReceiveDatagram(start + offset, bytes, in message.Source, now);
        }
    }

    /// <summary>Step 2.</summary>
    private void ReceiveDatagram(byte* datagram, int bytes, in UdpEndpoint source, Instant now)
    {
        var message = new Span<byte>(datagram, bytes);
        var type = bytes >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(message) : 0;
        if (type == DataMessage) Open(datagram, bytes, in source, now);
        else if (type is >= 1 and <= 3 && bytes <= WireGuardDevice.MaxHandshakeBytes)
        {
            if (!_tunnel.PostHandshake(message, in source)) Count(null, DropReason.QueueFull);
        }
        else Count(null, DropReason.Malformed);
    }

    /// <summary>Step 3.</summary>
    private void Open(byte* datagram, int bytes, in UdpEndpoint source, Instant now)
    {
        var message = new Span<byte>(datagram, bytes);
        if (bytes < KeyPair.OverheadBytes)
        {
            Count(null, DropReason.Malformed);
            return;
        }

        var keys = _tunnel.Identity!.FindKeyPair(BinaryPrimitives.ReadUInt32LittleEndian(message[4..]));
        if (keys?.Peer.Owner is not Peer peer)
        {
            Count(null, DropReason.NoSession);
            return;
        }

        var result = keys.TryOpen(message, now, out var plaintextBytes);
        if (result != OpenResult.Ok)
        {
            Count(peer, result switch
            {
                OpenResult.BadTag => DropReason.BadTag,
                OpenResult.Replay => DropReason.Replay,
                OpenResult.Expired => DropReason.KeyExpired,
                _ => DropReason.Malformed,
            });
            return;
        }

        peer.Received.Bytes += bytes;
        Follow(peer, in source);
        if (keys.Peer.NoteReceived(keys, plaintextBytes > 0, now)) _tunnel.RequestService(peer);
        if (plaintextBytes > 0) Deliver(peer, datagram + KeyPair.HeaderBytes, plaintextBytes, now);
    }

    /// <summary>Step 4. The remote side moves with every authentic datagram, and so does the local address that it came to.</summary>
    private void Follow(Peer peer, in UdpEndpoint source)
    {
        var endpoint = peer.Endpoint;
        if (endpoint is not null && endpoint.Value == source) return;
        peer.MoveEndpoint(in source);
        if (endpoint is null || !endpoint.Value.IsSameRemote(in source)) _tunnel.ReportEndpoint(peer);
    }

    /// <summary>Steps 5 to 7.</summary>
    private void Deliver(Peer peer, byte* packet, int bytes, Instant now)
    {
        var span = new ReadOnlySpan<byte>(packet, bytes);
        var status = IpPacket.TryParse(span, out var info);
        if (status != PacketStatus.Ok)
        {
            Drop(peer, status == PacketStatus.NotIp ? DropReason.NotIp : DropReason.Malformed, span, now);
            return;
        }

        if (!Admit(peer, in info, out var reason))
        {
            Drop(peer, reason, span, now);
            return;
        }

        Account(peer, in info, span, now);
        // Padding ends here: what is behind the IP packet's own length is not passed on.
        if (_coalescer is not null) _coalescer.Add((nint)packet, info.TotalBytes, in info);
        else WriteSingle(packet, info.TotalBytes);
    }

    /// <summary>Step 5. Cryptokey routing (whitepaper §2), and the peer's client routes.</summary>
    private bool Admit(Peer peer, in IpPacket info, out DropReason reason)
    {
        reason = default;
        var routes = _tunnel.Routes;
        var destinations = peer.Destinations;
        if (peer == _admittedPeer && routes == _admittedRoutes && destinations == _admittedDestinations
            && info.Source == _admittedSource && info.Destination == _admittedDestination) return true;

        if (routes.Lookup(info.Source) != peer)
        {
            reason = DropReason.SourceNotAllowed;
            return false;
        }

        if (destinations is not null && destinations.Lookup(info.Destination) is null)
        {
            reason = DropReason.DestinationNotAllowed;
            return false;
        }

        _admittedPeer = peer;
        _admittedRoutes = routes;
        _admittedDestinations = destinations;
        _admittedSource = info.Source;
        _admittedDestination = info.Destination;
        return true;
    }

    /// <summary>Step 6.</summary>
    private void Account(Peer peer, in IpPacket info, ReadOnlySpan<byte> packet, Instant now)
    {
        peer.Received.Packets++;
        peer.Received.LastData = now;
        if (_flowPeer != peer || !info.IsSameFlow(in _flowPacket) || info.TcpFlags != _flowPacket.TcpFlags)
        {
            FlushFlow(now);
            _flowPeer = peer;
            _flowPacket = info;
            _recorder?.Open(peer.Index, ref peer.Received.FlightBlock, now.Ticks, packet[..info.TotalBytes]);
        }

        _flowPackets++;
        _flowBytes += info.TotalBytes;
        if (_tap.IsWatched) _tap.Write(TapDirection.FromPeer, peer.Index, null, now.Ticks, packet[..info.TotalBytes], info.TotalBytes);
    }

    private void FlushFlow(Instant now)
    {
        if (_flowPackets > 0)
        {
            _flows.Inbound.Record(_flowPeer!.Index, in _flowPacket, _flowPackets, _flowBytes, now.Ticks);
            _recorder?.Close(_flowPackets, _flowBytes);
        }

        _flowPackets = 0;
        _flowBytes = 0;
        _flowPeer = null;
    }

    /// <summary>Step 7.</summary>
    void ICoalescedWriter.Write(ReadOnlySpan<Segment> pieces, int packets)
    {
        var status = _device.Write(pieces);
        if (status == PortStatus.Ok) return;
        if (status == PortStatus.OffloadRefused && _coalescer!.CanUdp && !_device.HasUdpSegmentation)
        {
            _coalescer.CanUdp = false;
            _tunnel.ReportOffloadOff("USO");
        }

        WriteFailed(status, packets);
    }

    private void WriteSingle(byte* packet, int bytes)
    {
        PortStatus status;
        fixed (byte* header = _noOffload)
        {
            // SAFETY: the array is pinned for good; the packet lies in the receive batch.
            status = _device.HasVnetHeader
                ? _device.Write([new Segment((nint)header, VirtioHeader.Bytes), new Segment((nint)packet, bytes)])
                : _device.Write([new Segment((nint)packet, bytes)]);
        }

        if (status != PortStatus.Ok) WriteFailed(status, 1);
    }

    private void WriteFailed(PortStatus status, int packets)
    {
        if (status == PortStatus.Gone) _deviceGone = true;
        var reason = status == PortStatus.WouldBlock ? DropReason.QueueFull : DropReason.KernelRefused;
        _tunnel.InboundDrops[(int)reason] += packets;
        _drops.Record(-1, reason, packets, [], _tunnel.Clock.Now.Ticks);
    }

    /// <summary>
    /// The plain transport: the datagram is the packet. There is nothing to authenticate it by; the inner source says whose it is.
    /// </summary>
    private void ReceivePlain(byte* datagram, int bytes, in UdpEndpoint source, Instant now)
    {
        if (_tunnel.Switch is { } ethernet)
        {
            ReceiveFrame(ethernet, datagram, bytes, in source, now);
            return;
        }

        var packet = new ReadOnlySpan<byte>(datagram, bytes);
        var status = IpPacket.TryParse(packet, out var info);
        if (status != PacketStatus.Ok)
        {
            Drop(null, status == PacketStatus.NotIp ? DropReason.NotIp : DropReason.Malformed, packet, now);
            return;
        }

        if (_tunnel.Routes.Lookup(info.Source) is not { } peer)
        {
            Drop(null, DropReason.SourceNotAllowed, packet, now);
            return;
        }

        peer.Received.Bytes += bytes;
        Follow(peer, in source);
        Deliver(peer, datagram, bytes, now);
    }

    /// <summary>Ethernet: learn where the source MAC address is, write the frame to the device, pass it on to other peers where the switch says so.</summary>
    private void ReceiveFrame(EthernetSwitch ethernet, byte* datagram, int bytes, in UdpEndpoint source, Instant now)
    {
        var frame = new ReadOnlySpan<byte>(datagram, bytes);
        if (bytes < EthernetSwitch.HeaderBytes)
        {
            Drop(null, DropReason.Malformed, frame, now);
            return;
        }

        if (EthernetSwitch.Identify(frame, in source, _tunnel.Routes, _tunnel.Peers) is not { } peer)
        {
            Drop(null, DropReason.UnknownSource, frame, now);
            return;
        }

        peer.Received.Bytes += bytes;
        peer.Received.Packets++;
        peer.Received.LastData = now;
        Follow(peer, in source);
        ethernet.Learn(frame, peer, now);
        if (_tap.IsWatched) _tap.Write(TapDirection.FromPeer, peer.Index, null, now.Ticks, frame, bytes);
        _recorder?.Record(peer.Index, ref peer.Received.FlightBlock, null, now.Ticks, frame);

        if (ethernet.TryFind(frame, now, out var owner))
        {
            if (owner is null) WriteSingle(datagram, bytes);
            else if (owner != peer) PassOn(owner, frame);
            return;
        }

        WriteSingle(datagram, bytes);
        foreach (var other in _tunnel.Peers)
        {
            if (other != peer) PassOn(other, frame);
        }
    }

    /// <summary>Frames between two peers take the outbound thread's way. A copy a frame is what a switch in software costs.</summary>
    private void PassOn(Peer peer, ReadOnlySpan<byte> frame)
    {
        if (peer.Endpoint is not null && !_tunnel.TryPassOn(peer, frame)) Count(peer, DropReason.QueueFull, frame, _tunnel.Clock.Now.Ticks);
    }

    private void RunCommands()
    {
        while (_tunnel.InboundCommands.TryTake(out var command))
        {
            switch (command.Kind)
            {
                case CommandKind.Inject:
                    fixed (byte* packet = command.Injection!.Packet) WriteSingle(packet, command.Injection.Packet.Length);
                    command.Injection.Complete(_deviceGone ? $"The device {_device.Name} is gone." : null);
                    break;
                case CommandKind.Retire:
                    // The outbound thread passed it on, so neither thread holds a reference any more.
                    command.Keys!.Dispose();
                    break;
            }
        }
    }

    private void Drop(Peer? peer, DropReason reason, ReadOnlySpan<byte> packet, Instant now)
    {
        Count(peer, reason, packet, now.Ticks);
        if (_tap.IsWatched) _tap.Write(TapDirection.FromPeer, peer?.Index ?? -1, reason, now.Ticks, packet, packet.Length);
        if (peer is not null) _recorder?.Record(peer.Index, ref peer.Received.FlightBlock, reason, now.Ticks, packet);
    }

    /// <summary>For datagrams that hold no packet, or none that can be read.</summary>
    private void Count(Peer? peer, DropReason reason) => Count(peer, reason, [], _tunnel.Clock.Now.Ticks);

    private void Count(Peer? peer, DropReason reason, ReadOnlySpan<byte> packet, long nowTicks)
    {
        _tunnel.InboundDrops[(int)reason]++;
        if (peer is not null) peer.Received.Drops[(int)reason]++;
        _drops.Record(peer?.Index ?? -1, reason, 1, packet, nowTicks);
    }

    public void Dispose() => _batch.Dispose();
}
