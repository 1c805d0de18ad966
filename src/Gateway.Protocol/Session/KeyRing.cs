namespace Gateway.Protocol;

/// <summary>
/// A peer's key pairs and their hand-over: <c>current</c> sends, <c>previous</c> still opens what was on its way, <c>next</c> waits, on the responder's
/// side, for the first message that proves that the initiator has it too (whitepaper §6, kernel <c>add_new_keypair</c>). Control thread, but for what says otherwise.
/// </summary>
internal sealed class KeyRing
{
    private readonly IndexTable _indices;
    private readonly IPeerOutput _output;
    private volatile KeyPair? _current;
    private KeyPair? _previous;
    private volatile KeyPair? _next;

    internal KeyRing(IndexTable indices, IPeerOutput output)
    {
        _indices = indices;
        _output = output;
    }

    /// <summary>Any thread.</summary>
    internal KeyPair? Current => _current;

    /// <summary>
    /// Any thread: what is sealed with. A pair that waited counts from its first message on, before the control thread has promoted it: that message's
    /// answer may be the next packet, and a peer that has started anew knows no older keys.
    /// </summary>
    internal KeyPair? Sending => _next is { } next && Volatile.Read(ref next.ReceivedOn) ? next : _current;

    /// <summary>Any thread: waits for its first message.</summary>
    internal KeyPair? Next => _next;

    /// <summary>When all keys are erased unless new ones are derived first (whitepaper §6.3).</summary>
    internal Instant EraseAt { get; private set; } = Instant.Infinity;

    internal bool IsNextConfirmed => _next is { } next && Volatile.Read(ref next.ReceivedOn);

    internal bool IsRekeyOnReceiveAsked => _current is { RekeyOnReceiveDone: false } current && Volatile.Read(ref current.RekeyOnReceiveAsked);

    /// <summary>Whether sending needs a handshake: no keys, keys that ended, or keys that this end is to renew.</summary>
    internal bool NeedsHandshakeToSend(Instant now) => _current is not { } current || !current.IsUsable(now) || current.IsRekeyDue(now.Ticks);

    /// <summary>The response proved that the peer has the keys: they are used at once.</summary>
    internal void AddAsInitiator(KeyPair keyPair)
    {
        var oldPrevious = _previous;
        var oldCurrent = _current;
        // A pair that waited is newer than the current one, and the peer may be sending on it.
        var handedOver = _next ?? oldCurrent;
        _previous = handedOver;
        Publish(keyPair);
        _current = keyPair;
        _next = null;
        Retire(oldPrevious);
        if (handedOver != oldCurrent)
            Retire(oldCurrent);
    }

    /// <summary>The keys wait for the initiator's first message.</summary>
    internal void AddAsResponder(KeyPair keyPair)
    {
        var oldNext = _next;
        Publish(keyPair);
        _next = keyPair;
        Retire(oldNext);
    }

    /// <summary>Makes <c>next</c> current if a message was opened with it.</summary>
    internal bool TryPromoteNext()
    {
        if (!IsNextConfirmed)
            return false;
        var oldPrevious = _previous;
        _previous = _current;
        _current = _next;
        _next = null;
        Retire(oldPrevious);
        return true;
    }

    /// <summary>Takes all keys out of use.</summary>
    internal void Clear()
    {
        var (previous, current, next) = (_previous, _current, _next);
        _previous = _current = _next = null;
        EraseAt = Instant.Infinity;
        Retire(previous);
        Retire(current);
        Retire(next);
    }

    private void Publish(KeyPair keyPair)
    {
        _indices.Add(keyPair);
        EraseAt = keyPair.Created + WireGuardConstants.EraseAfterTime;
    }

    private void Retire(KeyPair? keyPair)
    {
        if (keyPair is null)
            return;
        _indices.Remove(keyPair);
        _output.Retire(keyPair);
    }
}
