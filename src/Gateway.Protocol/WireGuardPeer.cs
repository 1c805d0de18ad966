namespace Gateway.Protocol;

/// <summary>One peer of a device: its handshake state, its three key pairs, its timers.</summary>
/// <remarks>
/// After every call on the control thread that is about a peer (its own methods, or <see cref="WireGuardDevice.Receive"/> with this peer in its outcome),
/// and once after it was added, call <see cref="Service"/>: its answer is the peer's new deadline.
/// </remarks>
public sealed class WireGuardPeer
{
    private readonly DeviceIdentity _identity;
    private readonly PeerHandshake _handshake;
    private readonly KeyRing _keys;
    private readonly PeerTimers _timers = new();
    private TimeSpan _persistentKeepalive;
    private long _lastHandshakeUtcTicks;
    private bool _removed;

    // When the handshake under way sends its next initiation, and since when it has been wanted: 90 s after that it is given up.
    private Instant _retryAt;
    private Instant _wantedSince;

    // When a handshake that is wanted may start, 5 s after the last initiation; and the sender's last wish that was looked at.
    private Instant _startAt = Instant.Infinity;
    private Instant _lastInitiation;
    private Instant _wishServed;

    internal WireGuardPeer(DeviceIdentity identity, PublicKey publicKey, PresharedKey? presharedKey, TimeSpan persistentKeepalive)
    {
        PublicKey = publicKey;
        _identity = identity;
        _keys = new KeyRing(identity.Indices, identity.Output);
        _handshake = new PeerHandshake(identity, this);
        _handshake.TrySetPresharedKey(presharedKey);
        _persistentKeepalive = persistentKeepalive;
    }

    /// <summary>Who it is.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>The owner's object for this peer (the engine's peer).</summary>
    public object? Owner { get; set; }

    /// <summary>Any thread. The key pair to send with, or null while there is none.</summary>
    public KeyPair? SendKeys => _keys.Sending;

    /// <summary>Any thread. When both ends were last known to share a session (on the responder's side: its first message), UTC; null = never.</summary>
    public DateTimeOffset? LastHandshake
    {
        get
        {
            var ticks = Volatile.Read(ref _lastHandshakeUtcTicks);
            return ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
        }
    }

    internal PeerHandshake Handshake => _handshake;

    /// <summary>Control thread. A changed pre-shared key ends the sessions made with the old one.</summary>
    public void SetPresharedKey(PresharedKey? key, Moment now)
    {
        if (!_removed && _handshake.TrySetPresharedKey(key))
            Restart(now);
    }

    /// <summary>Control thread. Zero turns it off; when turned on, one is sent at once (as wg does).</summary>
    public void SetPersistentKeepalive(TimeSpan interval, Moment now)
    {
        var turnedOn = _persistentKeepalive <= TimeSpan.Zero && interval > TimeSpan.Zero;
        _persistentKeepalive = interval;
        if (turnedOn && !_removed)
            SendKeepalive(now);
    }

    /// <summary>Control thread. Starts a handshake now unless one is under way or was started less than 5 s ago.</summary>
    public void StartHandshake(Moment now)
    {
        if (!_removed && !_handshake.IsUnderWay && EarliestStart(now.Monotonic) <= now.Monotonic)
            Begin(now);
    }

    /// <summary>Sender thread. Something was sealed and sent. <paramref name="data"/> is false for keepalives. True = call <see cref="Service"/>.</summary>
    public bool NoteSent(KeyPair keyPair, bool data, Instant now)
    {
        ArgumentNullException.ThrowIfNull(keyPair);
        return _timers.NoteSent(data, keyPair.IsRekeyDue(now.Ticks), now.Ticks);
    }

    /// <summary>Sender thread. A packet waits, but there are no usable keys: a handshake is wanted. True = call <see cref="Service"/>.</summary>
    public bool NoteWaiting(Instant now) => _timers.NoteWaiting(now.Ticks);

    /// <summary>Receiver thread. A message was opened. <paramref name="data"/> is false for keepalives. True = call <see cref="Service"/>.</summary>
    public bool NoteReceived(KeyPair keyPair, bool data, Instant now)
    {
        ArgumentNullException.ThrowIfNull(keyPair);
        if (!keyPair.ReceivedOn)
            Volatile.Write(ref keyPair.ReceivedOn, true);
        var urgent = _keys.Next == keyPair;
        if (now.Ticks >= keyPair.RekeyOnReceiveAt && !keyPair.RekeyOnReceiveAsked && _keys.Current == keyPair)
        {
            Volatile.Write(ref keyPair.RekeyOnReceiveAsked, true);
            urgent = true;
        }

        return _timers.NoteReceived(data, urgent, now.Ticks);
    }

    /// <summary>
    /// Control thread. Does everything that is due: starts or repeats handshakes, passive and persistent keepalives, promotes the
    /// next key pair after its first message, erases old keys. Answers when to be called next at the latest (<see cref="Instant.Infinity"/>: only when a Note… asks).
    /// </summary>
    public Instant Service(Moment now)
    {
        var sendersAsk = false;
        while (!_removed)
        {
            _timers.BeginService();
            PromoteNext(now);
            if (_keys.EraseAt <= now.Monotonic)
                _keys.Clear();
            ServeHandshake(now);
            ServeKeepalives(now);
            var pending = _handshake.IsUnderWay || _startAt != Instant.Infinity;
            _timers.HandshakePending = pending;

            // A wish calls for another round only where its sender may have been told that a handshake was pending, and so have not asked.
            // A sender that goes on wishing could keep this loop running otherwise, with all other peers' timers behind it.
            var looksAtWish = !pending && !sendersAsk;
            var published = NextDeadline(looksAtWish);
            _timers.Publish(published);
            // A note that came meanwhile may have seen the deadline before; see PeerTimers. Only an earlier one may replace what was published.
            var deadline = Instant.Min(published, NextDeadline(looksAtWish));
            if (deadline < published)
                _timers.Publish(deadline);
            if (deadline > now.Monotonic)
                return deadline;
            sendersAsk = !pending;
        }

        return Instant.Infinity;
    }

    // What WireGuardDevice calls.

    /// <summary>An initiation was accepted and answered with these keys.</summary>
    internal void OnResponded(KeyPair keyPair, Instant now)
    {
        _keys.AddAsResponder(keyPair);
        _timers.MarkAnswered(now);
        _timers.MarkAcknowledged(now);
    }

    /// <summary>Our initiation was answered: these keys can be used.</summary>
    internal void OnCompleted(KeyPair keyPair, Moment now)
    {
        _keys.AddAsInitiator(keyPair);
        _timers.MarkAnswered(now.Monotonic);
        OnSessionConfirmed(now);
        // Proves to the responder that we have the keys, which it needs before it sends (whitepaper §5.4.5).
        SendKeepalive(now);
    }

    /// <summary>The device's private key changed.</summary>
    internal void OnIdentityChanged(Moment now)
    {
        _handshake.SetIdentity();
        _lastInitiation = Instant.Never;
        Restart(now);
    }

    internal void Remove()
    {
        _removed = true;
        _handshake.Erase();
        _keys.Clear();
    }

    private void Restart(Moment now)
    {
        var hadSession = _keys.Current is not null || _keys.Next is not null || _handshake.IsUnderWay;
        _handshake.Abandon();
        _keys.Clear();
        if (hadSession)
            WantHandshake(now.Monotonic);
        ServeHandshake(now);
    }

    private void PromoteNext(Moment now)
    {
        if (!_keys.TryPromoteNext())
            return;
        // Ours, if one is under way, has become needless.
        _handshake.Abandon();
        OnSessionConfirmed(now);
    }

    private void OnSessionConfirmed(Moment now)
    {
        _startAt = Instant.Infinity;
        Volatile.Write(ref _lastHandshakeUtcTicks, now.Utc.UtcTicks);
        _identity.Output.SessionReady(this);
    }

    private void ServeHandshake(Moment now)
    {
        var monotonic = now.Monotonic;
        if (_timers.Wish is var wish && wish != _wishServed)
        {
            _wishServed = wish;
            if (_keys.NeedsHandshakeToSend(monotonic))
                WantHandshake(wish);
        }

        if (_keys.IsRekeyOnReceiveAsked)
        {
            _keys.Current!.RekeyOnReceiveDone = true;
            WantHandshake(monotonic);
        }

        if (_timers.UnansweredDueAt() <= monotonic)
        {
            _timers.MarkAnswered(monotonic);
            WantHandshake(monotonic);
        }

        if (_handshake.IsUnderWay)
        {
            if (monotonic >= GiveUpAt)
                GiveUp(monotonic);
            else if (monotonic >= _retryAt)
                SendInitiation(now);
        }
        else if (monotonic >= _startAt)
        {
            Begin(now);
        }
    }

    private Instant GiveUpAt => _wantedSince + WireGuardConstants.RekeyAttemptTime;

    // §6.4: a handshake is given up 90 s after it was last wanted, not after it started.
    private void WantHandshake(Instant now)
    {
        _wantedSince = Instant.Max(_wantedSince, now);
        if (!_handshake.IsUnderWay)
            _startAt = Instant.Min(_startAt, EarliestStart(now));
    }

    private Instant EarliestStart(Instant now) =>
        _lastInitiation.IsNever ? now : Instant.Max(now, _lastInitiation + WireGuardConstants.RekeyTimeout);

    private void Begin(Moment now)
    {
        _startAt = Instant.Infinity;
        _wantedSince = Instant.Max(_wantedSince, now.Monotonic);
        if (_identity.Output.HasEndpoint(this))
            SendInitiation(now);
        else
            GiveUp(now.Monotonic);
    }

    private void SendInitiation(Moment now)
    {
        Span<byte> message = stackalloc byte[InitiationMessage.Size];
        _lastInitiation = now.Monotonic;
        _retryAt = now.Monotonic + WireGuardConstants.RekeyTimeout + _identity.DrawJitter();
        _timers.MarkAcknowledged(now.Monotonic);
        if (_handshake.TryWriteInitiation(message, now))
            _identity.Output.SendHandshakeMessage(this, message);
        else
            GiveUp(now.Monotonic);
    }

    private void GiveUp(Instant now)
    {
        _handshake.Abandon();
        // Also puts the persistent keepalive off for one interval, after which it tries again.
        _timers.MarkAnswered(now);
        _identity.Output.HandshakeGivenUp(this);
    }

    private void ServeKeepalives(Moment now)
    {
        if (_timers.PassiveKeepaliveDueAt() <= now.Monotonic || PersistentKeepaliveDueAt() <= now.Monotonic)
        {
            SendKeepalive(now);
            ServeHandshake(now);
        }
    }

    private Instant PersistentKeepaliveDueAt()
    {
        if (_persistentKeepalive <= TimeSpan.Zero)
            return Instant.Infinity;
        var last = _timers.LastTraversal();
        return last.IsNever ? Instant.Never : last + _persistentKeepalive;
    }

    private void SendKeepalive(Moment now)
    {
        _timers.MarkAcknowledged(now.Monotonic);
        if (_keys.Current is { } current && current.IsUsable(now.Monotonic))
            _identity.Output.SendKeepalive(this);
        else
            WantHandshake(now.Monotonic);
    }

    private Instant NextDeadline(bool looksAtWish)
    {
        if (_keys.IsNextConfirmed || _keys.IsRekeyOnReceiveAsked || (looksAtWish && _timers.Wish != _wishServed))
            return Instant.Never;
        var due = _handshake.IsUnderWay ? Instant.Min(_retryAt, GiveUpAt) : _startAt;
        due = Instant.Min(due, Instant.Min(_timers.UnansweredDueAt(), _timers.PassiveKeepaliveDueAt()));
        return Instant.Min(due, Instant.Min(PersistentKeepaliveDueAt(), _keys.EraseAt));
    }
}
