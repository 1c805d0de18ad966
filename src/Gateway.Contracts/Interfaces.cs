namespace Gateway.Contracts;

/// <summary>What may be set of an interface.</summary>
public sealed record InterfaceSettings
{
    /// <summary><c>off</c>, <c>strict</c> or <c>loose</c>; null = no longer managed: the value found at first is put back.</summary>
    public string? RpFilter { get; init; }
}

/// <summary>A kernel network device (or "all", "default") with its rp_filter.</summary>
public sealed record InterfaceResponse
{
    /// <summary>The device's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its own value now; null while the device is not there.</summary>
    public string? RpFilter { get; init; }

    /// <summary>What counts: the larger of its own and that of "all".</summary>
    public string? EffectiveRpFilter { get; init; }

    /// <summary>What is wanted; null = not managed.</summary>
    public string? DesiredRpFilter { get; init; }

    /// <summary>Whether its own value differs from what is wanted.</summary>
    public bool Drift { get; init; }

    /// <summary>What the kernel refused.</summary>
    public KernelProblem? Problem { get; init; }
}
