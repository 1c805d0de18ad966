using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>The gateway writes what arrives to its own device, and its kernel forwards it.</summary>
internal sealed class Experiment4Server : IExperiment
{
    public LabExperiment About { get; } = new(4, "The server",
        "The gateway writes what comes out of a datagram to its own TUN device. Its kernel takes it as received there and, as forwarding is on, passes it on to V.",
        "The plain tunnel of experiment 3, with U's route to the intranet.",
        ["The packet leaves the gateway's TUN device as it entered U's", "V sees a request from 192.168.54.99, with one hop less to live", "V answers it"], false);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await bench.StartPlainAsync(withRoute: true, cancellationToken);
        await bench.PingAsync(LabHosts.U, LabAddresses.V, 2, 4001, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        var request = CommonSteps.Request(LabAddresses.PlainU, LabAddresses.V, 4001);
        bench.ExpectAt("The packet leaves the gateway's TUN device as it entered U's", LabPoints.GatewayTunnel, request, packet => packet.Ttl == 64);
        bench.ExpectAt("V sees a request from 192.168.54.99, with one hop less to live", LabPoints.V, request, packet => packet.Ttl == 63);
        bench.ExpectAt("V answers it", LabPoints.V, CommonSteps.Reply(LabAddresses.V, LabAddresses.PlainU, 4001));
        await bench.ExplainAsync("now", LabSetUp.PeerOf(LabSetUp.PlainTunnel), LabAddresses.PlainU, LabAddresses.V, null, cancellationToken);
    }
}
