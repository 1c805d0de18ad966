using Gateway.Contracts.Lab;
using Gateway.Linux.Settings;

namespace Gateway.Features.Lab.Experiments;

/// <summary>Two causes that look alike from U, told apart.</summary>
internal sealed class Experiment8ClientAddress : IExperiment
{
    private const int Pings = 3;

    public LabExperiment About { get; } = new(8, "The client's tunnel address",
        "With another tunnel address nothing is answered, and from U two causes look alike: rp_filter refuses the request as it enters the gateway, so V sees nothing; or the request passes, V answers, and the answer dies because the gateway has no route to that address into the tunnel.",
        "The WireGuard tunnel as the lab has it. U's tunnel address becomes 192.168.30.99; its peer owns 192.168.30.0/24, but the kernel is not told. rp_filter and a default route of the gateway are to be chosen.",
        [
            "Datagrams leave U, and no answer comes", "rp_filter strict, or loose without a default route: the request dies at the tunnel device and V sees nothing",
            "rp_filter off, or loose with a default route: V answers, and the answer dies on the gateway", "One remedy for both: a gateway route, whatever rp_filter is",
        ], true);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        if (!MovedAddress.Read(how).Succeeded(out var moved, out _)) return;
        await bench.ExpectReachesAsync("U reaches V before", LabAddresses.V, cancellationToken);
        await moved.SetUpAsync(bench, cancellationToken);
        var before = KernelCounters.Read();
        var ping = await bench.PingAsync(LabHosts.U, LabAddresses.V, Pings, 8001, cancellationToken);
        await bench.SettleAsync(cancellationToken);
        var refused = KernelCounters.Read().GrowthSince(before).GetValueOrDefault("TcpExt.IPReversePathFilter");
        bench.Expect("No answer comes", ping.Received == 0, $"{ping.Received} of {Pings} answered");
        var (request, reply) = (CommonSteps.Request(LabAddresses.MovedU, LabAddresses.V, 8001), CommonSteps.Reply(LabAddresses.V, LabAddresses.MovedU, 8001));
        bench.ExpectAt("Datagrams leave U", LabPoints.UOutside, request, packet => packet.IsTunnel);
        bench.ExpectAt("The request enters the gateway from the tunnel device", LabPoints.GatewayTunnel, request);
        if (moved.RequestPasses)
        {
            bench.ExpectAt("V sees the request", LabPoints.V, request);
            bench.ExpectAt("V's answer arrives at the gateway's eth1", LabPoints.GatewayInside, reply);
            bench.ExpectNotAt("The answer does not enter the tunnel device", LabPoints.GatewayTunnel, reply);
            bench.Expect("rp_filter refused nothing", refused == 0, $"IPReversePathFilter grew by {refused}");
            if (moved.DefaultRoute) bench.ExpectAt("The answer leaves by the default route, where nobody answers ARP", LabPoints.GatewayOutside, $"who-has {LabAddresses.NoRouter} ");
        }
        else
        {
            bench.ExpectNotAt("The request goes no further than the tunnel device", LabPoints.GatewayInside, request);
            bench.ExpectNotAt("V sees nothing", LabPoints.V, request);
            bench.Expect("rp_filter refused each of them", refused >= Pings, $"IPReversePathFilter grew by {refused}");
        }

        await bench.ExplainAsync(moved.Words, LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.MovedU, LabAddresses.V, moved.DiesAt, cancellationToken);

        await bench.GatewayAsync("the route is taken away", $"gateway route delete {LabSetUp.Peer} {LabAddresses.MovedNetwork}", () => bench.SetUp.DeleteMovedRouteAsync(cancellationToken));
        await bench.GatewayAsync("and made again as a kernel route, rp_filter as it is", $"gateway route add {LabSetUp.Peer} {LabAddresses.MovedNetwork} --install-on gateway", () => bench.SetUp.AddMovedRouteAsync(kernelRoute: true, cancellationToken));
        await bench.ExpectReachesAsync("With a gateway route V is reached, rp_filter as it is", LabAddresses.V, cancellationToken);
        await bench.ExplainAsync("with the gateway route", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.MovedU, LabAddresses.V, null, cancellationToken);
    }
}
