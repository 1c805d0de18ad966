using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Features.Lab.Experiments;

namespace Gateway.Features.Lab;

/// <summary>Something to break on purpose.</summary>
/// <param name="Name">One of <see cref="LabBreaks"/>.</param>
/// <param name="Title">What it does.</param>
/// <param name="Commands">The same by hand, with the host in front.</param>
/// <param name="HasVariants">Whether it takes the members of <see cref="LabRunRequest"/>.</param>
/// <param name="RunAsync">Breaks it, shows that it is broken, and has it explained.</param>
internal sealed record Breakage(string Name, string Title, IReadOnlyList<string> Commands, bool HasVariants, Func<LabBench, LabRunRequest, CancellationToken, Task> RunAsync)
{
    private const int Pings = 3;
    private static readonly string s_peer = LabSetUp.PeerOf(LabSetUp.WireGuardTunnel);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Breakage> All { get; } =
    [
        new(LabBreaks.ClientStopped, "Stop the client on U", ["u# kill $(cat /run/gateway-lab/client.pid)"], false, async (bench, _, stop) =>
        {
            await bench.StopWireGuardAsync(stop);
            // The gateway notices when it has something to send: handshakes that nobody answers.
            await ShowAsync(bench, "once handshakes with U have stayed without an answer", LabAddresses.WireGuardU, HopIds.Session, stop, (LabHosts.V, LabAddresses.WireGuardU));
        }),
        new(LabBreaks.NoWayBack, "Delete V's route back", ["v# ip route del default via 192.168.60.1"], false, async (bench, _, stop) =>
        {
            bench.Back(LabHosts.V, LabActions.AddRoute);
            await bench.DoAsync(LabHosts.V, "V's default route is taken away", LabActions.DeleteRoute, null, stop);
            await ShowAsync(bench, "while V has no route back", LabAddresses.WireGuardU, HopIds.WayBack, stop);
        }),
        new(LabBreaks.MovedAddress, "Give U another tunnel address", ["gw# gateway route add host-u 192.168.30.0/24 --install-on gateway --kernel-route false", "gw# gateway interface set wg0 --rp-filter strict", "u# ip addr replace 192.168.30.99/24 dev host-u; ip addr del 192.168.53.99/32 dev host-u", "u# ip route replace 192.168.60.0/24 dev host-u"], true, async (bench, how, stop) =>
        {
            if (!MovedAddress.Read(how).Succeeded(out var moved, out _)) return;
            await moved.SetUpAsync(bench, stop);
            await ShowAsync(bench, moved.Words, LabAddresses.MovedU, moved.DiesAt, stop);
        }),
        new(LabBreaks.Tap, "Switch U's end to TAP", ["gw# gateway tunnel add labtap0 --transport plain --layer ethernet --listen-port 9091 --address 192.168.55.98/24", "u# gateway connect --plain 10.0.2.8:9091 --tap --name zhang%d --address 192.168.55.99/24"], false, async (bench, _, stop) =>
        {
            await Experiment9Tap.SetUpAsync(bench, stop);
            var ping = await bench.PingAsync(LabHosts.U, LabAddresses.V, Pings, 700, stop);
            bench.Expect("Pings of V are not answered: the intranet is not on this link", ping.Received == 0, $"{ping.Received} of {Pings} answered");
            await bench.ExpectReachesAsync("The gateway's end of the link is", LabAddresses.TapGateway, stop);
            await bench.ExplainAsync("for a ping of the gateway's end", LabSetUp.PeerOf(LabSetUp.TapTunnel), LabAddresses.TapU, LabAddresses.TapGateway, "", stop);
        }),
    ];

    /// <summary>That nothing is answered, and what the gateway says to it.</summary>
    private static async Task ShowAsync(LabBench bench, string when, string source, string hop, CancellationToken cancellationToken, (string Host, string Destination)? asker = null)
    {
        var ping = await bench.PingAsync(LabHosts.U, LabAddresses.V, Pings, 700, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        bench.Expect("Pings of V are not answered", ping.Received == 0, $"{ping.Received} of {Pings} answered");
        await bench.ExplainAsync(when, s_peer, source, LabAddresses.V, hop, cancellationToken, asker);
    }
}
