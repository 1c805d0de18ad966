using System.Text.Json.Nodes;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>kill -9 in the middle of a thousand changes: what comes back agrees with itself, and has all that was answered.</summary>
public sealed class KilledAmongChangesTests
{
    [Fact]
    public async Task Gateway_KilledAmongAThousandChanges_DatabaseEngineAndKernelAgree()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await lab.Api.Post("tunnels", new { name = "wg0", listenPort = 51820, addresses = new[] { "10.53.0.1/16" } });
        var answered = new List<string>();
        var next = 0;
        var killed = false;
        var writers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) <= 500 && !Volatile.Read(ref killed);)
            {
                try
                {
                    // Two changes each: the peer, and a network behind it with its kernel route.
                    var peer = (await lab.Api.Post("tunnels/wg0/peers", new { name = $"p{i}" }))["id"]!.GetValue<string>();
                    lock (answered) answered.Add($"p{i}");
                    var prefix = $"10.{100 + (i / 250)}.{i % 250}.0/24";
                    await lab.Api.Post($"peers/{peer}/routes", new { prefix, installOn = "gateway" });
                    lock (answered) answered.Add(prefix);
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
                {
                    return;
                }
            }
        })).ToList();
        await Eventually.True(
            () =>
            {
                lock (answered) return answered.Count > 150;
            },
            "a good part of the changes", TimeSpan.FromSeconds(90));

        await lab.Gateway.Kill();
        Volatile.Write(ref killed, true);
        await Task.WhenAll(writers);
        await lab.Gateway.Start();

        var peers = await All(lab, "peers");
        var routes = await All(lab, "routes");
        var known = peers.Select(p => p["name"]!.GetValue<string>()).Concat(routes.Select(r => r["prefix"]!.GetValue<string>())).ToHashSet();
        Assert.Subset(known, answered.ToHashSet());
        Assert.Equal(peers.Count, peers.Select(p => p["addresses"]![0]!.GetValue<string>()).Distinct().Count());
        var prefixes = routes.Select(r => r["prefix"]!.GetValue<string>()).Order(StringComparer.Ordinal).ToList();
        await Eventually.True(async () => prefixes.SequenceEqual(await KernelRoutes(lab)), "the kernel's routes being those of the database");
        Assert.Equal(peers.Count, (await lab.Api.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        var revision = (await lab.Api.Get("status"))["revision"]!;
        Assert.Equal(revision["wanted"]!.GetValue<long>(), revision["applied"]!.GetValue<long>());
        // wg asks the engine: the same keys.
        var engine = (await lab.GatewayHost.Run("wg", "show", "wg0", "peers")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
        Assert.Equal(peers.Select(p => p["publicKey"]!.GetValue<string>()).Order(StringComparer.Ordinal), engine);
    }

    private static async Task<string[]> KernelRoutes(ThreeHosts lab) =>
        [.. (await lab.GatewayHost.Ip("route show dev wg0 proto 71")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')[0]).Order(StringComparer.Ordinal)];

    private static async Task<List<JsonNode>> All(ThreeHosts lab, string what)
    {
        var all = new List<JsonNode>();
        for (string? cursor = null; ;)
        {
            var page = await lab.Api.Get($"{what}?limit=1000{(cursor is null ? "" : $"&cursor={cursor}")}");
            all.AddRange(page["items"]!.AsArray().Select(i => i!));
            cursor = page["nextCursor"]?.GetValue<string>();
            if (cursor is null) return all;
        }
    }
}
