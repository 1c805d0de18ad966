namespace Gateway.Engine.Taps;

/// <summary>Which way a packet went.</summary>
public enum TapDirection
{
    /// <summary>From this host or its network to a peer.</summary>
    ToPeer,
    /// <summary>From a peer to this host or its network.</summary>
    FromPeer,
}

/// <summary>What a tap says about one packet; its bytes stand beside it.</summary>
/// <param name="Direction">Which way it went.</param>
/// <param name="PeerIndex">The peer, by its index in the tunnel; negative = none.</param>
/// <param name="Drop">Why it was not passed on; null = it was.</param>
/// <param name="Ticks">When, in the data plane's monotonic ticks of 100 ns.</param>
/// <param name="OriginalBytes">How long it was.</param>
/// <param name="CapturedBytes">How many of its first bytes were kept.</param>
public readonly record struct TapRecord(TapDirection Direction, int PeerIndex, DropReason? Drop, long Ticks, int OriginalBytes, int CapturedBytes);
