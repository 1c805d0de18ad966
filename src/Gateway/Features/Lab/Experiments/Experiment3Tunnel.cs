using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>What is routed into the device arrives at the other end, inside a datagram.</summary>
internal sealed class Experiment3Tunnel : IExperiment
{
    public LabExperiment About { get; } = new(3, "The tunnel",
        "Each packet that U's kernel routes into the TUN device travels to the gateway as it is, in a UDP datagram of its own.",
        "A plain tunnel (the lab's wire format, no security) on port 9090 in the place of WireGuard, with 192.168.54.0/24 inside; U's device has no route to the intranet yet.",
        ["A ping of the gateway's tunnel address arrives there inside a datagram from 10.0.2.7", "A ping of V does not, as long as U has no route into the tunnel", "With the route it does"], false);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await bench.StartPlainAsync(withRoute: false, cancellationToken);
        await bench.PingAsync(LabHosts.U, LabAddresses.V, 1, 3001, cancellationToken);
        await bench.PingAsync(LabHosts.U, LabAddresses.PlainGateway, 1, 3002, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        bench.ExpectAt("A ping of the gateway's tunnel address arrives there inside a datagram from 10.0.2.7", LabPoints.GatewayOutside,
            CommonSteps.Request(LabAddresses.PlainU, LabAddresses.PlainGateway, 3002), packet => packet.IsTunnel && packet.Summary.StartsWith($"IP {LabAddresses.U}.", StringComparison.Ordinal));
        bench.ExpectNotAt("A ping of V does not, as long as U has no route into the tunnel", LabPoints.GatewayOutside, CommonSteps.Request(LabAddresses.PlainU, LabAddresses.V, 3001));

        await bench.DoAsync(LabHosts.U, "the intranet is routed into the tunnel", LabActions.AddRoute, null, cancellationToken);
        await bench.PingAsync(LabHosts.U, LabAddresses.V, 1, 3003, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        bench.ExpectAt("With the route it does", LabPoints.GatewayOutside, CommonSteps.Request(LabAddresses.PlainU, LabAddresses.V, 3003));
        await bench.ExplainAsync("with the route", LabSetUp.PeerOf(LabSetUp.PlainTunnel), LabAddresses.PlainU, LabAddresses.V, null, cancellationToken);
    }
}
