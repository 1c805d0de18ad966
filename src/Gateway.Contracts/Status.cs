namespace Gateway.Contracts;

/// <summary>The whole at a glance.</summary>
public sealed record StatusResponse
{
    /// <summary>The version that runs.</summary>
    public required string Version { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>What is wanted and what is applied.</summary>
    public required RevisionStatus Revision { get; init; }

    /// <summary>All tunnels.</summary>
    public required IReadOnlyList<TunnelResponse> Tunnels { get; init; }

    /// <summary>What a person should look at.</summary>
    public required IReadOnlyList<Warning> Warnings { get; init; }
}

/// <summary>The configuration saved and the one that runs.</summary>
/// <param name="Wanted">The last one saved.</param>
/// <param name="Applied">The last one that runs in full.</param>
/// <param name="Difference">Why they differ; null where they do not.</param>
public sealed record RevisionStatus(long Wanted, long Applied, string? Difference);

/// <summary>Something that stands in the way.</summary>
/// <param name="What">One sentence.</param>
/// <param name="Remedy">What to do: a command where there is one.</param>
public sealed record Warning(string What, string Remedy)
{
    /// <summary>The same for programs, and for one click: changes of ours, and commands; empty where there is nothing but the sentence.</summary>
    public IReadOnlyList<Remedy> Remedies { get; init; } = [];
}
