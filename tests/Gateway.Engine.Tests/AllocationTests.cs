using System.Net;
using System.Security.Cryptography;
using Gateway.Engine.Ports;
using Gateway.Protocol;
using Gateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Engine.Tests;

/// <summary>Both data threads of two engines, over ports that allocate nothing themselves and read the thread's allocation counter in their own calls.</summary>
public class AllocationTests
{
    private const int WarmUp = 2_000;
    private const int Measured = 20_000;

    [Fact]
    public async Task DataPath_PerPacket_AllocatesNothing()
    {
        // Time stands still, so that no timer's rare work for the control thread is counted as a packet's.
        var time = new FakeTimeProvider();
        var random = RandomNumberGenerator.Create();
        var (uKey, gatewayKey) = (PrivateKey.Generate(random), PrivateKey.Generate(random));
        using var toGateway = new Wire();
        using var toU = new Wire();
        var uPorts = new FixedPorts(new SourceDevice(TestPackets.Udp("192.168.53.99", "192.168.60.101", new byte[1000])), new WireSocket(toU, toGateway, "10.0.2.8"));
        var gatewayPorts = new FixedPorts(new SourceDevice(null), new WireSocket(toGateway, toU, "10.0.2.7"));
        using var gateway = new DataPlane(new DataPlaneOptions { RecordedPeers = 16 }, gatewayPorts, Pair.Crypto, time, NullLogger<DataPlane>.Instance);
        using var u = new DataPlane(new DataPlaneOptions(), uPorts, Pair.Crypto, time, NullLogger<DataPlane>.Instance);
        await gateway.ApplyAsync([Config(gatewayKey, uKey, null)]);
        await u.ApplyAsync([Config(uKey, gatewayKey, IPEndPoint.Parse("10.0.2.8:51820"))]);

        Assert.Equal(0, await uPorts.Device.Allocated.Task.WaitAsync(Pair.Deadline));
        Assert.Equal(0, await gatewayPorts.Socket.Allocated.Task.WaitAsync(Pair.Deadline));
    }

    private static TunnelConfig Config(PrivateKey key, PrivateKey peer, IPEndPoint? endpoint) => new()
    {
        Id = Guid.NewGuid(),
        Name = "t0",
        PrivateKey = key,
        Peers = [new PeerConfig { Id = Guid.NewGuid(), PublicKey = peer.GetPublicKey(Pair.Crypto), Endpoint = endpoint, DialOnStart = endpoint is not null, AllowedIps = [IPNetwork.Parse("0.0.0.0/0")] }],
    };

    private sealed class FixedPorts(SourceDevice device, WireSocket socket) : ITunnelPorts
    {
        public SourceDevice Device => device;

        public WireSocket Socket => socket;

        public ITunnelDevice OpenDevice(DeviceRequest request) => device;

        public IDatagramSocket OpenSocket(SocketRequest request) => socket;
    }

    /// <summary>Gives the same packet again and again, a few at a time, and measures what its reader allocates in between.</summary>
    private sealed class SourceDevice(byte[]? packet) : ITunnelDevice
    {
        private readonly AutoResetEvent _wake = new(false);
        private volatile bool _gone;
        private long _before;
        private int _reads;
        private int _burst;

        public TaskCompletionSource<long> Allocated { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => "t0";

        public TunnelLayer Layer => TunnelLayer.Ip;

        public bool HasVnetHeader => true;

        public bool HasUdpSegmentation => true;

        public int Mtu => 1420;

        public PortResult Read(Span<byte> buffer)
        {
            if (packet is null || _gone) return new PortResult(_gone ? PortStatus.Gone : PortStatus.WouldBlock, 0);
            if (++_burst % 32 == 0) return new PortResult(PortStatus.WouldBlock, 0);
            _reads++;
            if (_reads == WarmUp) _before = GC.GetAllocatedBytesForCurrentThread();
            if (_reads == WarmUp + Measured) Allocated.TrySetResult(GC.GetAllocatedBytesForCurrentThread() - _before);
            buffer[..10].Clear();
            packet.CopyTo(buffer[10..]);
            return new PortResult(PortStatus.Ok, 10 + packet.Length);
        }

        public PortStatus Write(ReadOnlySpan<Segment> pieces) => PortStatus.Ok;

        public bool WaitReadable()
        {
            // A short wait lets the other side catch up; without a packet to give there is only the wake.
            _wake.WaitOne(packet is null ? Timeout.Infinite : 1);
            return !_gone;
        }

        public void WakeReader() => _wake.Set();

        public IReadOnlyList<LinkProblem> Configure(LinkSettings settings) => [];

        public void Dispose()
        {
            _gone = true;
            _wake.Set();
        }
    }

    /// <summary>One direction of a wire: a fixed ring of datagrams; what does not fit is lost.</summary>
    private sealed class Wire : IDisposable
    {
        public const int Slots = 4096;
        public readonly byte[][] Datagrams = [.. Enumerable.Range(0, Slots).Select(_ => new byte[2048])];
        public readonly int[] Bytes = new int[Slots];
        public readonly AutoResetEvent Arrived = new(false);
        private readonly Lock _lock = new();
        private long _written;
        private long _read;

        public void Add(ReadOnlySpan<byte> datagram)
        {
            lock (_lock)
            {
                if (_written - Volatile.Read(ref _read) == Slots) return;
                var slot = (int)(_written % Slots);
                datagram.CopyTo(Datagrams[slot]);
                Bytes[slot] = datagram.Length;
                Volatile.Write(ref _written, _written + 1);
            }

            Arrived.Set();
        }

        public int Take(Span<byte> destination)
        {
            if (_read == Volatile.Read(ref _written)) return 0;
            var slot = (int)(_read % Slots);
            Datagrams[slot].AsSpan(0, Bytes[slot]).CopyTo(destination);
            var bytes = Bytes[slot];
            Volatile.Write(ref _read, _read + 1);
            return bytes;
        }

        public void Dispose() => Arrived.Dispose();
    }

    private sealed unsafe class WireSocket(Wire inbound, Wire outbound, string remote) : IDatagramSocket
    {
        private readonly UdpEndpoint _remote = UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(remote), 51820));
        private volatile bool _gone;
        private long _before;
        private int _received;

        public TaskCompletionSource<long> Allocated { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ushort Port => 51820;

        public int MaxSegments => 64;

        public int Receive(ReceiveBatch batch)
        {
            if (_gone) return -1;
            var count = 0;
            while (count < ReceiveBatch.Slots)
            {
                var offset = ReceiveBatch.SlotOffset(count);
                // SAFETY: a slot holds SlotBytes, more than the wire's datagrams.
                var bytes = inbound.Take(new Span<byte>(batch.Memory + offset, ReceiveBatch.SlotBytes));
                if (bytes == 0) break;
                batch.Messages[count++] = new ReceivedMessage { Offset = offset, Bytes = bytes, SegmentBytes = bytes, Source = _remote };
                _received++;
                if (_received == WarmUp / 2) _before = GC.GetAllocatedBytesForCurrentThread();
                if (_received == (WarmUp + Measured) / 2) Allocated.TrySetResult(GC.GetAllocatedBytesForCurrentThread() - _before);
            }

            return count;
        }

        public PortResult Send(ReadOnlySpan<byte> datagrams, int segmentBytes, in UdpEndpoint destination)
        {
            for (var offset = 0; offset < datagrams.Length; offset += segmentBytes) outbound.Add(datagrams.Slice(offset, Math.Min(segmentBytes, datagrams.Length - offset)));
            return new PortResult(PortStatus.Ok, datagrams.Length);
        }

        public PortResult SendUnproven(ReadOnlySpan<byte> datagram, in UdpEndpoint destination) => Send(datagram, datagram.Length, in destination);

        public bool WaitReadable()
        {
            inbound.Arrived.WaitOne();
            return !_gone;
        }

        public void WakeReceiver() => inbound.Arrived.Set();

        public void Dispose()
        {
            _gone = true;
            inbound.Arrived.Set();
        }
    }
}
