namespace Gateway.Contracts.Live;

/// <summary>Which packets.</summary>
public sealed record PacketsQuery
{
    /// <summary>What to show, in tcpdump's language (pcap-filter(7)), of the packet inside the tunnel: <c>icmp or tcp port 23</c>; null or empty = all.</summary>
    public string? Filter { get; init; }

    /// <summary>Only of this tunnel, by name; null = of all.</summary>
    public string? Tunnel { get; init; }

    /// <summary>Only of this peer, by id or name; null = of all.</summary>
    public string? Peer { get; init; }

    /// <summary>Only those passed (<c>passed</c>) or not (<c>dropped</c>); null = both.</summary>
    public string? Verdict { get; init; }
}

/// <summary>Packets since the update before; at most 4 updates a second.</summary>
public sealed record PacketsUpdate
{
    /// <summary>When it was sent.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The newest ones that match, oldest first.</summary>
    public required IReadOnlyList<PacketRow> Packets { get; init; }

    /// <summary>Packets that this watcher does not see: overwritten before they were looked at (whether they would match is not known), or more than an update holds.</summary>
    public required long Skipped { get; init; }
}

/// <summary>One packet that passed, or did not.</summary>
public sealed record PacketRow
{
    /// <summary>Counts this watcher's packets.</summary>
    public required long Number { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The tunnel's name.</summary>
    public required string Tunnel { get; init; }

    /// <summary>The peer; null = not known.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>Which way: see <see cref="PacketDirections"/>.</summary>
    public required string Direction { get; init; }

    /// <summary><c>passed</c>, or why not, in words: "source not allowed".</summary>
    public required string Verdict { get; init; }

    /// <summary>One line, as tcpdump prints it.</summary>
    public required string Summary { get; init; }

    /// <summary>What <see cref="Data"/> begins with: <c>ip</c> or <c>ethernet</c>; see <see cref="Layers"/>.</summary>
    public required string Layer { get; init; }

    /// <summary>How long it was, in bytes. One that the kernel hands over to be cut into segments (TSO) counts as one, as in tcpdump.</summary>
    public required int Bytes { get; init; }

    /// <summary>How many of its flow came right behind each other, of which it was the first: more than 1 only in recordings, where they are one entry.</summary>
    public int Together { get; init; } = 1;

    /// <summary>Its first bytes: the headers; more where payload may be seen.</summary>
    public required byte[] Data { get; init; }

    /// <summary>The remote UDP endpoint of the datagram around it; null = none.</summary>
    public string? OuterRemote { get; init; }

    /// <summary>The local UDP port of that datagram.</summary>
    public int OuterLocalPort { get; init; }
}

/// <summary>Values of <see cref="PacketRow.Direction"/>.</summary>
public static class PacketDirections
{
    /// <summary>From this host or its network to a peer.</summary>
    public const string ToPeer = "to-peer";
    /// <summary>From a peer.</summary>
    public const string FromPeer = "from-peer";
}

/// <summary>Values of <see cref="PacketsQuery.Verdict"/>; <see cref="PacketRow.Verdict"/> has the reason instead of <see cref="Dropped"/>.</summary>
public static class PacketVerdicts
{
    /// <summary>Passed on.</summary>
    public const string Passed = "passed";
    /// <summary>Not passed on.</summary>
    public const string Dropped = "dropped";
}

/// <summary>A part of a packet, with the bytes that say so; the parts inside it are below it.</summary>
/// <param name="Name">What it is: "Internet Protocol Version 4", "Time to live".</param>
/// <param name="Value">What it says; null where the parts below say it.</param>
/// <param name="Offset">Its first byte, counted from the start of the data.</param>
/// <param name="Length">How many bytes it has.</param>
/// <param name="Parts">What is inside.</param>
public sealed record PacketPart(string Name, string? Value, int Offset, int Length, IReadOnlyList<PacketPart> Parts);
