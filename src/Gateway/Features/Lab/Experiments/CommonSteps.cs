using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>What several experiments do.</summary>
internal static class CommonSteps
{
    /// <summary>How tcpdump shows a ping.</summary>
    public static string Request(string source, string destination, int id) => $"{source} > {destination}: ICMP echo request, id {id}, ";

    /// <summary>How it shows the answer.</summary>
    public static string Reply(string source, string destination, int id) => $"{source} > {destination}: ICMP echo reply, id {id}, ";

    /// <summary>Takes U's WireGuard client away for the time of the run.</summary>
    public static async Task StopWireGuardAsync(this LabBench bench, CancellationToken cancellationToken)
    {
        bench.Back(LabHosts.U, LabActions.StartClient, LabClients.WireGuard);
        await bench.DoAsync(LabHosts.U, "the WireGuard client is stopped", LabActions.StopClient, null, cancellationToken);
    }

    /// <summary>The lab's own wire format in the place of WireGuard: a tunnel here, and its client on U.</summary>
    public static async Task StartPlainAsync(this LabBench bench, bool withRoute, CancellationToken cancellationToken)
    {
        await bench.StopWireGuardAsync(cancellationToken);
        bench.Back(stop => bench.SetUp.DeleteTunnelAsync(LabSetUp.PlainTunnel, stop));
        await bench.GatewayAsync("a plain tunnel for U, with a client route to the intranet",
            $$"""gateway tunnel add {{LabSetUp.PlainTunnel}} --transport plain --listen-port {{LabAddresses.PlainPort}} --address {{LabAddresses.PlainGateway}}/24""",
            () => bench.SetUp.MakePlainAsync(cancellationToken));
        await bench.DoAsync(LabHosts.U, "the lab's client: a TUN device and one UDP socket", LabActions.StartClient, LabClients.Plain, cancellationToken);
        if (withRoute) await bench.DoAsync(LabHosts.U, "the intranet is routed into the tunnel", LabActions.AddRoute, null, cancellationToken);
    }
}
