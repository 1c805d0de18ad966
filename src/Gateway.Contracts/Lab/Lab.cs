namespace Gateway.Contracts.Lab;

/// <summary>The lab as it is.</summary>
public sealed record LabResponse
{
    /// <summary>The nine experiments.</summary>
    public required IReadOnlyList<LabExperiment> Experiments { get; init; }

    /// <summary>What can be broken on purpose.</summary>
    public required IReadOnlyList<LabBreak> Breaks { get; init; }

    /// <summary>The three hosts.</summary>
    public required IReadOnlyList<LabHost> Hosts { get; init; }

    /// <summary>Whether all is as <c>make lab</c> left it.</summary>
    public required bool IsAsSetUp { get; init; }

    /// <summary>What differs from how <c>make lab</c> left it, in words.</summary>
    public required IReadOnlyList<string> Differences { get; init; }
}

/// <summary>One of the nine.</summary>
/// <param name="Number">1 to 9.</param>
/// <param name="Title">What it is called.</param>
/// <param name="About">What it is about.</param>
/// <param name="SetUp">What is there before it runs, and what the run makes for it.</param>
/// <param name="Expected">What should be seen.</param>
/// <param name="HasVariants">Whether it takes the members of <see cref="LabRunRequest"/>.</param>
public sealed record LabExperiment(int Number, string Title, string About, string SetUp, IReadOnlyList<string> Expected, bool HasVariants);

/// <summary>Something to break, and to heal.</summary>
/// <param name="Name">One of <see cref="LabBreaks"/>.</param>
/// <param name="Title">What it does.</param>
/// <param name="Commands">The same by hand, with the host in front.</param>
/// <param name="IsActive">Whether it is broken now.</param>
/// <param name="HasVariants">Whether it takes the members of <see cref="LabRunRequest"/>.</param>
public sealed record LabBreak(string Name, string Title, IReadOnlyList<string> Commands, bool IsActive, bool HasVariants);

/// <summary>What can be broken.</summary>
public static class LabBreaks
{
    /// <summary>U's client is stopped.</summary>
    public const string ClientStopped = "client-stopped";
    /// <summary>V has no route back.</summary>
    public const string NoWayBack = "no-way-back";
    /// <summary>U's tunnel address is another.</summary>
    public const string MovedAddress = "moved-address";
    /// <summary>U's end carries Ethernet frames.</summary>
    public const string Tap = "tap";
}

/// <summary>A host of the lab.</summary>
/// <param name="Name">One of <see cref="LabHosts"/>.</param>
/// <param name="State">As it is; null where its helper does not answer.</param>
/// <param name="Problem">Why it does not.</param>
public sealed record LabHost(string Name, LabHostState? State, string? Problem);

/// <summary>How experiment 8 is run.</summary>
public sealed record LabRunRequest
{
    /// <summary>The gateway's rp_filter: <c>off</c> (default), <c>strict</c> or <c>loose</c>.</summary>
    public string? RpFilter { get; init; }

    /// <summary>Which device has that rp_filter: <c>tunnel</c> (default) or <c>all</c>.</summary>
    public string? On { get; init; }

    /// <summary>Whether the gateway has a default route meanwhile; default false.</summary>
    public bool? DefaultRoute { get; init; }
}

/// <summary>Devices of <see cref="LabRunRequest.On"/>.</summary>
public static class LabRpFilterDevices
{
    /// <summary>The tunnel's device.</summary>
    public const string Tunnel = "tunnel";
    /// <summary>The kernel's entry "all": the larger of both counts.</summary>
    public const string All = "all";
}

/// <summary>What happened: of an experiment, of a break, or of healing one.</summary>
public sealed record LabRun
{
    /// <summary>Of an experiment; 0 of all else.</summary>
    public int Number { get; init; }

    /// <summary>What it is called.</summary>
    public required string Title { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether everything was as expected.</summary>
    public required bool Passed { get; init; }

    /// <summary>What was done, in this order.</summary>
    public required IReadOnlyList<LabStep> Steps { get; init; }

    /// <summary>What was expected, and what was seen.</summary>
    public required IReadOnlyList<LabExpectation> Expectations { get; init; }

    /// <summary>What the gateway says to it, while it was so.</summary>
    public required IReadOnlyList<LabExplanation> Explanations { get; init; }

    /// <summary>The packets at the six points; empty for who may not see packets.</summary>
    public required IReadOnlyList<LabPacket> Packets { get; init; }

    /// <summary>What is not as it was before, in words; empty when all is.</summary>
    public required IReadOnlyList<string> Left { get; init; }
}

/// <summary>Something that was done.</summary>
/// <param name="Host">Where: one of <see cref="LabHosts"/>.</param>
/// <param name="Text">What, in words.</param>
/// <param name="Command">The same by hand: a command on that host, or a request to the API.</param>
public sealed record LabStep(string Host, string Text, string? Command);

/// <summary>Something expected.</summary>
/// <param name="Text">What.</param>
/// <param name="Passed">Whether it was so.</param>
/// <param name="Seen">What was seen.</param>
public sealed record LabExpectation(string Text, bool Passed, string Seen);

/// <summary>An explanation taken meanwhile.</summary>
/// <param name="When">What was so when it was taken.</param>
/// <param name="Explanation">What the gateway said.</param>
public sealed record LabExplanation(string When, Explanation Explanation);
