namespace Gateway.Contracts;

/// <summary>What may be set of an interface.</summary>
public sealed record InterfaceSettings
{
    /// <summary><c>off</c>, <c>strict</c> or <c>loose</c>; null = no longer managed: the value found at first is put back.</summary>
    public string? RpFilter { get; init; }

    /// <summary>IPv6: whether packets that come in here are forwarded, and the device is a router's. null = left to others; the value found at first is put back.</summary>
    public bool? Ipv6Forwarding { get; init; }

    /// <summary>Router advertisements: 0 not taken, 1 taken unless the device forwards, 2 always taken. null = left to others.</summary>
    public int? AcceptRa { get; init; }

    /// <summary>Whether the check of sources by rp_filter takes the packet's firewall mark into account. null = left to others.</summary>
    public bool? SrcValidMark { get; init; }

    /// <summary>Whether what is set here is put back when somebody else changes it; else that is only shown. Default false.</summary>
    public bool? Enforce { get; init; }
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

    /// <summary>All its settings that can be set here, rp_filter too.</summary>
    public IReadOnlyList<KernelSettingResponse> Settings { get; init; } = [];
}

/// <summary>What may be set of the whole host.</summary>
public sealed record HostSettings
{
    /// <summary>Whether IPv4 packets are forwarded between devices. null = left to others; the value found at first is put back.</summary>
    public bool? Ipv4Forwarding { get; init; }

    /// <summary>Whether IPv6 packets are forwarded between devices. A device that learned a default route from a router keeps it: its accept_ra is set to 2 first.</summary>
    public bool? Ipv6Forwarding { get; init; }

    /// <summary>Whether what is set here is put back when somebody else changes it; else that is only shown. Default false.</summary>
    public bool? Enforce { get; init; }
}

/// <summary>The host-wide settings.</summary>
/// <param name="Settings">Each as it is and as it is wanted.</param>
public sealed record HostResponse(IReadOnlyList<KernelSettingResponse> Settings);

/// <summary>A kernel setting as it is and as it is wanted.</summary>
public sealed record KernelSettingResponse
{
    /// <summary>The member that sets it, such as <c>rpFilter</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What sysctl(8) calls it.</summary>
    public required string Sysctl { get; init; }

    /// <summary>The kernel's number now; null while the device is not there.</summary>
    public int? Value { get; init; }

    /// <summary>The number wanted; null = not managed.</summary>
    public int? Desired { get; init; }

    /// <summary>The number found before it was first set here; what is put back.</summary>
    public int? Original { get; init; }

    /// <summary>Whether it differs from what is wanted: somebody else changed it.</summary>
    public bool Drift { get; init; }

    /// <summary>Whether it is put back when somebody else changes it.</summary>
    public bool Enforced { get; init; }

    /// <summary>Who gave it the value it has: the user or token that set it here, or <c>somebody else</c>; null where it is not managed.</summary>
    public string? ChangedBy { get; init; }

    /// <summary>When it was set here.</summary>
    public DateTimeOffset? ChangedAt { get; init; }

    /// <summary>What the kernel refused.</summary>
    public KernelProblem? Problem { get; init; }
}
