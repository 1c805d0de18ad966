using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Gateway.Engine;
using Gateway.Engine.Ports;

namespace Gateway.Testing;

/// <summary>A tunnel device in memory: what the test sends is what the engine reads, what the engine writes is what the test receives.</summary>
public sealed class MemoryDevice(DeviceRequest request, bool vnetHeader) : ITunnelDevice
{
    private readonly ConcurrentQueue<byte[]> _toEngine = new();
    private readonly Channel<byte[]> _fromEngine = Channel.CreateUnbounded<byte[]>();
    private readonly ManualResetEventSlim _readable = new();
    private volatile bool _gone;

    public string Name { get; } = request.Name.Replace("%d", "0", StringComparison.Ordinal);

    public TunnelLayer Layer { get; } = request.Layer;

    public bool HasVnetHeader { get; } = vnetHeader;

    public bool HasUdpSegmentation => HasVnetHeader;

    public int Mtu { get; private set; } = 1420;

    /// <summary>What the engine asked for last.</summary>
    public LinkSettings? Settings { get; private set; }

    /// <summary>Everything the engine wrote: [virtio header] packet, super-packets whole.</summary>
    public ChannelReader<byte[]> Written => _fromEngine.Reader;

    /// <summary>The host sends a frame, with its virtio header if the device has one.</summary>
    public void SendFrame(byte[] frame)
    {
        _toEngine.Enqueue(frame);
        _readable.Set();
    }

    /// <summary>The host sends one plain packet.</summary>
    public void SendPacket(byte[] packet) => SendFrame(HasVnetHeader ? [.. new byte[10], .. packet] : packet);

    /// <summary>Somebody deletes the device.</summary>
    public void Delete()
    {
        _gone = true;
        _readable.Set();
    }

    public PortResult Read(Span<byte> buffer)
    {
        if (_gone) return new PortResult(PortStatus.Gone, 0);
        if (!_toEngine.TryDequeue(out var frame)) return new PortResult(PortStatus.WouldBlock, 0);
        frame.CopyTo(buffer);
        return new PortResult(PortStatus.Ok, frame.Length);
    }

    public PortStatus Write(ReadOnlySpan<Segment> pieces)
    {
        if (_gone) return PortStatus.Gone;
        using var frame = new MemoryStream();
        foreach (var piece in pieces)
        {
            var bytes = new byte[piece.Length];
            Marshal.Copy(piece.Address, bytes, 0, bytes.Length);
            frame.Write(bytes);
        }

        _fromEngine.Writer.TryWrite(frame.ToArray());
        return PortStatus.Ok;
    }

    public bool WaitReadable()
    {
        if (_toEngine.IsEmpty) _readable.Wait();
        _readable.Reset();
        return !_gone;
    }

    public void WakeReader() => _readable.Set();

    public IReadOnlyList<LinkProblem> Configure(LinkSettings settings)
    {
        Settings = settings;
        Mtu = settings.Mtu;
        return [];
    }

    public void Dispose() => Delete();
}
