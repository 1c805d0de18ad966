using System.Net;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>Routes that would lead into a tunnel what must stay outside it.</summary>
public sealed class RouteGuardTests
{
    [Fact]
    public async Task GatewayRoute_HoldingThePeersOwnEndpoint_IsRefusedNamingBoth()
    {
        await using var host = await TestHost.StartAsync(prepare: h => h.Routes.Add("0.0.0.0/0", "10.0.2.2"));
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "branch", endpoint = "203.0.113.5:51820" });
        var problem = await host.Post($"peers/{peer["id"]}/routes", new { prefix = "203.0.113.0/24", installOn = "gateway" }, HttpStatusCode.Conflict);
        Assert.Contains("'203.0.113.0/24' for peer 'branch' holds 203.0.113.5", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("prefix", problem["errors"]![0]!["field"]!.GetValue<string>());
        // Without a kernel route nothing is led astray.
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "203.0.113.0/24", installOn = "gateway", kernelRoute = false });
    }

    [Fact]
    public async Task GatewayRoute_WhereTheKernelHasALongerOne_IsHarmless()
    {
        await using var host = await TestHost.StartAsync(prepare: h => h.Routes.Add("203.0.113.0/28"));
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "branch", endpoint = "203.0.113.5:51820" });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "203.0.113.0/24", installOn = "gateway" });
    }

    [Theory]
    [InlineData("10.0.2.0/24", "next hop")]
    [InlineData("10.0.2.2/32", "next hop")]
    public async Task GatewayRoute_HoldingTheDefaultRoutesNextHop_IsRefused(string prefix, string because)
    {
        await using var host = await TestHost.StartAsync(prepare: h =>
        {
            h.Routes.Add("0.0.0.0/0", "10.0.2.2");
            h.Routes.Add("10.0.2.0/24");
        });
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "branch" });
        var problem = await host.Post($"peers/{peer["id"]}/routes", new { prefix, installOn = "gateway" }, HttpStatusCode.Conflict);
        Assert.Contains(because, problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peer_EndpointInsideItsOwnRoute_IsRefused()
    {
        await using var host = await TestHost.StartAsync(prepare: h => h.Routes.Add("0.0.0.0/0", "10.0.2.2"));
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "branch" });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "203.0.113.0/24", installOn = "gateway" });
        Assert.Equal(["endpoint"], await host.Fields(HttpMethod.Patch, $"peers/{peer["id"]}", new { endpoint = "203.0.113.5:51820" }, HttpStatusCode.Conflict));
        Assert.Equal(["addresses[0]"], await host.Fields(HttpMethod.Patch, $"peers/{peer["id"]}", new { endpoint = "198.51.100.5:51820", addresses = new[] { "198.51.100.0/24" } }, HttpStatusCode.Conflict));
    }

    [Theory]
    [InlineData("0.0.0.0/0")]
    [InlineData("::/0")]
    public async Task ClientDefaultRoute_NeedsAnExplicitYes(string prefix)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var problem = await host.Post($"peers/{peer["id"]}/routes", new { prefix }, HttpStatusCode.Conflict);
        Assert.Contains("'u'", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("'wg0'", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        var route = await host.Post($"peers/{peer["id"]}/routes", new { prefix, confirm = true });
        Assert.Equal(prefix, route["prefix"]!.GetValue<string>());
        // With NAT answers come back by themselves.
        await host.Patch("tunnels/wg0", new { nat = new[] { new { prefix } } });
        var other = await host.Post("tunnels/wg0/peers", new { name = "v" });
        await host.Post($"peers/{other["id"]}/routes", new { prefix });
    }

    [Fact]
    public async Task Route_Patched_MovesInEngineAndKernel()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var route = await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        Assert.Equal(["192.168.70.0/24"], host.Ports.Device!.Settings!.Routes.Select(r => r.ToString()));
        route = await host.Patch($"routes/{route["id"]}", new { prefix = "192.168.71.0/24" });
        Assert.Equal(["192.168.71.0/24"], host.Ports.Device.Settings!.Routes.Select(r => r.ToString()));
        using var stale = await host.Ask(HttpMethod.Patch, $"routes/{route["id"]}", new { prefix = "192.168.72.0/24" }, ifMatch: "\"1\"");
        Assert.Equal(HttpStatusCode.PreconditionFailed, stale.StatusCode);
        route = await host.Patch($"routes/{route["id"]}", new { installOn = "client" });
        Assert.Equal(("client", false), (route["installOn"]!.GetValue<string>(), route["kernelRoute"]!.GetValue<bool>()));
        Assert.Empty(host.Ports.Device.Settings!.Routes);
        Assert.Equal("192.168.71.0/24", (await host.Get($"routes/{route["id"]}"))["prefix"]!.GetValue<string>());
        var other = await host.Post("tunnels/wg0/peers", new { name = "v" });
        await host.Post($"peers/{other["id"]}/routes", new { prefix = "192.168.73.0/24", installOn = "gateway" });
        Assert.Equal(["prefix"], await host.Fields(HttpMethod.Patch, $"routes/{route["id"]}", new { prefix = "192.168.73.0/24", installOn = "gateway" }, HttpStatusCode.Conflict));
    }
}
