namespace Gateway.Protocol;

/// <summary>Values that the WireGuard whitepaper fixes; both ends must agree on them.</summary>
internal static class WireGuardConstants
{
    // §6.1, table "Protocol Constants"
    internal static readonly TimeSpan RekeyAfterTime = TimeSpan.FromSeconds(120);
    internal static readonly TimeSpan RejectAfterTime = TimeSpan.FromSeconds(180);
    internal static readonly TimeSpan RekeyAttemptTime = TimeSpan.FromSeconds(90);
    internal static readonly TimeSpan RekeyTimeout = TimeSpan.FromSeconds(5);
    internal static readonly TimeSpan KeepaliveTimeout = TimeSpan.FromSeconds(10);
    internal const ulong RekeyAfterMessages = 1UL << 60;
    internal const ulong RejectAfterMessages = ulong.MaxValue - (1UL << 13);

    // §6.2: the initiator renews a session that it only receives on, early enough for a keepalive and a retry.
    internal static readonly TimeSpan RekeyOnReceiveAfterTime = RejectAfterTime - KeepaliveTimeout - RekeyTimeout;

    // §6.3: ephemeral and session keys are erased that long after the last session was derived.
    internal static readonly TimeSpan EraseAfterTime = RejectAfterTime * 3;

    // §6.5: data sent and nothing heard for this long starts a handshake.
    internal static readonly TimeSpan UnansweredAfterTime = KeepaliveTimeout + RekeyTimeout;

    // §6.1: retries spread by this much, so that two ends do not start at the same moment again and again.
    internal const int MaxJitterMilliseconds = 333;

    // §5.4.7: a cookie, and the secret that cookies are made from, live this long.
    internal static readonly TimeSpan CookieLifetime = TimeSpan.FromSeconds(120);

    // §5.4
    internal const int KeySize = 32;
    internal const int HashSize = 32;
    internal const int MacSize = 16;
    internal const int TagSize = AeadKey.TagSize;
    internal const int TimestampSize = 12;
    internal const int CookieSize = 16;
    internal const int CookieNonceSize = 24;

    internal static ReadOnlySpan<byte> Construction => "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"u8;

    internal static ReadOnlySpan<byte> Identifier => "WireGuard v1 zx2c4 Jason@zx2c4.com"u8;

    internal static ReadOnlySpan<byte> LabelMac1 => "mac1----"u8;

    internal static ReadOnlySpan<byte> LabelCookie => "cookie--"u8;
}

/// <summary>Values of our own choice; another implementation may choose others.</summary>
internal static class LocalLimits
{
    /// <summary>As the kernel's <c>INITIATIONS_PER_SECOND</c>: more from one peer can only be a replay or a fault.</summary>
    internal static readonly TimeSpan MinInitiationInterval = TimeSpan.FromSeconds(1) / 50;

    /// <summary>As the kernel's <c>COOKIE_SECRET_LATENCY</c>: a cookie is not used in its last seconds, because its maker may have changed secrets meanwhile.</summary>
    internal static readonly TimeSpan CookieLatency = TimeSpan.FromSeconds(5);

    /// <summary>As the kernel's <c>PACKETS_PER_SECOND</c> of ratelimiter.c: handshake messages of one source while under load.</summary>
    internal const int SourceMessagesPerSecond = 20;

    /// <summary>As the kernel's <c>PACKETS_BURSTABLE</c>.</summary>
    internal const int SourceMessagesBurst = 5;

    /// <summary>Sources remembered at once: about 1 MB. Beyond it, while under load, new sources are refused until old ones fade (a second).</summary>
    internal const int MaxRateLimitedSources = 16384;
}
