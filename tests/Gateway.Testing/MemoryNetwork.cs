using System.Collections.Concurrent;
using System.Net;
using Gateway.Engine;
using Gateway.Engine.Ports;

namespace Gateway.Testing;

/// <summary>A network in memory: sockets by address and port, and a filter that may lose, copy or change what passes.</summary>
public sealed class MemoryNetwork
{
    private readonly ConcurrentDictionary<(InetAddress, ushort), MemorySocket> _sockets = new();
    private int _nextPort = 40_000;

    /// <summary>Decides for each datagram whether it arrives. May be swapped at any time.</summary>
    public Func<byte[], UdpEndpoint, UdpEndpoint, bool> Passes { get; set; } = (_, _, _) => true;

    internal MemorySocket Bind(IPAddress address, ushort port)
    {
        var local = InetAddress.From(address);
        if (port == 0) port = (ushort)Interlocked.Increment(ref _nextPort);
        var socket = new MemorySocket(this, local, port);
        return _sockets.TryAdd((local, port), socket) ? socket : throw new PortException($"UDP port {port} is in use.", "Choose another port.", 98);
    }

    internal void Unbind(MemorySocket socket) => _sockets.TryRemove((socket.Address, socket.Port), out _);

    internal void Deliver(byte[] datagram, UdpEndpoint from, UdpEndpoint to)
    {
        if (Passes(datagram, from, to) && _sockets.TryGetValue((to.Address, to.Port), out var socket)) socket.Arrive(datagram, @from with { LocalAddress = to.Address });
    }
}

/// <summary>One bound socket of a <see cref="MemoryNetwork"/>. Hands out what arrived in batches, single datagrams like a socket without GRO.</summary>
public sealed class MemorySocket : IDatagramSocket
{
    private readonly MemoryNetwork _network;
    private readonly ConcurrentQueue<(byte[] Bytes, UdpEndpoint From)> _arrived = new();
    private readonly ManualResetEventSlim _readable = new();
    private volatile bool _gone;
    private int _sent;
    private int _unprovenSent;

    internal MemorySocket(MemoryNetwork network, InetAddress address, ushort port) => (_network, Address, Port) = (network, address, port);

    internal InetAddress Address { get; }

    public ushort Port { get; }

    public int MaxSegments => 64;

    /// <summary>A datagram from outside, as an attacker or a foreign program would send it.</summary>
    public void Arrive(byte[] datagram, UdpEndpoint from)
    {
        _arrived.Enqueue((datagram, from));
        _readable.Set();
    }

    public unsafe int Receive(ReceiveBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (_gone) return -1;
        var count = 0;
        while (count < ReceiveBatch.Slots && _arrived.TryDequeue(out var message))
        {
            var offset = ReceiveBatch.SlotOffset(count);
            // SAFETY: a slot holds SlotBytes, more than any datagram.
            message.Bytes.CopyTo(new Span<byte>(batch.Memory + offset, ReceiveBatch.SlotBytes));
            batch.Messages[count++] = new ReceivedMessage { Offset = offset, Bytes = message.Bytes.Length, SegmentBytes = message.Bytes.Length, Source = message.From };
        }

        return count;
    }

    public PortResult Send(ReadOnlySpan<byte> datagrams, int segmentBytes, in UdpEndpoint destination)
    {
        Interlocked.Increment(ref _sent);
        return Deliver(datagrams, segmentBytes, in destination);
    }

    private PortResult Deliver(ReadOnlySpan<byte> datagrams, int segmentBytes, in UdpEndpoint destination)
    {
        if (_gone) return new PortResult(PortStatus.Gone, 0);
        for (var offset = 0; offset < datagrams.Length; offset += segmentBytes)
            _network.Deliver(datagrams.Slice(offset, Math.Min(segmentBytes, datagrams.Length - offset)).ToArray(), new UdpEndpoint(Address, Port), destination);
        return new PortResult(PortStatus.Ok, datagrams.Length);
    }

    /// <summary>Calls of <see cref="Send"/>.</summary>
    public int Sent => Volatile.Read(ref _sent);

    /// <summary>Calls of <see cref="SendUnproven"/>.</summary>
    public int UnprovenSent => Volatile.Read(ref _unprovenSent);

    public PortResult SendUnproven(ReadOnlySpan<byte> datagram, in UdpEndpoint destination)
    {
        Interlocked.Increment(ref _unprovenSent);
        return Deliver(datagram, datagram.Length, in destination);
    }

    public bool WaitReadable()
    {
        if (_arrived.IsEmpty) _readable.Wait();
        _readable.Reset();
        return !_gone;
    }

    public void WakeReceiver() => _readable.Set();

    /// <summary>The socket dies under the engine.</summary>
    public void Break()
    {
        _gone = true;
        _readable.Set();
    }

    public void Dispose()
    {
        _network.Unbind(this);
        Break();
    }
}

/// <summary>The ports of one host on a <see cref="MemoryNetwork"/>.</summary>
public sealed class MemoryPorts(MemoryNetwork network, IPAddress address, bool vnetHeader = true) : ITunnelPorts, IDisposable
{
    private volatile MemoryDevice? _device;
    private volatile MemorySocket? _socket;

    /// <summary>The device opened last.</summary>
    public MemoryDevice? Device => _device;

    /// <summary>The socket opened last.</summary>
    public MemorySocket? Socket => _socket;

    /// <summary>When set, opening a device fails with it.</summary>
    public PortException? DeviceFailure { get; set; }

    public ITunnelDevice OpenDevice(DeviceRequest request) => DeviceFailure is { } failure ? throw failure : _device = new MemoryDevice(request, vnetHeader && request.Layer == TunnelLayer.Ip);

    public IDatagramSocket OpenSocket(SocketRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _socket = network.Bind(address, request.Port);
    }

    /// <summary>Takes away what was opened last, as if the host went down.</summary>
    public void Dispose()
    {
        _device?.Dispose();
        _socket?.Dispose();
    }
}
