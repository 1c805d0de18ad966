using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>The three hosts without a tunnel.</summary>
internal sealed class Experiment1Network : IExperiment
{
    private const int Pings = 25;

    public LabExperiment About { get; } = new(1, "The network",
        "U is on the internet, V on the intranet, and the gateway on both. Without a tunnel U has no way to V.",
        "The client on U is stopped.",
        ["U reaches the gateway", "The gateway reaches V", "U does not reach V: 25 pings, no answer"], false);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await bench.StopWireGuardAsync(cancellationToken);
        var gateway = await bench.PingAsync(LabHosts.U, LabAddresses.GatewayOutside, 1, 1001, cancellationToken);
        bench.Expect("U reaches the gateway", gateway.Received == 1, $"{gateway.Received} of 1 answered");
        var v = await bench.PingAsync(LabHosts.Gateway, LabAddresses.V, 1, 1002, cancellationToken);
        bench.Expect("The gateway reaches V", v.Received == 1, $"{v.Received} of 1 answered");
        var lost = await bench.PingAsync(LabHosts.U, LabAddresses.V, Pings, 1003, cancellationToken);
        bench.Expect("U does not reach V: 25 pings, no answer", lost.Received == 0, $"{lost.Received} answered; {LastLine(lost.Text)}");
        await bench.SettleAsync(cancellationToken);
        bench.ExpectAt("The ping of the gateway passes U's eth0 and the gateway's", LabPoints.GatewayOutside, CommonSteps.Request(LabAddresses.U, LabAddresses.GatewayOutside, 1001));
        bench.ExpectNotAt("Nothing for V arrives at the gateway", LabPoints.GatewayOutside, $"> {LabAddresses.V}: ");
        await bench.ExplainAsync("right after the client was stopped, of which the gateway knows nothing yet: what it saw last speaks", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.WireGuardU, LabAddresses.V, "", cancellationToken);
    }

    private static string LastLine(string? text) => text?.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "nothing printed";
}
