using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Sockets;

/// <summary>Says whether a packet is wanted.</summary>
public delegate bool PacketFilter(ReadOnlySpan<byte> packet);

/// <summary>Copies the IP packets of one device that are wanted, both ways, while it exists (AF_PACKET). Needs CAP_NET_RAW.</summary>
public sealed unsafe class LinkCapture : IDisposable
{
    private const int AllProtocols = 0x0300;   // ETH_P_ALL, network order
    private const int SnapBytes = 512;
    private const int MaxPackets = 64;

    private readonly PacketFilter _wanted;
    private readonly List<byte[]> _packets = [];
    private readonly WakeUp _stop = new();
    private readonly Thread _thread;
    private readonly int _descriptor;

    /// <summary>Starts. Throws <see cref="PortException"/> where it may not.</summary>
    public LinkCapture(int linkIndex, PacketFilter wanted)
    {
        _wanted = wanted;
        // Datagram: the link's own header is taken off.
        _descriptor = Libc.Socket(SocketNumbers.Packet, SocketNumbers.Datagram | OpenFlags.CloseOnExec | OpenFlags.NonBlocking, AllProtocols);
        if (_descriptor < 0) throw Failed(Errno.Last);
        // struct sockaddr_ll: family, protocol, interface index, and 12 bytes that bind does not read.
        var address = stackalloc int[5] { SocketNumbers.Packet | (AllProtocols << 16), linkIndex, 0, 0, 0 };
        // SAFETY: 20 bytes of this frame.
        if (Libc.Bind(_descriptor, address, 20) < 0)
        {
            var error = Errno.Last;
            _ = Libc.Close(_descriptor);
            throw Failed(error);
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "capture" };
        _thread.Start();
    }

    /// <summary>What was seen so far, at most the first 64 packets, each cut to 512 bytes.</summary>
    public IReadOnlyList<byte[]> Packets
    {
        get
        {
            lock (_packets) return [.. _packets];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _ = Libc.Close(_descriptor);
        _stop.Dispose();
    }

    private void Run()
    {
        var buffer = stackalloc byte[SnapBytes];
        var descriptors = stackalloc PollFd[2] { new() { Descriptor = _descriptor, Events = PollEvents.In }, new() { Descriptor = _stop.Descriptor, Events = PollEvents.In } };
        while (true)
        {
            // SAFETY: two entries of this frame.
            if (Libc.Poll(descriptors, 2, -1) < 0 && Errno.Last != Errno.Interrupted) return;
            if (descriptors[1].Returned != 0) return;
            // SAFETY: the buffer is this frame's; what does not fit is cut off.
            while (Libc.Receive(_descriptor, buffer, SnapBytes, SocketNumbers.DontWait) is > 0 and var bytes)
            {
                var packet = new ReadOnlySpan<byte>(buffer, (int)bytes);
                if (!_wanted(packet)) continue;
                lock (_packets)
                {
                    if (_packets.Count < MaxPackets) _packets.Add(packet.ToArray());
                }
            }
        }
    }

    private static PortException Failed(int error) =>
        new($"Packets of a device cannot be captured: {Errno.Describe(error)}.", "Give the process CAP_NET_RAW (container: --cap-add NET_RAW).", error);
}
