using System.Runtime.InteropServices;

namespace Gateway.Protocol;

/// <summary>
/// What the three threads note down about a peer's traffic, from which the control thread tells what is due and when (whitepaper §6).
/// </summary>
/// <remarks>
/// There are no timer objects. Sender and receiver write when they did what, and ask for service only where something becomes due
/// earlier than the deadline that the control thread published, so that steady traffic costs a few field writes and nothing interlocked.
/// No such request is lost: a note is written before the deadline is read, and the control thread publishes the deadline before it reads the
/// notes again, with a process-wide barrier between (<see cref="Publish"/>), which spares the other threads a fence a packet.
/// Each group of fields has one writer, and a cache line of its own.
/// </remarks>
internal sealed class PeerTimers
{
    private static readonly long UnansweredAfter = WireGuardConstants.UnansweredAfterTime.Ticks;
    private static readonly long KeepaliveAfter = WireGuardConstants.KeepaliveTimeout.Ticks;

    private SenderNotes _sender = new() { AskedIn = -1 };
    private ReceiverNotes _receiver = new() { AskedIn = -1 };
    private ControlNotes _control = new() { Deadline = long.MaxValue };

    /// <summary>Sender thread. <paramref name="data"/> is false for keepalives, which nobody answers.</summary>
    internal bool NoteSent(bool data, bool rekeyDue, long now)
    {
        Volatile.Write(ref _sender.LastSent, now);
        var asks = false;
        if (data)
        {
            var answered = Math.Max(Volatile.Read(ref _receiver.LastReceived), Volatile.Read(ref _control.AnsweredUntil));
            var since = _sender.UnansweredSince;
            if (since <= answered)
                Volatile.Write(ref _sender.UnansweredSince, since = now);
            asks = since > answered && since + UnansweredAfter < Volatile.Read(ref _control.Deadline);
        }

        if (rekeyDue)
            asks |= WantHandshake(now);
        return asks && IsFirstSinceService(ref _sender.AskedIn);
    }

    /// <summary>Sender thread.</summary>
    internal bool NoteWaiting(long now) => WantHandshake(now) && IsFirstSinceService(ref _sender.AskedIn);

    /// <summary>Receiver thread. <paramref name="urgent"/>: the key pair itself asks for service.</summary>
    internal bool NoteReceived(bool data, bool urgent, long now)
    {
        Volatile.Write(ref _receiver.LastReceived, now);
        var asks = urgent;
        if (data)
        {
            var acknowledged = Math.Max(Volatile.Read(ref _sender.LastSent), Volatile.Read(ref _control.AcknowledgedUntil));
            var since = _receiver.UnacknowledgedSince;
            if (since <= acknowledged)
                Volatile.Write(ref _receiver.UnacknowledgedSince, since = now);
            asks |= since > acknowledged && since + KeepaliveAfter < Volatile.Read(ref _control.Deadline);
        }

        return asks && IsFirstSinceService(ref _receiver.AskedIn);
    }

    // Control thread from here on.

    /// <summary>When the sender last wanted a handshake.</summary>
    internal Instant Wish => new(Volatile.Read(ref _sender.Wish));

    /// <summary>Whether a handshake is under way or will start by itself, so that the sender need not ask for one.</summary>
    internal bool HandshakePending
    {
        set => Volatile.Write(ref _control.HandshakePending, value);
    }

    /// <summary>Opens a round of service: requests from now on count again.</summary>
    internal void BeginService() => Volatile.Write(ref _control.Generation, _control.Generation + 1);

    /// <summary>Publishes the deadline. Notes read after this call include every one whose writer did not see it.</summary>
    internal void Publish(Instant deadline)
    {
        Volatile.Write(ref _control.Deadline, deadline.Ticks);
        Interlocked.MemoryBarrierProcessWide();
    }

    /// <summary>The peer was heard, or we stop waiting for its answer.</summary>
    internal void MarkAnswered(Instant now) => Volatile.Write(ref _control.AnsweredUntil, now.Ticks);

    /// <summary>Something went to the peer from this thread, or was asked to go.</summary>
    internal void MarkAcknowledged(Instant now) => Volatile.Write(ref _control.AcknowledgedUntil, now.Ticks);

    /// <summary>§6.5: data went out and nothing came back for 15 s.</summary>
    internal Instant UnansweredDueAt()
    {
        var since = Volatile.Read(ref _sender.UnansweredSince);
        return since > Math.Max(Volatile.Read(ref _receiver.LastReceived), _control.AnsweredUntil) ? new Instant(since + UnansweredAfter) : Instant.Infinity;
    }

    /// <summary>§6.5: data came in and nothing went out for 10 s.</summary>
    internal Instant PassiveKeepaliveDueAt()
    {
        var since = Volatile.Read(ref _receiver.UnacknowledgedSince);
        return since > Math.Max(Volatile.Read(ref _sender.LastSent), _control.AcknowledgedUntil) ? new Instant(since + KeepaliveAfter) : Instant.Infinity;
    }

    /// <summary>When anything authentic last went either way.</summary>
    internal Instant LastTraversal() => new(Math.Max(
        Math.Max(Volatile.Read(ref _sender.LastSent), Volatile.Read(ref _receiver.LastReceived)),
        Math.Max(_control.AnsweredUntil, _control.AcknowledgedUntil)));

    private bool WantHandshake(long now)
    {
        Volatile.Write(ref _sender.Wish, now);
        return !Volatile.Read(ref _control.HandshakePending);
    }

    // One request a round is enough: the round reads every note.
    private bool IsFirstSinceService(ref int askedIn)
    {
        var generation = Volatile.Read(ref _control.Generation);
        if (askedIn == generation)
            return false;
        askedIn = generation;
        return true;
    }

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct SenderNotes
    {
        [FieldOffset(64)]
        internal long LastSent;

        // When the first data went out that nothing has answered.
        [FieldOffset(72)]
        internal long UnansweredSince;

        [FieldOffset(80)]
        internal long Wish;

        [FieldOffset(88)]
        internal int AskedIn;
    }

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct ReceiverNotes
    {
        [FieldOffset(64)]
        internal long LastReceived;

        // When the first data came in after which nothing went out.
        [FieldOffset(72)]
        internal long UnacknowledgedSince;

        [FieldOffset(80)]
        internal int AskedIn;
    }

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct ControlNotes
    {
        [FieldOffset(64)]
        internal long Deadline;

        [FieldOffset(72)]
        internal long AnsweredUntil;

        [FieldOffset(80)]
        internal long AcknowledgedUntil;

        [FieldOffset(88)]
        internal int Generation;

        [FieldOffset(92)]
        internal bool HandshakePending;
    }
}
