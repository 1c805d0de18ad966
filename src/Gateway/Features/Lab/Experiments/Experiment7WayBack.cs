using Gateway.Contracts;
using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>V's way back: the request arrives whatever V's routes are, the answer needs one.</summary>
internal sealed class Experiment7WayBack : IExperiment
{
    public LabExperiment About { get; } = new(7, "V's way back",
        "The request reaches V whatever V's routes are. The answer is a packet of its own, to U's tunnel address, and V has to know that the gateway is the way there.",
        "The WireGuard tunnel as the lab has it. V's default route is taken away, and 192.168.53.0/24 via the gateway put in its place.",
        ["Without a route back nothing is answered", "V sees the request all the same", "No answer arrives at the gateway's eth1", "With a route to the tunnel's network alone, pings are answered"], false);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await bench.ExpectReachesAsync("U reaches V", LabAddresses.V, cancellationToken);
        bench.Back(LabHosts.V, LabActions.AddRoute);
        await bench.DoAsync(LabHosts.V, "V's default route is taken away", LabActions.DeleteRoute, null, cancellationToken);
        var lost = await bench.PingAsync(LabHosts.U, LabAddresses.V, 3, 7001, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        bench.Expect("Without a route back nothing is answered", lost.Received == 0, $"{lost.Received} of 3 answered");
        bench.ExpectAt("V sees the request all the same", LabPoints.V, CommonSteps.Request(LabAddresses.WireGuardU, LabAddresses.V, 7001));
        bench.ExpectNotAt("No answer arrives at the gateway's eth1", LabPoints.GatewayInside, CommonSteps.Reply(LabAddresses.V, LabAddresses.WireGuardU, 7001));
        await bench.ExplainAsync("while V has no route back", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.WireGuardU, LabAddresses.V, HopIds.WayBack, cancellationToken);

        await bench.DoAsync(LabHosts.V, "a route to the tunnel's network alone", LabActions.AddRoute, LabAddresses.Internal, cancellationToken);
        bench.Back(LabHosts.V, LabActions.DeleteRoute, LabAddresses.Internal);
        await bench.ExpectReachesAsync("With a route to the tunnel's network alone, pings are answered", LabAddresses.V, cancellationToken);
        await bench.ExplainAsync("with that route", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.WireGuardU, LabAddresses.V, null, cancellationToken);
    }
}
