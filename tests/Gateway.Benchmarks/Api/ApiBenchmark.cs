using System.Diagnostics;
using System.Globalization;
using Gateway.Benchmarks.Tunnel;
using Gateway.Benchmarks.Tunnel.Ends;
using Gateway.Benchmarks.Tunnel.Report;
using Gateway.Benchmarks.Tunnel.Traffic;
using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Api;

/// <summary>
/// The published host in a namespace of its own with <see cref="ManyPeersSeed"/>'s peers, asked over HTTP by one client, one request after the other.
/// </summary>
internal sealed class ApiBenchmark(ApiOptions options, TextWriter output, TextWriter progress, CancellationToken cancellation)
{
    private const double WantedMilliseconds = 100, WantedExplanationMilliseconds = 200, WantedStartSeconds = 5;
    private const int WarmUpRequests = 20;
    private const string Device = "wg0";

    private readonly List<string> _criteria = [];

    public async Task Run()
    {
        await output.WriteLineAsync($"{MachineFacts.Text()}; {options.Requests} requests of each kind, one after the other");
        await progress.WriteLineAsync("publishing");
        await Products.Publish(host: true);
        await using var host = await Host.Create("gw");
        await using var gateway = new GatewayProcess(host) { Executable = Products.Host };
        await progress.WriteLineAsync($"writing {ManyPeersSeed.Peers} peers with {ManyPeersSeed.Prefixes} prefixes into the database");
        await Seed(gateway);

        var clock = Stopwatch.StartNew();
        await gateway.Start();
        Tell("start to ready", clock.Elapsed.TotalSeconds, "s", WantedStartSeconds);
        await output.WriteLineAsync($"start to ready with {ManyPeersSeed.Peers} peers and {(options.KernelRoutes ? ManyPeersSeed.Prefixes - ManyPeersSeed.Peers : 0)} kernel routes: {clock.Elapsed.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s");

        await output.WriteLineAsync($"\n{"ms",-44}{"median",10}{"95 %",10}{"longest",10}");
        await Requests(gateway.Api);
        var (now, highest) = ProcessUse.Memory(gateway.ProcessId);
        await output.WriteLineAsync($"\nmemory, MB resident (at its highest): {now:F0} ({highest:F0})");
        await output.WriteLineAsync("\nwhat was promised");
        foreach (var line in _criteria) await output.WriteLineAsync("  " + line);
    }

    private async Task Seed(GatewayProcess gateway)
    {
        var slot = new Slot(0);
        await gateway.Start();
        await gateway.Api.Post("tunnels", new
        {
            name = Device,
            listenPort = slot.Port,
            // Room for those that are made over HTTP, too.
            addresses = new[] { "172.16.0.1/12", $"{slot.GatewayAddress(Family.V6)}/{Slot.InternalPrefixLength6}" },
            endpoint = Bed.Endpoint(slot, Family.V4),
        });
        await gateway.Stop();
        await ManyPeersSeed.Add(Path.Combine(gateway.DataDirectory, "gateway.db"), slot, options.KernelRoutes);
    }

    private async Task Requests(Netns.Tests.Harness.Api api)
    {
        var cursor = "";
        await Measure("list 100 peers, page after page", async _ =>
        {
            var page = await api.Get($"tunnels/{Device}/peers{(cursor.Length > 0 ? $"?cursor={cursor}" : "")}");
            cursor = page["nextCursor"]?.GetValue<string>() ?? "";
        }, WantedMilliseconds);
        await Measure("search for part of a name", async i => await api.Get($"peers?search=er-0{i % 1000:D3}"), WantedMilliseconds);
        await Measure("search for an address", async i => await api.Get($"peers?search=10.{1 + (i % 20)}.7."), WantedMilliseconds);
        await Measure("list 1000 peers", async _ => await api.Get("peers?limit=1000"));
        await Measure("list 100 routes", async _ => await api.Get("routes"));
        await Measure("list tunnels", async _ => await api.Get("tunnels"));
        await Measure("status", async _ => await api.Get("status"));

        var ids = new List<string>();
        await Measure("create a peer with keys and free addresses", async i =>
            ids.Add((await api.Post($"tunnels/{Device}/peers", new { name = $"made-{i}" }))["id"]!.GetValue<string>()), WantedMilliseconds);
        await Measure("show a peer", async i => await api.Get($"peers/{ids[i]}"));
        await Measure("explain a packet to the gateway itself", async i => await api.Post("explain", new { peer = ids[i], destination = "172.16.0.1" }), WantedExplanationMilliseconds);
        await Measure("explain a packet that has no route", async i => await api.Post("explain", new { peer = ids[i], destination = "198.51.100.7", protocol = "tcp", port = 443 }), WantedExplanationMilliseconds);
        await Measure("rename a peer", async i => await api.Patch($"peers/{ids[i]}", new { name = $"renamed-{i}" }));
        await Measure("give a peer a gateway route", async i => await api.Post($"peers/{ids[i]}/routes", new { prefix = $"100.{64 + (i / 256)}.{i % 256}.0/24", installOn = "gateway" }));
        await Measure("delete a peer", async i => await api.Delete($"peers/{ids[i]}"));
    }

    /// <summary>Number 0 onwards for the request; the first ones, until the compiler has seen it all, are not counted.</summary>
    private async Task Measure(string what, Func<int, Task> request, double? wanted = null)
    {
        await progress.WriteLineAsync(what);
        var times = new List<double>();
        for (var i = 0; i < options.Requests + WarmUpRequests; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            await request(i);
            if (i >= WarmUpRequests) times.Add(clock.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        var (median, high) = (At(times, 0.5), At(times, 0.95));
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{what,-44}{median,10:F1}{high,10:F1}{times[^1],10:F1}"));
        if (wanted is { } limit) Tell($"{what}, 95 %", high, "ms", limit);
    }

    private void Tell(string what, double value, string unit, double wanted) =>
        _criteria.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {value:F1} {unit} (wanted < {wanted}) {(value < wanted ? "ok" : "short")}"));

    private static double At(List<double> sorted, double share) => sorted[(int)Math.Ceiling(share * sorted.Count) - 1];
}
