using System.Runtime.InteropServices;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;
using Gateway.Linux.Netlink;

namespace Gateway.Linux.Sockets;

/// <summary>A frame, or an IP packet where the device has no link header.</summary>
/// <param name="At">When the kernel had it, UTC ticks.</param>
/// <param name="Device">The device's name.</param>
/// <param name="IsOutgoing">Whether it left; else it came in.</param>
/// <param name="IsEthernet">Whether it begins with an Ethernet header.</param>
/// <param name="Bytes">How long it was.</param>
/// <param name="Data">Its first bytes.</param>
public sealed record CapturedFrame(long At, string Device, bool IsOutgoing, bool IsEthernet, int Bytes, byte[] Data);

/// <summary>
/// Captures the headers of all that passes the devices of the calling thread's network namespace, in order and with the kernel's time, through one
/// AF_PACKET socket that is bound to none of them: devices may come and go meanwhile. Needs CAP_NET_RAW (packet(7)).
/// </summary>
public sealed unsafe class HostCapture : IDisposable
{
    private const int AllProtocols = 0x0300;   // ETH_P_ALL, network order
    private const int SnapBytes = 192;         // Ethernet, IP, UDP, and IP and TCP inside
    private const int Slots = 16;
    private const int AddressBytes = 20;       // struct sockaddr_ll
    private const int ControlBytes = 64;
    private const int BufferBytes = 4 << 20;
    private const int Outgoing = 4;            // PACKET_OUTGOING
    private const int EtherLink = 1;           // ARPHRD_ETHER
    private const int NoLink = 0xFFFE;         // ARPHRD_NONE: TUN
    private const int PacketLevel = 263;       // SOL_PACKET
    private const int Statistics = 6;          // PACKET_STATISTICS

    private readonly Action<CapturedFrame> _take;
    private readonly Action<long, long> _upTo;
    private readonly TimeProvider _time;
    private readonly Dictionary<int, string> _names = [];
    private readonly WakeUp _stop = new();
    private readonly Thread _thread;
    private readonly int _descriptor;
    private readonly int _periodMilliseconds;

    /// <summary>Starts. Throws <see cref="PortException"/> where it may not.</summary>
    /// <param name="take">Gets each frame, on the capture's thread.</param>
    /// <param name="upTo">Told again and again until when (UTC ticks) all has been handed over, and how many frames were lost since it was told before.</param>
    /// <param name="period">How often it is told.</param>
    /// <param name="time">What time it is.</param>
    public HostCapture(Action<CapturedFrame> take, Action<long, long> upTo, TimeSpan period, TimeProvider time)
    {
        (_take, _upTo, _periodMilliseconds, _time) = (take, upTo, (int)period.TotalMilliseconds, time);
        _descriptor = Libc.Socket(SocketNumbers.Packet, SocketNumbers.Raw | OpenFlags.CloseOnExec | OpenFlags.NonBlocking, AllProtocols);
        if (_descriptor < 0)
        {
            var error = Errno.Last;
            _stop.Dispose();
            throw new PortException($"Packets of this host cannot be captured: {Errno.Describe(error)}.", "Give the process CAP_NET_RAW, or run it as root.", error);
        }

        _ = Libc.SetOption(_descriptor, SocketNumbers.SocketLevel, SocketNumbers.TimestampNs, 1);
        _ = Libc.SetOption(_descriptor, SocketNumbers.SocketLevel, SocketNumbers.ReceiveBufferForce, BufferBytes);
        _thread = new Thread(Run) { IsBackground = true, Name = "host capture" };
        _thread.Start();
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
        var area = (byte*)NativeMemory.AllocZeroed((nuint)(Slots * (SnapBytes + AddressBytes + ControlBytes + sizeof(MMsgHdr) + sizeof(IoVec)) + 64));
        var messages = (MMsgHdr*)area;
        var vectors = (IoVec*)(messages + Slots);
        var controls = (byte*)(vectors + Slots);
        var data = controls + (Slots * ControlBytes);
        var addresses = data + (Slots * SnapBytes);
        for (var i = 0; i < Slots; i++)
        {
            // SAFETY: everything points into the area, which this thread owns until it ends.
            vectors[i] = new IoVec { Base = data + (i * SnapBytes), Length = SnapBytes };
            messages[i].Header.Vectors = vectors + i;
            messages[i].Header.VectorCount = 1;
            messages[i].Header.Name = addresses + (i * AddressBytes);
            messages[i].Header.Control = controls + (i * ControlBytes);
        }

        var descriptors = stackalloc PollFd[2] { new() { Descriptor = _descriptor, Events = PollEvents.In }, new() { Descriptor = _stop.Descriptor, Events = PollEvents.In } };
        var toldAt = _time.GetTimestamp();
        while (true)
        {
            // SAFETY: two entries of this frame.
            if (Libc.Poll(descriptors, 2, _periodMilliseconds) < 0 && Errno.Last != Errno.Interrupted) break;
            if (descriptors[1].Returned != 0) break;
            // What the kernel stamped before now lies in the socket already, or was lost; a millisecond for what is on its way there.
            var until = _time.GetUtcNow().UtcTicks - TimeSpan.TicksPerMillisecond;
            while (ReadBatch(messages, data, addresses, controls))
            {
            }

            if (_time.GetElapsedTime(toldAt).TotalMilliseconds < _periodMilliseconds) continue;
            toldAt = _time.GetTimestamp();
            _upTo(until, TakeLost());
        }

        NativeMemory.Free(area);
    }

    private bool ReadBatch(MMsgHdr* messages, byte* data, byte* addresses, byte* controls)
    {
        for (var i = 0; i < Slots; i++) (messages[i].Header.NameBytes, messages[i].Header.ControlBytes) = (AddressBytes, ControlBytes);
        // MSG_TRUNC: the length that it had, not what was kept.
        var count = Libc.ReceiveMMsg(_descriptor, messages, Slots, SocketNumbers.DontWait | SocketNumbers.Truncated, null);
        for (var i = 0; i < count; i++)
        {
            // SAFETY: struct sockaddr_ll: interface index at 4, hardware type at 8, packet type at 10.
            var address = addresses + (i * AddressBytes);
            var (link, hardware, kind) = (*(int*)(address + 4), *(ushort*)(address + 8), address[10]);
            if (hardware is not (EtherLink or NoLink) || NameOf(link) is not { } name) continue;
            var bytes = (int)messages[i].Bytes;
            _take(new CapturedFrame(
                StampOf(controls + (i * ControlBytes), messages[i].Header.ControlBytes), name, kind == Outgoing, hardware == EtherLink, bytes,
                new ReadOnlySpan<byte>(data + (i * SnapBytes), Math.Min(bytes, SnapBytes)).ToArray()));
        }

        return count == Slots;
    }

    // The one control message that was asked for: struct timespec.
    private long StampOf(byte* control, nuint bytes)
    {
        var header = (CMsgHdr*)control;
        if (bytes < (nuint)CMsgHdr.LengthOf(16) || header->Level != SocketNumbers.SocketLevel || header->Type != SocketNumbers.TimestampNs) return _time.GetUtcNow().UtcTicks;
        var (seconds, nanoseconds) = (*(long*)(control + sizeof(CMsgHdr)), *(long*)(control + sizeof(CMsgHdr) + 8));
        return DateTime.UnixEpoch.Ticks + (seconds * TimeSpan.TicksPerSecond) + (nanoseconds / 100);
    }

    private string? NameOf(int link)
    {
        if (_names.TryGetValue(link, out var known)) return known;
        try
        {
            foreach (var one in KernelNetwork.ReadLinks()) _names[one.Index] = one.Name;
        }
        catch (PortException)
        {
            // It is asked again with the next frame.
        }

        return _names.GetValueOrDefault(link);
    }

    // struct tpacket_stats: frames, then drops; reading sets both to zero.
    private long TakeLost()
    {
        var counts = stackalloc uint[2];
        uint bytes = 8;
        // SAFETY: eight bytes of this frame.
        return Libc.GetSockOpt(_descriptor, PacketLevel, Statistics, counts, &bytes) < 0 ? 0 : counts[1];
    }
}
