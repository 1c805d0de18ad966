namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>A tunnel between U and the gateway: a process at each end.</summary>
internal interface ITunnelEnds : IAsyncDisposable
{
    /// <summary>The table's column.</summary>
    string Name { get; }

    /// <summary>The hosts that it stands between.</summary>
    Bed Bed { get; }

    Slot Slot { get; }

    /// <summary>The process at the gateway's end: its CPU time and memory are what is told.</summary>
    int GatewayProcessId { get; }

    /// <summary>Starts both ends and returns when V answers to U.</summary>
    Task Start();

    /// <summary>Lets U's end send its datagrams over IPv4 or IPv6 and returns when V answers again.</summary>
    Task DialOver(Family outer);

    /// <summary>Called before each run: what has to be so for this column.</summary>
    Task Prepare() => Task.CompletedTask;
}
