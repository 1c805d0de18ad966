namespace Gateway.Contracts.Lab;

/// <summary>
/// What the helper on a lab host is asked, one JSON object a line over a Unix socket in the lab's run directory. Every value is out of a closed list:
/// nothing of it ever reaches a shell.
/// </summary>
public sealed record LabHelperRequest
{
    /// <summary>One of <see cref="LabActions"/>.</summary>
    public required string Action { get; init; }

    /// <summary>An address of <see cref="LabAddresses"/>, of a ping.</summary>
    public string? Destination { get; init; }

    /// <summary>How many pings, 1 to 25.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The echo identifier, 1 to 65535.</summary>
    public int Id { get; init; } = 1;

    /// <summary>One of <see cref="LabClients"/>; or an address of U's that is set.</summary>
    public string? Value { get; init; }
}

/// <summary>What a helper does.</summary>
public static class LabActions
{
    /// <summary>Tells devices, addresses, routes and the client that runs.</summary>
    public const string State = "state";
    /// <summary>Sends frames as they pass, until the connection is closed: <see cref="LabCaptureLine"/> a line.</summary>
    public const string Capture = "capture";
    /// <summary>Pings.</summary>
    public const string Ping = "ping";
    /// <summary>U: starts a client; the value says which.</summary>
    public const string StartClient = "client-start";
    /// <summary>U: stops the client.</summary>
    public const string StopClient = "client-stop";
    /// <summary>U: gives the tunnel device the address in the value, and no other.</summary>
    public const string SetAddress = "address-set";
    /// <summary>U: sets the tunnel device up.</summary>
    public const string LinkUp = "link-up";
    /// <summary>U: intranet into the tunnel; gateway: default by a router that is not there; V: default by the gateway, or with the value the route to the tunnel's network alone.</summary>
    public const string AddRoute = "route-add";
    /// <summary>Takes that route away.</summary>
    public const string DeleteRoute = "route-delete";
    /// <summary>V: listens on port 23 and answers each line.</summary>
    public const string StartService = "service-start";
    /// <summary>V: stops that, with all its connections.</summary>
    public const string StopService = "service-stop";
    /// <summary>U: opens a TCP connection to that service.</summary>
    public const string OpenSession = "session-open";
    /// <summary>U: sends a line, the value.</summary>
    public const string TypeSession = "session-type";
    /// <summary>U: tells what came so far, and whether the connection stands.</summary>
    public const string ReadSession = "session-read";
    /// <summary>U: closes the connection.</summary>
    public const string CloseSession = "session-close";
}

/// <summary>What came of it.</summary>
public sealed record LabHelperAnswer
{
    /// <summary>Why not, in a sentence; null = it was done.</summary>
    public string? Problem { get; init; }

    /// <summary>The command that does the same by hand.</summary>
    public string? Command { get; init; }

    /// <summary>What it printed, or what the session showed so far.</summary>
    public string? Text { get; init; }

    /// <summary>Of a ping: answers that came.</summary>
    public int Received { get; init; }

    /// <summary>Of a ping: time to live of the answers; 0 = none came.</summary>
    public int Ttl { get; init; }

    /// <summary>Of a session: whether the connection stands.</summary>
    public bool IsOpen { get; init; }

    /// <summary>The host as it is now.</summary>
    public LabHostState? State { get; init; }
}

/// <summary>A lab host as it is.</summary>
/// <param name="Client">U: the client that runs, one of <see cref="LabClients"/>; null = none.</param>
/// <param name="Devices">Its network devices but the loopback.</param>
/// <param name="Routes">Its main table, as <c>ip route</c> prints it.</param>
public sealed record LabHostState(string? Client, IReadOnlyList<LabDevice> Devices, IReadOnlyList<string> Routes);

/// <summary>A network device of a lab host.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Flags">As <c>ip link</c> shows them: UP, LOWER_UP, POINTOPOINT, …</param>
/// <param name="Addresses">IPv4, with prefix length.</param>
public sealed record LabDevice(string Name, IReadOnlyList<string> Flags, IReadOnlyList<string> Addresses);

/// <summary>A line of a capture: a frame, or how far in time all frames have been sent.</summary>
public sealed record LabCaptureLine
{
    /// <summary>Whatever passed until then (UTC ticks) has been sent.</summary>
    public long UpTo { get; init; }

    /// <summary>Frames that could not be kept since the line before.</summary>
    public long Lost { get; init; }

    /// <summary>When the frame passed, UTC ticks by the kernel's clock; 0 = this line has none.</summary>
    public long At { get; init; }

    /// <summary>The device.</summary>
    public string Device { get; init; } = "";

    /// <summary>Whether it left by the device; else it came in.</summary>
    public bool IsOutgoing { get; init; }

    /// <summary>Whether the bytes begin with an Ethernet header; else with the IP header.</summary>
    public bool IsEthernet { get; init; }

    /// <summary>How long it was.</summary>
    public int Bytes { get; init; }

    /// <summary>Its first bytes.</summary>
    public byte[] Data { get; init; } = [];
}
