using System.Net;
using System.Net.Http.Headers;
using Gateway.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Gateway.Tests.Metrics;

/// <summary>Tests during which no other host runs: the meters of a process are collected together, whosever they are.</summary>
[CollectionDefinition(nameof(MetricsAlone), DisableParallelization = true)]
public sealed class MetricsAlone;

/// <summary>What Prometheus reads.</summary>
[Collection(nameof(MetricsAlone))]
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_HaveTunnelsPeersDropsRuntimeAndRequests()
    {
        await using var host = await TestHost.StartAsync();
        await Tunnel(host, "counted");
        await host.Post("tunnels/counted/peers", new { name = "alice" });
        // Nobody owns that destination: the engine counts a drop.
        host.Ports.Device!.SendPacket(Convert.FromHexString("4500001c000100004001ef2dc0a83563c0a83c650800f7fe00010000"));

        await Eventually.True(async () => (await ReadAsync(host)).Contains("""gateway_tunnel_drops_total{reason="no peer for destination",tunnel="counted"} 1""", StringComparison.Ordinal), "the drop");
        var text = await ReadAsync(host);

        Assert.Contains("""gateway_tunnel_up{tunnel="counted"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""gateway_tunnel_io_bytes_total{direction="received",tunnel="counted"} 0""", text, StringComparison.Ordinal);
        Assert.Contains("""gateway_tunnel_peers{state="never",tunnel="counted"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""gateway_tunnel_flow_evictions_total{tunnel="counted"} 0""", text, StringComparison.Ordinal);
        Assert.Contains("""gateway_peer_io_bytes_total{direction="sent",peer="alice",tunnel="counted"} 0""", text, StringComparison.Ordinal);
        Assert.Contains("""http_server_request_duration_seconds_count{""", text, StringComparison.Ordinal);
        Assert.Contains("""http_route="/api/v1/tunnels/{name}/peers""", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_process_memory_working_set_bytes", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_WithATokenThatMayNotRead_AreForbidden_AndWithNoneUnauthorized()
    {
        await using var host = await TestHost.StartAsync();
        var token = await host.Post("tokens", new { name = "scraper", scopes = new[] { "explain" } });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token["token"]!.GetValue<string>()) } };
        using var refused = await host.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.DoesNotContain("gateway_", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var anonymous = await host.Anonymous.GetAsync("/metrics");
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
    }

    [Fact]
    public async Task Peers_BeyondTheLimit_AreSummedUpAndDeletedOnesAreGone()
    {
        await using var host = await TestHost.StartAsync(settings: ["--Gateway:Metrics:PeerLimit", "2"]);
        await Tunnel(host, "bounded");
        var ids = new List<string>();
        foreach (var name in new[] { "a", "b", "c", "d" }) ids.Add((await host.Post("tunnels/bounded/peers", new { name }))["id"]!.GetValue<string>());

        Assert.Equal(["a", "b", "other"], await PeersAsync(host, "a"));

        await host.Delete($"peers/{ids[0]}");
        Assert.Equal(["b", "c", "other"], await PeersAsync(host, "c"));
    }

    [Fact]
    public async Task Metrics_NeedAToken()
    {
        await using var host = await TestHost.StartAsync();
        using var anonymous = await host.Anonymous.GetAsync("/metrics");
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "not-the-token-at-all") } };
        using var unknown = await host.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);
    }

    [Fact]
    public async Task Otlp_WithAnEndpoint_SendsThere()
    {
        var received = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2));
        await using var collector = builder.Build();
        collector.MapFallback(context =>
        {
            received.TrySetResult(context.Request.Path);
            context.Response.StatusCode = StatusCodes.Status200OK;
            return Task.CompletedTask;
        });
        await collector.StartAsync();
        var address = collector.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        // What is collected last is sent as the host stops.
        await using (await TestHost.StartAsync(settings: ["--Gateway:Otlp:Endpoint", address]))
        {
        }

        Assert.Equal("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", await received.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Theory]
    [InlineData("--Gateway:Metrics:PeerLimit", "many", "PeerLimit")]
    [InlineData("--Gateway:Metrics:Bogus", "1", "Bogus")]
    [InlineData("--Gateway:Otlp:Endpoint", "nowhere", "Endpoint")]
    public async Task Settings_ThatAreWrong_StopTheStartAndAreNamed(string key, string value, string named)
    {
        var thrown = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(settings: [key, value]));
        Assert.Contains(named, thrown.Message, StringComparison.Ordinal);
    }

    private static Task<System.Text.Json.Nodes.JsonNode> Tunnel(TestHost host, string name) => host.Post("tunnels", new { name, listenPort = 51820, addresses = new[] { "192.168.53.1/24" } });

    private static async Task<string> ReadAsync(TestHost host) => await host.Client.GetStringAsync("/metrics");

    private static async Task<string[]> PeersAsync(TestHost host, string appears)
    {
        string[] peers = [];
        await Eventually.True(async () =>
        {
            var lines = (await ReadAsync(host)).Split('\n').Where(l => l.StartsWith("gateway_peer_io_bytes_total{", StringComparison.Ordinal) && l.Contains("tunnel=\"bounded\"", StringComparison.Ordinal));
            peers = [.. lines.Select(l => l.Split("peer=\"")[1].Split('"')[0]).Distinct().Order()];
            return peers.Contains(appears);
        }, $"the series of {appears}");
        return peers;
    }
}
