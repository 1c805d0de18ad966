namespace Gateway.Engine;

/// <summary>Why a packet was not passed on. Stable: stored, shown, and used as a metric label.</summary>
public enum DropReason
{
    /// <summary>Out: no peer's allowed IPs hold the destination.</summary>
    NoPeerForDestination,
    /// <summary>Out: the peer has no endpoint yet.</summary>
    NoEndpoint,
    /// <summary>Out: no session came up while the packet waited; in: the receiver index names none.</summary>
    NoSession,
    /// <summary>In: the inner source is not in the peer's allowed IPs.</summary>
    SourceNotAllowed,
    /// <summary>In: the inner destination is outside the peer's client routes and the tunnel's own prefixes.</summary>
    DestinationNotAllowed,
    /// <summary>In: the authentication tag does not verify.</summary>
    BadTag,
    /// <summary>In: the counter was seen before.</summary>
    Replay,
    /// <summary>In: the session's keys are too old.</summary>
    KeyExpired,
    /// <summary>In: a datagram of the wrong length or type, or an inner packet whose lengths disagree.</summary>
    Malformed,
    /// <summary>The packet is neither IPv4 nor IPv6.</summary>
    NotIp,
    /// <summary>Larger than the tunnel can carry.</summary>
    TooBig,
    /// <summary>A queue was full: packets waiting for a session, handshakes, or the socket's buffer.</summary>
    QueueFull,
    /// <summary>The kernel refused to take it.</summary>
    KernelRefused,
    /// <summary>More handshakes than a source may send.</summary>
    Rate,
    /// <summary>In: a handshake message that was refused (bad mac1, unknown peer, old timestamp, bad tag).</summary>
    HandshakeRefused,
    /// <summary>Plain transport, in: the datagram belongs to no peer.</summary>
    UnknownSource,
}

/// <summary>Facts about <see cref="DropReason"/>.</summary>
public static class DropReasons
{
    /// <summary>How many reasons there are.</summary>
    public const int Count = (int)DropReason.UnknownSource + 1;

    /// <summary>The words people see, as in the API: "source not allowed".</summary>
    public static string Describe(DropReason reason) => reason switch
    {
        DropReason.NoPeerForDestination => "no peer for destination",
        DropReason.NoEndpoint => "no endpoint",
        DropReason.NoSession => "no session",
        DropReason.SourceNotAllowed => "source not allowed",
        DropReason.DestinationNotAllowed => "destination not allowed",
        DropReason.BadTag => "bad tag",
        DropReason.Replay => "replay",
        DropReason.KeyExpired => "key expired",
        DropReason.Malformed => "malformed",
        DropReason.NotIp => "not IP",
        DropReason.TooBig => "too big",
        DropReason.QueueFull => "queue full",
        DropReason.KernelRefused => "kernel refused",
        DropReason.Rate => "rate",
        DropReason.HandshakeRefused => "handshake refused",
        DropReason.UnknownSource => "unknown source",
        _ => reason.ToString(),
    };
}
