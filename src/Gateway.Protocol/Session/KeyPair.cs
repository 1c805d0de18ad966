using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Gateway.Protocol;

/// <summary>What came of opening a data message.</summary>
public enum OpenResult
{
    /// <summary>Authentic and new.</summary>
    Ok,

    /// <summary>Too short for a data message, or not one for this session. (A length that is no multiple of 16 is legal: padding stops at the sender's MTU.)</summary>
    Malformed,

    /// <summary>The key is older than 180 s or used up.</summary>
    Expired,

    /// <summary>The tag does not verify.</summary>
    BadTag,

    /// <summary>The counter was seen before or is older than the window.</summary>
    Replay,
}

/// <summary>The transport keys of one session, both directions. The sending half belongs to the sender thread, the receiving half to the receiver thread.</summary>
public sealed class KeyPair : IDisposable
{
    /// <summary>Bytes before the ciphertext: type, receiver index, counter (whitepaper §5.4.6).</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes that a data message is longer than its padded plaintext.</summary>
    public const int OverheadBytes = HeaderBytes + AeadKey.TagSize;

    private const int CounterAt = 8;

    private readonly AeadKey _sending;
    private readonly AeadKey _receiving;
    private readonly ReplayWindow _window = new();
    private readonly ulong _sendHeader;
    private readonly ulong _receiveHeader;
    private readonly long _rejectAt;
    private SenderState _sender;
    private ReceiverState _receiver;

    internal KeyPair(WireGuardPeer peer, uint localIndex, uint remoteIndex, bool isInitiator, AeadKey sending, AeadKey receiving, Instant created)
    {
        Peer = peer;
        LocalIndex = localIndex;
        IsInitiator = isInitiator;
        Created = created;
        _sending = sending;
        _receiving = receiving;
        _sendHeader = MessageType.Data | ((ulong)remoteIndex << 32);
        _receiveHeader = MessageType.Data | ((ulong)localIndex << 32);
        _rejectAt = (created + WireGuardConstants.RejectAfterTime).Ticks;
        // §6.2: only the initiator renews by age, so that both ends do not do it at once.
        RekeyOnSendAt = isInitiator ? (created + WireGuardConstants.RekeyAfterTime).Ticks : long.MaxValue;
        RekeyOnReceiveAt = isInitiator ? (created + WireGuardConstants.RekeyOnReceiveAfterTime).Ticks : long.MaxValue;
    }

    /// <summary>Whose session.</summary>
    public WireGuardPeer Peer { get; }

    /// <summary>The index by which the peer names this session.</summary>
    public uint LocalIndex { get; }

    /// <summary>When the keys were derived.</summary>
    internal Instant Created { get; }

    internal bool IsInitiator { get; }

    internal long RekeyOnSendAt { get; }

    internal long RekeyOnReceiveAt { get; }

    /// <summary>Sender thread writes, control thread reads.</summary>
    internal ulong NextCounter
    {
        get => Volatile.Read(ref _sender.NextCounter);
        set => Volatile.Write(ref _sender.NextCounter, value);
    }

    /// <summary>Receiver thread writes, control thread reads: the peer has these keys.</summary>
    internal ref bool ReceivedOn => ref _receiver.ReceivedOn;

    /// <summary>Receiver thread writes, control thread reads: data came although the session is nearly over.</summary>
    internal ref bool RekeyOnReceiveAsked => ref _receiver.RekeyAsked;

    /// <summary>Control thread: <see cref="RekeyOnReceiveAsked"/> was acted on; once a session is enough (§6.2).</summary>
    internal bool RekeyOnReceiveDone { get; set; }

    internal bool IsUsable(Instant now) => now.Ticks < _rejectAt && NextCounter < WireGuardConstants.RejectAfterMessages;

    internal bool IsRekeyDue(long now) => now >= RekeyOnSendAt || NextCounter > WireGuardConstants.RekeyAfterMessages;

    /// <summary>
    /// Sender thread. Reserves counters for that many messages. False where the key is too old (180 s) or would pass the message limit:
    /// then <see cref="WireGuardPeer.NoteWaiting"/>.
    /// </summary>
    public bool TryReserve(int messages, Instant now, out ulong firstCounter)
    {
        var next = _sender.NextCounter;
        firstCounter = next;
        if (now.Ticks >= _rejectAt || next > WireGuardConstants.RejectAfterMessages - (uint)messages)
            return false;
        NextCounter = next + (uint)messages;
        return true;
    }

    /// <summary>
    /// Sender thread. Writes a whole data message: header, ciphertext, tag. The plaintext is padded by the caller.
    /// </summary>
    /// <param name="counter">A reserved counter, used once.</param>
    /// <param name="plaintext">Starts at <c>message[HeaderBytes]</c> (in place) or does not overlap <paramref name="message"/>.</param>
    /// <param name="message"><see cref="OverheadBytes"/> longer than the plaintext.</param>
    public void Seal(ulong counter, ReadOnlySpan<byte> plaintext, Span<byte> message)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(message, _sendHeader);
        BinaryPrimitives.WriteUInt64LittleEndian(message[CounterAt..], counter);
        _sending.Seal(counter, plaintext, message.Slice(HeaderBytes, plaintext.Length + AeadKey.TagSize));
    }

    /// <summary>
    /// Receiver thread. Opens a whole data message in place: the plaintext starts at <c>message[HeaderBytes]</c>. The replay window moves only
    /// when the result is <see cref="OpenResult.Ok"/>.
    /// </summary>
    public OpenResult TryOpen(Span<byte> message, Instant now, out int plaintextBytes)
    {
        plaintextBytes = 0;
        if (message.Length < OverheadBytes || BinaryPrimitives.ReadUInt64LittleEndian(message) != _receiveHeader)
            return OpenResult.Malformed;
        var counter = BinaryPrimitives.ReadUInt64LittleEndian(message[CounterAt..]);
        if (now.Ticks >= _rejectAt || counter >= WireGuardConstants.RejectAfterMessages)
            return OpenResult.Expired;
        var sealedPart = message[HeaderBytes..];
        if (!_receiving.TryOpen(counter, sealedPart, sealedPart[..^AeadKey.TagSize]))
            return OpenResult.BadTag;
        if (!_window.TryAccept(counter))
            return OpenResult.Replay;
        plaintextBytes = sealedPart.Length - AeadKey.TagSize;
        return OpenResult.Ok;
    }

    /// <summary>Erases both halves.</summary>
    public void Dispose()
    {
        _sending.Dispose();
        _receiving.Dispose();
    }

    // What each thread writes per packet stays a cache line away from what the others read.

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct SenderState
    {
        [FieldOffset(64)]
        internal ulong NextCounter;
    }

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct ReceiverState
    {
        [FieldOffset(64)]
        internal bool ReceivedOn;

        [FieldOffset(65)]
        internal bool RekeyAsked;
    }
}
