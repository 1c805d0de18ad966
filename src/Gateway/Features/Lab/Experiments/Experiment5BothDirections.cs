using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>Every leg of the way, there and back, and a TCP session over it.</summary>
internal sealed class Experiment5BothDirections : IExperiment
{
    private const int Pings = 5, PingBytes = 84;

    public LabExperiment About { get; } = new(5, "Both directions",
        "The answers go the same way back: V's to the gateway, by its route into the TUN device, in a datagram to U, out of U's TUN device.",
        "The plain tunnel of experiment 3, with U's route to the intranet, and a service on V that answers lines.",
        [
            "5 pings, 5 answers, ttl 63", "On the wire: a datagram of 84 bytes there and one back", "At the gateway each inner packet shows twice: at the tunnel device, and with one hop less to live at eth1",
            "A TCP session with V carries what is typed, and its answer",
        ], false);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await bench.StartPlainAsync(withRoute: true, cancellationToken);
        var ping = await bench.PingAsync(LabHosts.U, LabAddresses.V, Pings, 5001, cancellationToken);
        bench.Expect("5 pings, 5 answers, ttl 63", ping is { Received: Pings, Ttl: 63 }, $"{ping.Received} of {Pings} answered, ttl {ping.Ttl}");
        await bench.SettleAsync(cancellationToken);
        var (request, reply) = (CommonSteps.Request(LabAddresses.PlainU, LabAddresses.V, 5001), CommonSteps.Reply(LabAddresses.V, LabAddresses.PlainU, 5001));
        bench.ExpectAt("The request enters U's tunnel device", LabPoints.UTunnel, request, packet => packet is { Ttl: 64, Bytes: PingBytes });
        bench.ExpectAt("On the wire it is a datagram of 84 bytes to the gateway", LabPoints.UOutside, request, packet => packet.IsTunnel && packet.Summary.EndsWith($"UDP, length {PingBytes}", StringComparison.Ordinal));
        bench.ExpectAt("It arrives there", LabPoints.GatewayOutside, request, packet => packet.IsTunnel);
        bench.ExpectAt("It comes out of the gateway's tunnel device", LabPoints.GatewayTunnel, request, packet => packet.Ttl == 64);
        bench.ExpectAt("It leaves by eth1 with one hop less to live", LabPoints.GatewayInside, request, packet => packet.Ttl == 63);
        bench.ExpectAt("V answers", LabPoints.V, reply, packet => packet.Ttl == 64);
        bench.ExpectAt("The answer arrives at eth1", LabPoints.GatewayInside, reply, packet => packet.Ttl == 64);
        bench.ExpectAt("The gateway routes it into the tunnel device, with one hop less to live", LabPoints.GatewayTunnel, reply, packet => packet.Ttl == 63);
        bench.ExpectAt("On the wire it is a datagram of 84 bytes to U", LabPoints.UOutside, reply, packet => packet.IsTunnel && packet.Summary.EndsWith($"UDP, length {PingBytes}", StringComparison.Ordinal));
        bench.ExpectAt("It comes out of U's tunnel device", LabPoints.UTunnel, reply);

        await bench.OpenSessionAsync(cancellationToken);
        await bench.ExpectHeardAsync("A TCP session with V carries what is typed, and its answer", "hello", cancellationToken);
        await bench.ExplainAsync("now", LabSetUp.PeerOf(LabSetUp.PlainTunnel), LabAddresses.PlainU, LabAddresses.V, null, cancellationToken);
    }
}
