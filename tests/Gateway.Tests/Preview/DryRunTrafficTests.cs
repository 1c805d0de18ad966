using System.Net;
using System.Text.Json.Nodes;
using Gateway.Engine;
using Gateway.Features.Preview;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Preview;

/// <summary>What a dry run of each kind of change says of the last hour's traffic. The traffic is put into the hour by hand; all else is the whole host.</summary>
public sealed class DryRunTrafficTests
{
    [Fact]
    public async Task EachKindOfChange_TellsWhatBreaksAndWhatBeginsToPass()
    {
        await using var host = await TestHost.StartAsync();
        host.Routes.Add("192.168.60.0/24");
        var tunnel = Guid.Parse((await host.Wg0())["id"]!.GetValue<string>());
        var u = await host.Post("tunnels/wg0/peers", new { name = "u", addresses = new[] { "192.168.53.99/32" } });
        var peer = $"peers/{u["id"]}";
        var client = await host.Post($"{peer}/routes", new { prefix = "192.168.60.0/24" });
        var behind = await host.Post($"{peer}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        var hour = host.Services.GetRequiredService<TrafficHour>();
        void Saw(string side, string other, long from, long to, long dropped) => hour.Add(
            new TrafficKey(tunnel, Guid.Parse(u["id"]!.GetValue<string>()), InetAddress.From(IPAddress.Parse(side)), InetAddress.From(IPAddress.Parse(other)), 6, 22, true), from, to, 100, dropped);
        Saw("192.168.53.99", "192.168.60.101", 10, 10, 0);
        Saw("192.168.70.5", "192.168.60.101", 5, 5, 0);
        Saw("192.168.53.99", "10.77.0.1", 0, 0, 3);

        Assert.Equal((2, 0), await Plan(host, HttpMethod.Delete, $"routes/{client["id"]}", null));
        Assert.Equal((1, 0), await Plan(host, HttpMethod.Delete, $"routes/{behind["id"]}", null));
        Assert.Equal((1, 0), await Plan(host, HttpMethod.Patch, $"routes/{behind["id"]}", new { kernelRoute = false }));
        Assert.Equal((0, 1), await Plan(host, HttpMethod.Post, $"{peer}/routes", new { prefix = "10.77.0.0/16" }));
        Assert.Equal((2, 0), await Plan(host, HttpMethod.Patch, peer, new { enabled = false }));
        Assert.Equal((1, 0), await Plan(host, HttpMethod.Patch, peer, new { addresses = new[] { "192.168.53.77/32" } }));
        Assert.Equal((2, 0), await Plan(host, HttpMethod.Delete, peer, null));
        Assert.Equal((2, 0), await Plan(host, HttpMethod.Post, "peers/bulk", new { action = "disable", filter = new { } }));
        Assert.Equal((2, 0), await Plan(host, HttpMethod.Delete, "tunnels/wg0", null));
        Assert.Equal((2, 0), await Plan(host, HttpMethod.Patch, "host", new { ipv4Forwarding = false }));
        Assert.Equal((0, 0), await Plan(host, HttpMethod.Patch, "tunnels/wg0", new { mtu = 1400 }));
        // A note about nothing of it has no forecast to make; one is there all the same, of nothing.
        Assert.Equal((0, 0), await Plan(host, HttpMethod.Patch, peer, new { notes = "x" }));

        // Nothing was changed by all that; now it is.
        await host.Patch(peer, new { enabled = false });
        Saw("192.168.53.99", "192.168.60.102", 3, 0, 0);
        Assert.Equal((0, 1), await Plan(host, HttpMethod.Patch, peer, new { enabled = true }));
    }

    [Fact]
    public async Task RpFilterAndNat_AreReplayedToo()
    {
        await using var host = await TestHost.StartAsync();
        host.Routes.Add("192.168.60.0/24");
        host.Routes.Add("0.0.0.0/0");
        var tunnel = Guid.Parse((await host.Wg0())["id"]!.GetValue<string>());
        host.Kernel.RpFilters["wg0"] = 0;
        var site = await host.Post("tunnels/wg0/peers", new { name = "site" });
        await host.Post($"peers/{site["id"]}/routes", new { prefix = "192.168.60.0/24" });
        await host.Post($"peers/{site["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        var own = IPNetwork.Parse(site["addresses"]![0]!.GetValue<string>()).BaseAddress;
        var hour = host.Services.GetRequiredService<TrafficHour>();
        hour.Add(new TrafficKey(tunnel, Guid.Parse(site["id"]!.GetValue<string>()), InetAddress.From(own), InetAddress.From(IPAddress.Parse("192.168.60.101")), 1, 0, true), 4, 0, 100, 0);
        Assert.Equal((0, 1), await Plan(host, HttpMethod.Patch, "tunnels/wg0", new { nat = new[] { new { prefix = "192.168.60.0/24" } } }));
        Assert.Equal((0, 0), await Plan(host, HttpMethod.Patch, "interfaces/wg0", new { rpFilter = "strict" }));
        var plan = await Ask(host, HttpMethod.Patch, "interfaces/wg0", new { rpFilter = "strict" });
        Assert.NotNull(plan["breaks"]);
        Assert.Equal(0, host.Kernel.RpFilters["wg0"]);
    }

    private static async Task<(int Breaks, int Begins)> Plan(TestHost host, HttpMethod method, string path, object? body)
    {
        var plan = await Ask(host, method, path, body);
        foreach (var flow in plan["breaks"]!["largest"]!.AsArray().Concat(plan["beginsToPass"]!["largest"]!.AsArray())) Assert.EndsWith(".", flow!["text"]!.GetValue<string>(), StringComparison.Ordinal);
        return (plan["breaks"]!["flows"]!.GetValue<int>(), plan["beginsToPass"]!["flows"]!.GetValue<int>());
    }

    private static async Task<JsonNode> Ask(TestHost host, HttpMethod method, string path, object? body)
    {
        using var answer = await host.Ask(method, $"{path}?dryRun=true", body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }
}
