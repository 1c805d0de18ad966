using System.Net;

namespace Gateway.Engine.Drops;

/// <summary>Where a packet was dropped.</summary>
public enum DropWay
{
    /// <summary>On the way to a peer.</summary>
    Out,
    /// <summary>On the way from a peer.</summary>
    In,
    /// <summary>A handshake message.</summary>
    Handshake,
}

/// <summary>
/// Packets of one peer to one network, dropped for one reason: a copy taken when asked. Times are the ticks that the data plane runs on
/// (<see cref="DataPlane.ToUtc"/>).
/// </summary>
public sealed record DropRecord
{
    /// <summary>The peer, by its index in the tunnel; negative = not known.</summary>
    public required int PeerIndex { get; init; }

    /// <summary>Why.</summary>
    public required DropReason Reason { get; init; }

    /// <summary>Where on its way.</summary>
    public required DropWay Way { get; init; }

    /// <summary>The network that the packets were for, a /24 or a /64; null where no destination could be read.</summary>
    public IPNetwork? Destination { get; init; }

    /// <summary>How many.</summary>
    public required long Packets { get; init; }

    /// <summary>When the first was dropped.</summary>
    public required long FirstSeen { get; init; }

    /// <summary>When the last was dropped.</summary>
    public required long LastSeen { get; init; }

    /// <summary>The headers of one of them, at most a second older than the last; empty where there is none to show.</summary>
    public required ReadOnlyMemory<byte> Sample { get; init; }

    /// <summary>Whether the sample is an Ethernet frame; else an IP packet.</summary>
    public bool IsEthernet { get; init; }

    /// <summary>How long that packet was.</summary>
    public int SampleOriginalBytes { get; init; }
}

/// <summary>A tunnel's drop ledger.</summary>
/// <param name="Drops">Every kind of drop, in no order.</param>
/// <param name="Evictions">Kinds that had to leave since the start because the ledger was full.</param>
public sealed record DropSnapshot(IReadOnlyList<DropRecord> Drops, long Evictions);
