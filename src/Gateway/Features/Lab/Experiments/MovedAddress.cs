using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Web;

namespace Gateway.Features.Lab.Experiments;

/// <summary>
/// U's tunnel address is another: 192.168.30.99. Its peer owns that network, but the kernel was not told (kernelRoute: false), or Gateway would have
/// set the missing route itself.
/// </summary>
/// <param name="RpFilter">off, strict or loose.</param>
/// <param name="OnAll">Whether the kernel's entry "all" has it, and the tunnel's device none; else the other way round.</param>
/// <param name="DefaultRoute">Whether the gateway has a default route meanwhile, by a router that is not there.</param>
internal sealed record MovedAddress(string RpFilter, bool OnAll, bool DefaultRoute)
{
    /// <summary>
    /// Whether rp_filter lets the request in (fib_validate_source, net/ipv4/fib_frontend.c): strict wants the route to its source to lead out of the
    /// device that it came by, loose wants any.
    /// </summary>
    public bool RequestPasses => RpFilter == RpFilters.Off || (RpFilter == RpFilters.Loose && DefaultRoute);

    /// <summary>Where it dies.</summary>
    public string DiesAt => RequestPasses ? HopIds.AnswerRoute : HopIds.ReversePath;

    /// <summary>What is so, for a heading.</summary>
    public string Words => $"with rp_filter {RpFilter} on {(OnAll ? "all" : "the tunnel")}, {(DefaultRoute ? "with" : "without")} a default route";

    /// <summary>Reads and checks a request.</summary>
    public static Outcome<MovedAddress> Read(LabRunRequest how)
    {
        var errors = new RuleErrors();
        if (how.RpFilter is not (null or RpFilters.Off or RpFilters.Strict or RpFilters.Loose)) errors.Add("rpFilter", $"'{how.RpFilter}' is not known.", "It is off, strict or loose.");
        if (how.On is not (null or LabRpFilterDevices.Tunnel or LabRpFilterDevices.All)) errors.Add("on", $"'{how.On}' is not known.", "It is tunnel or all.");
        return errors.Any ? errors.ToFailure() : new MovedAddress(how.RpFilter ?? RpFilters.Off, how.On == LabRpFilterDevices.All, how.DefaultRoute ?? false);
    }

    /// <summary>Makes it so; all of it is put up for taking back.</summary>
    public async Task SetUpAsync(LabBench bench, CancellationToken cancellationToken)
    {
        // A client that starts anew has its own address again.
        bench.Back(LabHosts.U, LabActions.StartClient, LabClients.WireGuard);
        bench.Back(bench.SetUp.DeleteMovedRouteAsync);
        await bench.GatewayAsync($"U's peer owns {LabAddresses.MovedNetwork}, and the kernel is not told", $"gateway route add {LabSetUp.Peer} {LabAddresses.MovedNetwork} --install-on gateway --kernel-route false",
            () => bench.SetUp.AddMovedRouteAsync(kernelRoute: false, cancellationToken));
        bench.Back(bench.SetUp.PutBackRpFiltersAsync);
        foreach (var (device, mode) in new[] { ("all", OnAll ? RpFilter : RpFilters.Off), (LabSetUp.WireGuardTunnel, OnAll ? RpFilters.Off : RpFilter) })
            await bench.GatewayAsync($"rp_filter {mode} on {device}", $"gateway interface set {device} --rp-filter {mode}", () => bench.SetUp.SetRpFilterAsync(device, mode, cancellationToken));
        if (DefaultRoute)
        {
            bench.Back(LabHosts.Gateway, LabActions.DeleteRoute);
            await bench.DoAsync(LabHosts.Gateway, "a default route, by a router that is not there", LabActions.AddRoute, null, cancellationToken);
        }

        await bench.DoAsync(LabHosts.U, $"U's tunnel address becomes {LabAddresses.MovedU}", LabActions.SetAddress, LabAddresses.MovedU, cancellationToken);
        await bench.DoAsync(LabHosts.U, "the intranet is routed into the tunnel again", LabActions.AddRoute, null, cancellationToken);
    }
}
