namespace Gateway.Contracts.Live;

/// <summary>Which events.</summary>
public sealed record EventsQuery
{
    /// <summary>A filter expression, see docs/live.md: <c>severity=warning peer=alice</c>; null or empty = all.</summary>
    public string? Filter { get; init; }

    /// <summary>How many past events the first update brings, 0 to 1000. Left out: 100.</summary>
    public int? Past { get; init; }
}

/// <summary>Events since the update before; the first one brings past ones. At most 4 a second.</summary>
public sealed record EventsUpdate
{
    /// <summary>Oldest first.</summary>
    public required IReadOnlyList<EventRow> Events { get; init; }

    /// <summary>Events that this watcher was too slow for; <c>GET /api/v1/events</c> has them.</summary>
    public required long Skipped { get; init; }
}

/// <summary>Something that happened.</summary>
public sealed record EventRow
{
    /// <summary>Goes up with each event.</summary>
    public required long Id { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What, for programs: see <see cref="EventKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary><c>info</c>, <c>warning</c> or <c>error</c>.</summary>
    public required string Severity { get; init; }

    /// <summary>The tunnel's name; null = it is of none.</summary>
    public string? Tunnel { get; init; }

    /// <summary>The peer; null = it is of none.</summary>
    public Guid? PeerId { get; init; }

    /// <summary>The peer's name at that time.</summary>
    public string? Peer { get; init; }

    /// <summary>One sentence.</summary>
    public required string Text { get; init; }

    /// <summary>What to do about it; null = nothing.</summary>
    public string? Remedy { get; init; }

    /// <summary>The same for programs, and for one click: changes of ours, and commands; empty where there is nothing but the sentence.</summary>
    public IReadOnlyList<Remedy> Remedies { get; init; } = [];

    /// <summary>What shows it: names and values.</summary>
    public IReadOnlyDictionary<string, string> Evidence { get; init; } = new Dictionary<string, string>();
}

/// <summary>Kinds of event.</summary>
public static class EventKinds
{
    /// <summary>A peer made its first session since the gateway started.</summary>
    public const string PeerConnected = "peer-connected";
    /// <summary>A peer that was gone has made a session again.</summary>
    public const string PeerReconnected = "peer-reconnected";
    /// <summary>A peer has not been heard for as long as a session lasts.</summary>
    public const string PeerGone = "peer-gone";
    /// <summary>A peer's datagrams come from elsewhere.</summary>
    public const string EndpointMoved = "endpoint-moved";
    /// <summary>A tunnel is up.</summary>
    public const string TunnelUp = "tunnel-up";
    /// <summary>A tunnel stopped.</summary>
    public const string TunnelFailed = "tunnel-failed";
    /// <summary>The kernel refused an offload; the tunnel goes on without it.</summary>
    public const string OffloadOff = "offload-off";
    /// <summary>The kernel refused a setting, an address or a route.</summary>
    public const string KernelRefused = "kernel-refused";
    /// <summary>Somebody else changed a kernel setting that is wanted otherwise.</summary>
    public const string KernelDrift = "kernel-drift";
    /// <summary>A host never answers a peer.</summary>
    public const string OneWayFlow = "one-way-flow";
    /// <summary>Large packets of a peer stay without an answer, small ones are answered.</summary>
    public const string MtuBlackHole = "mtu-black-hole";
    /// <summary>Handshakes of a stranger are refused.</summary>
    public const string HandshakeRefused = "handshake-refused";
    /// <summary>A peer's pre-shared key most likely differs from the one here.</summary>
    public const string PresharedKey = "preshared-key";
    /// <summary>A peer's handshakes are refused by their time.</summary>
    public const string OldTimestamp = "old-timestamp";
    /// <summary>A peer moves to and fro between two endpoints.</summary>
    public const string EndpointFlapping = "endpoint-flapping";
    /// <summary>A remedy was applied; the event has the one that takes it back.</summary>
    public const string RemedyApplied = "remedy-applied";
    /// <summary>A saved change runs.</summary>
    public const string RevisionApplied = "revision-applied";
}

/// <summary>How grave an event is.</summary>
public static class EventSeverities
{
    /// <summary>Good to know.</summary>
    public const string Info = "info";
    /// <summary>Somebody should look.</summary>
    public const string Warning = "warning";
    /// <summary>Something does not work.</summary>
    public const string Error = "error";
}
