namespace Gateway.Protocol;

/// <summary>What came of a handshake message.</summary>
public enum HandshakeResult
{
    /// <summary>An initiation was authenticated; the reply is the response, to be sent to the datagram's source. The peer's endpoint moves there.</summary>
    Responded,

    /// <summary>A response was authenticated: the session is up. The peer's endpoint moves to the datagram's source.</summary>
    Completed,

    /// <summary>Under load and without a valid mac2: the reply is a cookie reply, to be sent to the datagram's source.</summary>
    CookieSent,

    /// <summary>A cookie was learned; the next initiation carries mac2.</summary>
    CookieLearned,

    /// <summary>Wrong length, type, or reserved bytes.</summary>
    Malformed,

    /// <summary>mac1 does not verify: it was not made for our public key.</summary>
    BadMac1,

    /// <summary>An initiation from a public key that no peer has.</summary>
    UnknownPeer,

    /// <summary>A tag inside the handshake does not verify, or a public key has low order; for a response possibly a different pre-shared key.</summary>
    BadTag,

    /// <summary>The TAI64N timestamp is not later than the last one: a replay, or a clock that went back.</summary>
    OldTimestamp,

    /// <summary>More initiations than a source or peer may send.</summary>
    RateLimited,

    /// <summary>A response or cookie for a handshake that is not under way.</summary>
    NotExpected,
}

/// <summary>What came of a handshake message, for whom, and what to answer.</summary>
/// <param name="Result">The outcome.</param>
/// <param name="Peer">The peer: authenticated for <see cref="HandshakeResult.Responded"/> and <see cref="HandshakeResult.Completed"/>, where known otherwise, else null.</param>
/// <param name="ReplyLength">Bytes written to the reply buffer; 0 = no answer.</param>
public readonly record struct HandshakeOutcome(HandshakeResult Result, WireGuardPeer? Peer, int ReplyLength)
{
    /// <summary>With <see cref="HandshakeResult.UnknownPeer"/>: the key that the sender proved to have.</summary>
    public PublicKey? UnknownKey { get; init; }

    /// <summary>The time that an authentic initiation names, by its sender's clock; null for all else.</summary>
    public DateTimeOffset? SenderTime { get; init; }
}
