using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>What a dry run says would follow.</summary>
public sealed class DryRunEffectsTests
{
    [Fact]
    public async Task Effects_OfPeersAndRoutes_NameRoutesOwnersAndConfigs()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var effects = await Effects(host, HttpMethod.Post, "tunnels/wg0/peers", new { name = "u", addresses = new[] { "192.168.53.99/32", "10.9.0.1/32" } });
        Assert.Equal(
            [
                "The kernel route 10.9.0.1/32 into 'wg0' is added.",
                "Peer 'u' is let in.",
                "10.9.0.1/32 belongs to peer 'u': packets there go to it, and it may send from there.",
                "192.168.53.99/32 belongs to peer 'u': packets there go to it, and it may send from there.",
            ], effects);
        var u = await host.Post("tunnels/wg0/peers", new { name = "u" });
        await host.Post($"peers/{u["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        var client = await host.Post($"peers/{u["id"]}/routes", new { prefix = "192.168.60.0/24" });
        using (await host.Ask(HttpMethod.Get, $"peers/{u["id"]}/config"))
        {
            // Somebody has it now.
        }

        var v = await host.Post("tunnels/wg0/peers", new { name = "v" });
        effects = await Effects(host, HttpMethod.Post, $"peers/{v["id"]}/routes", new { prefix = "192.168.70.128/25", installOn = "gateway" });
        Assert.Equal(
            [
                "The kernel route 192.168.70.128/25 into 'wg0' is added.",
                "192.168.70.128/25 belongs to peer 'v': packets there go to it, and it may send from there, until now a part of 192.168.70.0/24 of peer 'u'.",
            ], effects);
        effects = await Effects(host, HttpMethod.Delete, $"routes/{client["id"]}", null);
        Assert.Equal("Peer 'u' may no longer reach 192.168.60.0/24 through the tunnel.", effects[0]);
        Assert.StartsWith("The config of 'u' reads otherwise", effects[1], StringComparison.Ordinal);
        effects = await Effects(host, HttpMethod.Post, "peers/bulk", new { action = "disable", filter = new { } });
        Assert.Contains("Peer 'u' is no longer let in.", effects);
        Assert.Contains("The kernel route 192.168.70.0/24 into 'wg0' is removed.", effects);
        effects = await Effects(host, HttpMethod.Post, $"peers/{u["id"]}/keys", new { });
        Assert.StartsWith("Both keys of peer 'u' work until ", effects[0], StringComparison.Ordinal);
        // And nothing of it has happened.
        Assert.Equal(2, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        Assert.Equal(2, (await host.Get("routes"))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Effects_OfTunnels_NameDevicePortAndSessions()
    {
        await using var host = await TestHost.StartAsync();
        var effects = await Effects(host, HttpMethod.Post, "tunnels", new { name = "wg0", addresses = new[] { "192.168.53.1/24" }, listenPort = 51820 });
        Assert.Equal(["The device 'wg0' is made with 192.168.53.1/24 and UDP port 51820."], effects);
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        using (await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config"))
        {
            // Somebody has it now.
        }

        effects = await Effects(host, HttpMethod.Patch, "tunnels/wg0", new { listenPort = 51821, mtu = 1380, addresses = new[] { "192.168.53.2/24" }, endpoint = "10.0.2.8:51821" });
        Assert.Equal("The socket of 'wg0' is bound anew, to UDP port 51821; sessions go on where clients learn of the port.", effects[0]);
        Assert.Contains("The MTU of 'wg0' goes from 1420 to 1380 bytes.", effects);
        Assert.Contains("The address 192.168.53.1/24 is taken off 'wg0'.", effects);
        Assert.Contains(effects, e => e.StartsWith("The config of 'u' reads otherwise", StringComparison.Ordinal));
        effects = await Effects(host, HttpMethod.Delete, "tunnels/wg0", null);
        Assert.Equal(["The device 'wg0' is removed with its addresses and routes, and its UDP port is closed.", "The session of its one peer ends, and what they own in it is nobody's."], effects[..2]);
    }

    [Fact]
    public async Task Effects_OfNatAndSegmentSize_SayWhatBecomesOfPackets()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Patch("tunnels/wg0", new { nat = new[] { new { prefix = "0.0.0.0/0", to = "masquerade" } } });
        var effects = await Effects(host, HttpMethod.Patch, "tunnels/wg0", new { clampMss = true, nat = new[] { new { prefix = "192.168.60.0/24", to = "192.168.60.1" } } });
        Assert.Equal(
            [
                "Packets from 'wg0' to 192.168.60.0/24 leave with the source address 192.168.60.1.",
                "Packets from 'wg0' to 0.0.0.0/0 are no longer treated by a rule of their own.",
                "New TCP connections through 'wg0' have their segment size lowered to what the path takes.",
            ], effects);
    }

    private static async Task<string[]> Effects(TestHost host, HttpMethod method, string path, object? body)
    {
        using var answer = await host.Ask(method, $"{path}?dryRun=true", body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return [.. JsonNode.Parse(text)!["effects"]!.AsArray().Select(e => e!.GetValue<string>())];
    }
}
