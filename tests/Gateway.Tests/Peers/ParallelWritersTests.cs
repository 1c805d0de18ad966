using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>A hundred writers at once: nothing is lost, nothing is given twice, and the database is never "locked".</summary>
public sealed class ParallelWritersTests
{
    private const int Writers = 100;

    /// <summary>Every so manieth also writes to a peer that all of these share.</summary>
    private const int Sharing = 5;

    [Fact]
    public async Task HundredWriters_OfPeersAndRoutes_LoseAndDoubleNothing()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0("10.53.0.1/16");
        var shared = await host.Post("tunnels/wg0/peers", new { name = "shared", notes = "" });

        var made = await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => WriteAsync(host, shared["id"]!.GetValue<string>(), i)));

        Assert.Equal(Writers, made.Select(p => p["addresses"]![0]!.GetValue<string>()).Distinct().Count());
        var peers = (await host.Get("peers?limit=1000"))["items"]!.AsArray();
        Assert.Equal(Writers + 1, peers.Count);
        // Each of those has added its number with If-Match, again and again until nobody was in between: none was lost.
        Assert.Equal(Writers / Sharing, (await host.Get($"peers/{shared["id"]}"))["notes"]!.GetValue<string>().Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct().Count());
        // All asked for the same network; one has it.
        Assert.Single((await host.Get("routes?limit=1000"))["items"]!.AsArray(), r => r!["prefix"]!.GetValue<string>() == "172.16.0.0/24");
        Assert.Equal(Writers + 1, (await host.Get("routes?limit=1000"))["items"]!.AsArray().Count);
        Assert.Equal(Writers + 1, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        Assert.DoesNotContain(host.Log.Lines, line => line.Contains("locked", StringComparison.OrdinalIgnoreCase));
    }

    private static async Task<JsonNode> WriteAsync(TestHost host, string shared, int i)
    {
        var peer = await host.Post("tunnels/wg0/peers", new { name = $"p{i}" });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = $"192.168.{i}.0/24", installOn = "gateway" });
        using (var contested = await host.Ask(HttpMethod.Post, $"peers/{peer["id"]}/routes", new { prefix = "172.16.0.0/24", installOn = "gateway" }))
            Assert.Contains(contested.StatusCode, new[] { HttpStatusCode.Created, HttpStatusCode.Conflict });
        while (i % Sharing == 0)
        {
            var now = await host.Get($"peers/{shared}");
            using var changed = await host.Ask(HttpMethod.Patch, $"peers/{shared}", new { notes = $"{now["notes"]} {i}" }, ifMatch: $"\"{now["revision"]}\"");
            if (changed.StatusCode == HttpStatusCode.OK) return peer;
            Assert.Equal(HttpStatusCode.PreconditionFailed, changed.StatusCode);
        }

        return peer;
    }
}
