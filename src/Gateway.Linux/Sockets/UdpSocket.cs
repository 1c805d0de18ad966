using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;
using Microsoft.Extensions.Logging;

namespace Gateway.Linux.Sockets;

/// <summary>
/// One UDP socket for IPv4 and IPv6. Receives in batches with GRO; sends with GSO where the kernel takes it, and falls back by itself:
/// <code>
/// 1. one segmented send, with the source address that the peer knows us by
/// 2. EIO: segmentation goes off for the socket; EMSGSIZE: for this destination   → 4
/// 3. EINVAL and the like: once more without the source address (it may be gone from this host); still refused → 4
/// 4. the same as single datagrams, many a call; refused with the source address: once more without
/// </code>
/// Dispose only after the threads that use it have ended.
/// </summary>
internal sealed unsafe class UdpSocket : IDatagramSocket
{
    private const int ControlBytes = 128;
    private const int SendControlBytes = 64;
    private const int SendTimeoutMilliseconds = 100;
    private const int MaxReceiveErrors = 16;

    private readonly WakeUp _wake = new();
    private readonly SegmentationState _segmentation;
    private readonly bool _dualStack;
    private readonly int _sendBufferBytes;
    private readonly ReceiveArea* _area;
    private int _descriptor;

    private UdpSocket(in OpenedSocket opened, ILogger logger)
    {
        _descriptor = opened.Descriptor;
        _dualStack = opened.DualStack;
        _sendBufferBytes = opened.SendBufferBytes;
        _segmentation = new SegmentationState(opened.HasSegmentation, logger);
        Port = opened.Port;
        // SAFETY: freed by Dispose. Its pointers lead into itself, and it never moves.
        _area = (ReceiveArea*)NativeMemory.AllocZeroed((nuint)sizeof(ReceiveArea));
        for (var slot = 0; slot < ReceiveBatch.Slots; slot++)
        {
            ref var header = ref Message(slot)->Header;
            header.Name = _area->Names + (slot * SocketAddresses.V6Bytes);
            header.Vectors = (IoVec*)_area->Vectors + slot;
            header.VectorCount = 1;
            header.Control = (byte*)_area->Controls + (slot * ControlBytes);
            header.Vectors->Length = ReceiveBatch.SlotBytes;
        }
    }

    public static UdpSocket Open(SocketRequest request, LinuxPortOptions options, ILogger logger)
    {
        var opened = UdpSocketOpener.Open(request, options, logger);
        try
        {
            return new UdpSocket(opened, logger);
        }
        catch
        {
            _ = Libc.Close(opened.Descriptor);
            throw;
        }
    }

    public ushort Port { get; }

    public int MaxSegments => _segmentation.Enabled ? SegmentationState.MaxSegments : 1;

    public int Receive(ReceiveBatch batch)
    {
        // SAFETY: each vector covers one slot of the batch; names and controls are this object's own.
        for (var slot = 0; slot < ReceiveBatch.Slots; slot++)
        {
            ref var header = ref Message(slot)->Header;
            header.Vectors->Base = batch.Memory + ReceiveBatch.SlotOffset(slot);
            // The kernel writes both back; left alone, the next segment size would find no room and be lost without a word.
            header.NameBytes = SocketAddresses.V6Bytes;
            header.ControlBytes = ControlBytes;
        }
        for (var attempt = 0; attempt < MaxReceiveErrors; attempt++)
        {
            var count = Libc.ReceiveMMsg(_descriptor, (MMsgHdr*)_area->Messages, ReceiveBatch.Slots, SocketNumbers.DontWait, null);
            if (count > 0)
            {
                for (var slot = 0; slot < count; slot++) Report(slot, ref batch.Messages[slot]);
                return count;
            }
            var error = Errno.Last;
            if (count == 0 || error == Errno.TryAgain) return 0;
            if (IsGone(error)) return -1;
            // An ICMP error of an earlier send (ECONNREFUSED, EHOSTUNREACH, …) is reported once and cleared: nothing that concerns this call.
        }
        return 0;
    }

    public PortResult Send(ReadOnlySpan<byte> datagrams, int segmentBytes, in UdpEndpoint destination) =>
        Send(datagrams, segmentBytes, destination, mayWait: true);

    public PortResult SendUnproven(ReadOnlySpan<byte> datagram, in UdpEndpoint destination)
    {
        // What the kernel holds of this socket's, bookkeeping included (sk_wmem_alloc): it is counted against SO_SNDBUF in the same way.
        int queued;
        // SAFETY: an int of this frame.
        var known = Libc.IoControl(_descriptor, InterfaceControl.QueuedBytes, &queued) == 0;
        return known && queued > _sendBufferBytes / 2
            ? new PortResult(PortStatus.WouldBlock, 0, Errno.TryAgain)
            : Send(datagram, datagram.Length, destination, mayWait: false);
    }

    [SkipLocalsInit]
    private PortResult Send(ReadOnlySpan<byte> datagrams, int segmentBytes, in UdpEndpoint destination, bool mayWait)
    {
        if (segmentBytes <= 0) return new PortResult(PortStatus.Refused, 0, Errno.Invalid);
        var name = stackalloc byte[SocketAddresses.V6Bytes];
        var nameBytes = SocketAddresses.Write(new Span<byte>(name, SocketAddresses.V6Bytes), _dualStack, destination);
        if (nameBytes == 0) return new PortResult(PortStatus.Refused, 0, Errno.FamilyNotSupported);

        // SAFETY: pinned until all calls have returned; the target and its control area are this frame's.
        fixed (byte* data = datagrams)
        {
            var target = new SendTarget { Name = name, NameBytes = (uint)nameBytes, WithSource = HasUsableSource(destination), Waited = !mayWait };
            var sent = 0;
            do
            {
                var rest = datagrams.Length - sent;
                var segments = Math.Min(SegmentationState.MaxSegments, Math.Max(1, SegmentationState.MaxBytes / segmentBytes));
                var bytes = Math.Min(rest, segments * segmentBytes);
                var result = bytes > segmentBytes && _segmentation.AllowsFor(destination)
                    ? SendSegmented(data + sent, bytes, segmentBytes, destination, ref target)
                    : SendSingles(data + sent, bytes, segmentBytes, destination, ref target);
                sent += result.Bytes;
                if (result.Status != PortStatus.Ok) return result with { Bytes = sent };
            }
            while (sent < datagrams.Length);
            return new PortResult(PortStatus.Ok, sent);
        }
    }

    public bool WaitReadable()
    {
        PollFd* descriptors = stackalloc PollFd[2];
        descriptors[0] = new PollFd { Descriptor = _descriptor, Events = PollEvents.In };
        descriptors[1] = new PollFd { Descriptor = _wake.Descriptor, Events = PollEvents.In };
        // SAFETY: two entries of this frame.
        while (Libc.Poll(descriptors, 2, -1) < 0)
        {
            if (Errno.Last != Errno.Interrupted) return false;
        }
        if (descriptors[1].Returned != 0) _wake.Clear();
        // POLLERR is a pending ICMP error, or the end: Receive tells which.
        return (descriptors[0].Returned & PollEvents.Invalid) == 0;
    }

    public void WakeReceiver() => _wake.Set();

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor < 0) return;
        _ = Libc.Close(descriptor);
        _wake.Dispose();
        // SAFETY: once, by the exchange above.
        NativeMemory.Free(_area);
    }

    private MMsgHdr* Message(int slot) => (MMsgHdr*)_area->Messages + slot;

    private void Report(int slot, ref ReceivedMessage message)
    {
        // SAFETY: the kernel wrote these lengths within the areas they were given for.
        var received = Message(slot);
        var header = &received->Header;
        SocketAddresses.ReadControl(new ReadOnlySpan<byte>(header->Control, (int)header->ControlBytes), out var local, out var localInterface, out var segmentBytes);
        message.Offset = ReceiveBatch.SlotOffset(slot);
        message.Bytes = (int)received->Bytes;
        message.SegmentBytes = segmentBytes > 0 ? Math.Min(segmentBytes, message.Bytes) : message.Bytes;
        message.Truncated = (header->Flags & SocketNumbers.Truncated) != 0;
        message.Source = SocketAddresses.Read(new ReadOnlySpan<byte>(header->Name, SocketAddresses.V6Bytes), local, localInterface);
    }

    private PortResult SendSegmented(byte* data, int bytes, int segmentBytes, in UdpEndpoint destination, ref SendTarget target)
    {
        var error = SendOnce(data, bytes, segmentBytes, destination, ref target);
        if (error != 0 && target.WithSource && IsSourceError(error))
        {
            target.WithSource = false;
            error = SendOnce(data, bytes, segmentBytes, destination, ref target);
            // Not the source's fault: the single datagrams shall have it.
            if (error is Errno.Invalid or Errno.MessageSize or Errno.InputOutput) target.WithSource = true;
        }
        switch (error)
        {
            case 0:
                return new PortResult(PortStatus.Ok, bytes);
            case Errno.InputOutput:
                _segmentation.Disable(Port, error);
                return SendSingles(data, bytes, segmentBytes, destination, ref target);
            case Errno.Invalid or Errno.MessageSize:
                var result = SendSingles(data, bytes, segmentBytes, destination, ref target);
                if (result.Status == PortStatus.Ok) _segmentation.Refuse(destination, Port, error);
                return result;
            default:
                return Failed(error, 0);
        }
    }

    private int SendOnce(byte* data, int bytes, int segmentBytes, in UdpEndpoint destination, ref SendTarget target)
    {
        var control = stackalloc byte[SendControlBytes];
        var controlBytes = target.WithSource ? SocketAddresses.WriteSource(new Span<byte>(control, SendControlBytes), _dualStack, destination) : 0;
        controlBytes += SocketAddresses.WriteSegmentSize(new Span<byte>(control + controlBytes, SendControlBytes - controlBytes), segmentBytes);
        var vector = new IoVec { Base = data, Length = (nuint)bytes };
        var message = new MsgHdr
        {
            Name = target.Name,
            NameBytes = target.NameBytes,
            Vectors = &vector,
            VectorCount = 1,
            Control = control,
            ControlBytes = (nuint)controlBytes,
        };
        // SAFETY: all of it lives on this frame or is pinned by Send.
        while (Libc.SendMsg(_descriptor, &message, 0) < 0)
        {
            var error = Errno.Last;
            if (!MayTryAgain(error, ref target)) return error;
        }
        return 0;
    }

    [SkipLocalsInit]
    private PortResult SendSingles(byte* data, int bytes, int segmentBytes, in UdpEndpoint destination, ref SendTarget target)
    {
        var control = stackalloc byte[SendControlBytes];
        var controlBytes = target.WithSource ? SocketAddresses.WriteSource(new Span<byte>(control, SendControlBytes), _dualStack, destination) : 0;
        var messages = stackalloc MMsgHdr[SegmentationState.MaxSegments];
        var vectors = stackalloc IoVec[SegmentationState.MaxSegments];
        var count = 0;
        for (var offset = 0; count == 0 || offset < bytes; offset += segmentBytes)
        {
            vectors[count] = new IoVec { Base = data + offset, Length = (nuint)Math.Min(segmentBytes, bytes - offset) };
            messages[count].Bytes = 0;
            messages[count++].Header = new MsgHdr
            {
                Name = target.Name,
                NameBytes = target.NameBytes,
                Vectors = vectors + (count - 1),
                VectorCount = 1,
                Control = controlBytes == 0 ? null : control,
                ControlBytes = (nuint)controlBytes,
            };
        }

        var done = 0;
        while (done < count)
        {
            // SAFETY: all of it lives on this frame or is pinned by Send.
            var sent = Libc.SendMMsg(_descriptor, messages + done, (uint)(count - done), 0);
            if (sent > 0)
            {
                done += sent;
                continue;
            }
            var error = Errno.Last;
            if (target.WithSource && IsSourceError(error))
            {
                target.WithSource = false;
                for (var i = done; i < count; i++) messages[i].Header.ControlBytes = 0;
            }
            else if (!MayTryAgain(error, ref target))
            {
                return Failed(error, Math.Min(done * segmentBytes, bytes));
            }
        }
        return new PortResult(PortStatus.Ok, bytes);
    }

    // EINTR and a pending ICMP error of an earlier send say nothing about this one; a full buffer is waited for once a call.
    private bool MayTryAgain(int error, ref SendTarget target)
    {
        if (error == Errno.Interrupted) return true;
        if (error == Errno.ConnectionRefused) return target.Retries++ < 1;
        if (error != Errno.TryAgain || target.Waited) return false;
        target.Waited = true;
        var descriptor = new PollFd { Descriptor = _descriptor, Events = PollEvents.Out };
        // SAFETY: one entry of this frame.
        return Libc.Poll(&descriptor, 1, SendTimeoutMilliseconds) > 0;
    }

    private static bool HasUsableSource(in UdpEndpoint destination) =>
        destination.LocalAddress != default && destination.LocalAddress.IsV4 == destination.Address.IsV4;

    private static PortResult Failed(int error, int bytes) =>
        new(error == Errno.TryAgain ? PortStatus.WouldBlock : IsGone(error) ? PortStatus.Gone : PortStatus.Refused, bytes, error);

    // What a source address that this host has no more, or that does not fit the route, can give (ip_route_output_key_hash, ip6_datagram_send_ctl).
    private static bool IsSourceError(int error) => error is Errno.Invalid or Errno.AddressNotAvailable or Errno.NoDevice
        or Errno.NetworkUnreachable or Errno.HostUnreachable or Errno.NoDeviceOrAddress;

    // ECONNABORTED: "ss --kill" or another SOCK_DESTROY (udp_abort).
    private static bool IsGone(int error) => error is Errno.BadDescriptor or Errno.NotSocket or Errno.ConnectionAborted;

    /// <summary>One Send's destination, and what it has learned and used up so far.</summary>
    private struct SendTarget
    {
        public byte* Name;
        public uint NameBytes;
        public bool WithSource;
        public bool Waited;
        public int Retries;
    }

    /// <summary>The receive call's headers and their targets, in native memory.</summary>
    private struct ReceiveArea
    {
        public fixed ulong Messages[ReceiveBatch.Slots * 8];  // mmsghdr: 64 bytes each
        public fixed ulong Vectors[ReceiveBatch.Slots * 2];   // iovec: 16 bytes each
        public fixed ulong Controls[ReceiveBatch.Slots * ControlBytes / 8];
        public fixed byte Names[ReceiveBatch.Slots * SocketAddresses.V6Bytes];

    }
}
