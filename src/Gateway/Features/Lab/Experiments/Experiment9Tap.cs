using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>A TAP device carries Ethernet frames, so that a ping begins with an ARP question.</summary>
internal sealed class Experiment9Tap : IExperiment
{
    public LabExperiment About { get; } = new(9, "TAP",
        "A TAP device is an Ethernet card: before the first IP packet its host asks who has the address.",
        "A plain tunnel of Ethernet frames on port 9091 in the place of WireGuard, with 192.168.55.0/24 inside.",
        ["A ping of an address that nobody has shows an ARP question at the device instead of an IP packet", "The question crosses the tunnel", "A ping of the gateway is answered once its MAC address is known"], false);

    /// <summary>U's end carries frames from now on.</summary>
    public static async Task SetUpAsync(LabBench bench, CancellationToken cancellationToken)
    {
        await bench.StopWireGuardAsync(cancellationToken);
        bench.Back(stop => bench.SetUp.DeleteTunnelAsync(LabSetUp.TapTunnel, stop));
        await bench.GatewayAsync("a plain tunnel of Ethernet frames for U",
            $"gateway tunnel add {LabSetUp.TapTunnel} --transport plain --layer ethernet --listen-port {LabAddresses.TapPort} --address {LabAddresses.TapGateway}/24", () => bench.SetUp.MakeTapAsync(cancellationToken));
        await bench.DoAsync(LabHosts.U, "the client, with a TAP device", LabActions.StartClient, LabClients.Tap, cancellationToken);
    }

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await SetUpAsync(bench, cancellationToken);
        const string Question = $"who-has {LabAddresses.TapNobody} tell {LabAddresses.TapU}";
        // What a card sends when it comes up may go with the first question in one batch, of which a capture shows the first datagram.
        for (var i = 0; i < 3 && bench.Saw(LabPoints.UOutside, Question) is null; i++)
        {
            await bench.PingAsync(LabHosts.U, LabAddresses.TapNobody, 1, 9001, cancellationToken);
            await bench.SettleAsync(cancellationToken);
        }

        bench.ExpectAt("A ping of an address that nobody has shows an ARP question at the device", LabPoints.UTunnel, Question);
        bench.ExpectNotAt("and no IP packet", LabPoints.UTunnel, CommonSteps.Request(LabAddresses.TapU, LabAddresses.TapNobody, 9001));
        bench.ExpectAt("On the wire the question is inside a datagram", LabPoints.UOutside, Question, packet => packet.IsTunnel);
        bench.ExpectAt("The question crosses the tunnel", LabPoints.GatewayTunnel, Question);

        await bench.PingAsync(LabHosts.U, LabAddresses.TapGateway, 1, 9002, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        bench.ExpectAt("The gateway answers the question for its own address", LabPoints.UTunnel, $"Reply {LabAddresses.TapGateway} is-at");
        bench.ExpectAt("A ping of the gateway is answered once its MAC address is known", LabPoints.UTunnel, CommonSteps.Reply(LabAddresses.TapGateway, LabAddresses.TapU, 9002));
        await bench.ExplainAsync("for a ping of the gateway", LabSetUp.PeerOf(LabSetUp.TapTunnel), LabAddresses.TapU, LabAddresses.TapGateway, "", cancellationToken);
    }
}
