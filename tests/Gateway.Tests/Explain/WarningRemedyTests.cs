using System.Net;
using System.Text.Json.Nodes;
using Gateway.Contracts.Live;
using Gateway.Features.Explain.Remedies;
using Gateway.Security;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Explain;

/// <summary>Warnings and events carry what one click applies.</summary>
public sealed class WarningRemedyTests
{
    [Fact]
    public async Task ForwardingOff_TheWarningsChangeSwitchesItOn()
    {
        await using var host = await TestHost.StartAsync(prepare: h => h.Kernel.Forwards = false);
        await host.Wg0();
        var warning = Assert.Single(await Warnings(host), w => w["what"]!.GetValue<string>().Contains("IPv4", StringComparison.Ordinal));
        Assert.Equal(["change", "instruction"], warning["remedies"]!.AsArray().Select(r => r!["kind"]!.GetValue<string>()));
        var call = warning["remedies"]![0]!["apply"]![0]!;
        using var applied = await host.Ask(HttpMethod.Patch, call["path"]!.GetValue<string>(), call["body"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, applied.StatusCode);
        Assert.DoesNotContain(await Warnings(host), w => w["what"]!.GetValue<string>().Contains("IPv4", StringComparison.Ordinal));
    }

    [Fact]
    public async Task StrictFilterAndNoKernelRoute_IsWarnedOf_AndTheRoutesAreMadeInOneChange()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        foreach (var (name, prefix) in new[] { ("a", "192.168.70.0/24"), ("b", "192.168.71.0/24"), ("inside", "192.168.53.128/28") })
        {
            var peer = await host.Post("tunnels/wg0/peers", new { name });
            await host.Post($"peers/{peer["id"]}/routes", new { prefix, installOn = "gateway", kernelRoute = false });
        }

        Assert.Empty(await Warnings(host));
        host.Kernel.RpFilters["wg0"] = 1;
        var warning = Assert.Single(await Warnings(host));
        Assert.StartsWith("Strict rp_filter on wg0, and 2 peers' networks (192.168.70.0/24, 192.168.71.0/24) have no kernel route into it", warning["what"]!.GetValue<string>(), StringComparison.Ordinal);

        await using var scope = host.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.System);
        var remedy = (await scope.ServiceProvider.GetRequiredService<Gateway.Features.Status.StatusService>().GetAsync(default)).Value!.Warnings[0].Remedies[0];
        var applied = (await scope.ServiceProvider.GetRequiredService<RemedyService>().ApplyAsync(remedy, default)).Value!;
        Assert.Equal(2, (await host.Get("routes"))["items"]!.AsArray().Count(r => r!["kernelRoute"]!.GetValue<bool>()));
        Assert.Empty(await Warnings(host));

        // The event keeps the way back.
        JsonNode? happened = null;
        await Eventually.True(async () => (happened = (await host.Get($"events?kind={EventKinds.RemedyApplied}"))["items"]!.AsArray().FirstOrDefault()) is not null, "the event");
        Assert.StartsWith("Take back: ", happened!["remedies"]![0]!["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Null((await scope.ServiceProvider.GetRequiredService<RemedyService>().ApplyAsync(applied.Back, default)).Failure);
        Assert.Single(await Warnings(host));
    }

    [Fact]
    public async Task LooseFilter_ADefaultRouteIsEnough()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "a" });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway", kernelRoute = false });
        host.Kernel.RpFilters["all"] = 2;
        Assert.StartsWith("Loose rp_filter on wg0, and a's 192.168.70.0/24 has no kernel route at all", Assert.Single(await Warnings(host))["what"]!.GetValue<string>(), StringComparison.Ordinal);
        host.Routes.Add("0.0.0.0/0", "10.0.2.1");
        Assert.Empty(await Warnings(host));
    }

    private static async Task<List<JsonNode>> Warnings(TestHost host) => [.. (await host.Get("status"))["warnings"]!.AsArray().Select(w => w!)];
}
