namespace Gateway.Contracts.Lab;

/// <summary>Packets at the six points since the update before, in the order in which they passed; at most 4 updates a second.</summary>
public sealed record LabPacketsUpdate
{
    /// <summary>When it was sent.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Oldest first.</summary>
    public required IReadOnlyList<LabPacket> Packets { get; init; }

    /// <summary>Packets that this watcher does not see: more than could be kept.</summary>
    public required long Skipped { get; init; }

    /// <summary>Hosts whose packets cannot be seen, with the reason.</summary>
    public required IReadOnlyList<string> Problems { get; init; }
}

/// <summary>A packet at one point.</summary>
public sealed record LabPacket
{
    /// <summary>Counts the lab's packets.</summary>
    public required long Number { get; init; }

    /// <summary>When it passed, by the kernel's clock, which all three hosts share.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Where: one of <see cref="LabPoints"/>.</summary>
    public required string Point { get; init; }

    /// <summary>The device there.</summary>
    public required string Device { get; init; }

    /// <summary>Whether it left by the device; else it came in.</summary>
    public required bool IsOutgoing { get; init; }

    /// <summary>One line, as tcpdump prints it.</summary>
    public required string Summary { get; init; }

    /// <summary>How long it was, from its IP header on; with the Ethernet header where it is no IP packet.</summary>
    public required int Bytes { get; init; }

    /// <summary>IPv4's time to live; 0 where there is none.</summary>
    public int Ttl { get; init; }

    /// <summary>The same for the same packet at all points: a datagram of the tunnel has that of the packet which it carries.</summary>
    public required string Journey { get; init; }

    /// <summary>What travels, in one line: of a datagram of the tunnel the packet inside.</summary>
    public required string Subject { get; init; }

    /// <summary>Whether it is a datagram of a tunnel.</summary>
    public bool IsTunnel { get; init; }

    /// <summary>Whether what it carries was concluded from time and length, as it is sealed; else it was read.</summary>
    public bool IsInferred { get; init; }
}
