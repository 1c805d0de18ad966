namespace Gateway.Contracts;

/// <summary>The way of a packet and of its answer, hop by hop.</summary>
public sealed record Explanation
{
    /// <summary>The packet as it was taken: all that was left out in the request is filled in.</summary>
    public required ExplainedPacket Packet { get; init; }

    /// <summary><c>passes</c>, <c>drops</c>, or <c>unknown</c> where nothing that can be seen from here stops it and no answer was seen either.</summary>
    public required string Verdict { get; init; }

    /// <summary>The hop to look at: the first that drops it, else the one that the evidence points to; null when all is well.</summary>
    public string? Culprit { get; init; }

    /// <summary>One or two sentences for a person.</summary>
    public required string Summary { get; init; }

    /// <summary>In the order of the packet's way, then of the answer's.</summary>
    public required IReadOnlyList<ExplainedHop> Hops { get; init; }

    /// <summary>When the evidence was taken.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>The packet that was explained.</summary>
/// <param name="Peer">The peer's id.</param>
/// <param name="PeerName">Its name.</param>
/// <param name="Tunnel">The tunnel's name.</param>
/// <param name="Source">The inner source.</param>
/// <param name="Destination">The inner destination.</param>
/// <param name="Protocol"><c>icmp</c>, <c>tcp</c> or <c>udp</c>.</param>
/// <param name="Port">The destination port; null for icmp.</param>
public sealed record ExplainedPacket(Guid Peer, string PeerName, string Tunnel, string Source, string Destination, string Protocol, int? Port);

/// <summary>One place on the way.</summary>
public sealed record ExplainedHop
{
    /// <summary>Which: one of <see cref="HopIds"/>.</summary>
    public required string Id { get; init; }

    /// <summary><c>request</c> or <c>answer</c>.</summary>
    public required string Direction { get; init; }

    /// <summary>What people call it: "Reverse-path filter on wg0".</summary>
    public required string Title { get; init; }

    /// <summary><c>passes</c>, <c>drops</c> or <c>unknown</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary>How it is known: <c>observed</c> (packets were seen), <c>asked-kernel</c> (its own look-ups and tables), <c>asked-engine</c> (ours), or <c>inferred</c>.</summary>
    public required string Basis { get; init; }

    /// <summary>Why, in one or two sentences.</summary>
    public required string Reason { get; init; }

    /// <summary>What the verdict rests on.</summary>
    public IReadOnlyList<HopEvidence> Evidence { get; init; } = [];

    /// <summary>What would let the packet pass; empty where it passes, and where nothing here helps.</summary>
    public IReadOnlyList<Remedy> Remedies { get; init; } = [];
}

/// <summary>A fact.</summary>
/// <param name="Source">Where it was read: <c>RTM_GETROUTE</c>, <c>nft</c>, <c>flows</c>, <c>/proc/sys/…</c>, …</param>
/// <param name="Text">In words.</param>
/// <param name="Values">The same for programs: names and values.</param>
public sealed record HopEvidence(string Source, string Text, IReadOnlyDictionary<string, string> Values);

/// <summary>What would let the packet pass.</summary>
public sealed record Remedy
{
    /// <summary><c>change</c>: requests to this API, which can be taken back. <c>instruction</c>: commands for a person, on the machine named.</summary>
    public required string Kind { get; init; }

    /// <summary>What it does, and what else it means.</summary>
    public required string Text { get; init; }

    /// <summary>Of a change: the requests that make it, in this order.</summary>
    public IReadOnlyList<ApiCall> Apply { get; init; } = [];

    /// <summary>Of a change: the requests that take it back. <c>{id}</c> in a path stands for the member <c>id</c> of the last answer that applying it gave.</summary>
    public IReadOnlyList<ApiCall> Undo { get; init; } = [];

    /// <summary>Of an instruction: where the commands are run: <c>gateway</c>, <c>client</c>, or an address.</summary>
    public string? Machine { get; init; }

    /// <summary>Of an instruction: shell commands, to be run as root.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];
}

/// <summary>A request to this API.</summary>
/// <param name="Method">POST, PATCH or DELETE.</param>
/// <param name="Path">Below /api/v1/: <c>peers/…/routes</c>.</param>
/// <param name="Body">JSON; null = none.</param>
public sealed record ApiCall(string Method, string Path, string? Body);

/// <summary>Values of a verdict.</summary>
public static class Verdicts
{
    /// <summary>It goes on.</summary>
    public const string Passes = "passes";
    /// <summary>It ends here.</summary>
    public const string Drops = "drops";
    /// <summary>It cannot be said from here.</summary>
    public const string Unknown = "unknown";
}

/// <summary>Values of a basis.</summary>
public static class Bases
{
    /// <summary>Packets were seen.</summary>
    public const string Observed = "observed";
    /// <summary>The kernel was asked: a look-up, a table, a counter.</summary>
    public const string AskedKernel = "asked-kernel";
    /// <summary>The data plane was asked: its own tables.</summary>
    public const string AskedEngine = "asked-engine";
    /// <summary>Concluded from the rest.</summary>
    public const string Inferred = "inferred";
}

/// <summary>Kinds of <see cref="Remedy"/>.</summary>
public static class RemedyKinds
{
    /// <summary>Requests to this API.</summary>
    public const string Change = "change";
    /// <summary>Commands for a person.</summary>
    public const string Instruction = "instruction";
}

/// <summary>Machines that an instruction names, where it is no address.</summary>
public static class RemedyMachines
{
    /// <summary>The host that the gateway runs on.</summary>
    public const string Gateway = "gateway";
    /// <summary>The peer's own machine.</summary>
    public const string Client = "client";
}
