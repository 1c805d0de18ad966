using Gateway.Contracts.Lab;
using Gateway.Features.Packets;

namespace Gateway.Features.Lab.Experiments;

/// <summary>What a TUN device is, what is routed into it, and what can be written to it.</summary>
internal sealed class Experiment2Device : IExperiment
{
    private const string Forged = "1.2.3.4";
    private static readonly string[] s_pointToPoint = ["POINTOPOINT", "MULTICAST", "NOARP"];

    public LabExperiment About { get; } = new(2, "The TUN device",
        "A TUN device is a network card whose cable ends in a program: what the kernel routes into it the program reads, what the program writes the kernel takes as received.",
        "The client on U is stopped; in its place there is a bare TUN device, zhang0. Packets are written to the gateway's device wg0.",
        [
            "It appears as POINTOPOINT, MULTICAST, NOARP, and down", "With an address and set up it shows both", "A ping of its own network is seen there: ttl 64, 84 bytes",
            "A ping of the intranet is not: no route leads into it", "A forged packet written to a TUN device is taken as received", "Five bytes of text are refused, where the lab's program wrote them",
        ], false);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await bench.StopWireGuardAsync(cancellationToken);
        await bench.DoAsync(LabHosts.U, "a bare TUN device", LabActions.StartClient, LabClients.Device, cancellationToken);
        var made = await FindAsync(bench, cancellationToken);
        bench.Expect("It appears as POINTOPOINT, MULTICAST, NOARP, and down", made is not null && s_pointToPoint.All(made.Flags.Contains) && !made.Flags.Contains("UP"), Describe(made));
        await bench.DoAsync(LabHosts.U, "an address", LabActions.SetAddress, LabAddresses.WireGuardU, cancellationToken);
        await bench.DoAsync(LabHosts.U, "the link up", LabActions.LinkUp, null, cancellationToken);
        var up = await FindAsync(bench, cancellationToken);
        bench.Expect("With an address and set up it shows both", up is not null && up.Flags.Contains("UP") && up.Flags.Contains("LOWER_UP") && up.Addresses.Contains($"{LabAddresses.WireGuardU}/24"), Describe(up));

        await bench.PingAsync(LabHosts.U, LabAddresses.WireGuardGateway, 1, 2001, cancellationToken);
        await bench.PingAsync(LabHosts.U, LabAddresses.IntranetItself, 1, 2002, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        bench.ExpectAt("A ping of its own network is seen there: ttl 64, 84 bytes", LabPoints.UTunnel, CommonSteps.Request(LabAddresses.WireGuardU, LabAddresses.WireGuardGateway, 2001), packet => packet is { Ttl: 64, Bytes: 84 });
        bench.ExpectNotAt("A ping of the intranet is not: no route leads into it", LabPoints.UTunnel, $"> {LabAddresses.IntranetItself}: ");

        var forged = new CraftedPacket { Protocol = CraftedPacket.Icmp, Source = Forged, Destination = LabAddresses.WireGuardGateway }.Build().Value!;
        await bench.GatewayAsync("a packet from 1.2.3.4 is written to wg0", $"gateway packet send {LabSetUp.WireGuardTunnel} {Convert.ToHexStringLower(forged)}",
            async () => (await bench.SetUp.WriteToDeviceAsync(forged, cancellationToken)).Failure?.Detail);
        await bench.SettleAsync(cancellationToken);
        bench.ExpectAt("A forged packet written to a TUN device is taken as received", LabPoints.GatewayTunnel, $"{Forged} > {LabAddresses.WireGuardGateway}: ICMP echo request");
        var text = await bench.SetUp.WriteToDeviceAsync("hello"u8.ToArray(), cancellationToken);
        bench.Expect("Five bytes of text are refused, where the lab's program wrote them", text.Failure is not null, text.Failure?.Detail ?? "They were written.");
        await bench.ExplainAsync("for a packet with the forged source, were it U's", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), Forged, LabAddresses.V, "", cancellationToken);
    }

    private static async Task<LabDevice?> FindAsync(LabBench bench, CancellationToken cancellationToken) =>
        (await bench.LookAsync(LabHosts.U, LabActions.State, cancellationToken)).State?.Devices.FirstOrDefault(device => device.Name == "zhang0");

    private static string Describe(LabDevice? device) => device is null ? "There is no zhang0." : $"{device.Name}: <{string.Join(',', device.Flags)}> {string.Join(' ', device.Addresses)}".TrimEnd();
}
