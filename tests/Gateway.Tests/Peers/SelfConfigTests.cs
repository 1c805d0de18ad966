using System.Net;
using System.Text.Json.Nodes;
using Gateway.Features.Self;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>What is served on a tunnel's own address. That only packets of the tunnel get there is shown with namespaces.</summary>
public sealed class SelfConfigTests
{
    [Fact]
    public async Task Self_AskedFromAPeersOwnAddress_TellsItsConfigWithoutSecrets()
    {
        await using var host = await TestHost.StartAsync();
        var (app, peer) = await Make(host);
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24" });
        var answer = await Ask(app, "192.168.53.99");
        Assert.Equal(200, answer.Status);
        var config = JsonNode.Parse(answer.Body)!;
        Assert.Equal(["192.168.53.0/24", "192.168.60.0/24"], config["routes"]!.AsArray().Select(r => r!.GetValue<string>()));
        Assert.Equal((1420, "u"), (config["mtu"]!.GetValue<int>(), config["peer"]!.GetValue<string>()));
        Assert.DoesNotContain("ey", answer.Body, StringComparison.Ordinal);
        Assert.Equal(304, (await Ask(app, "192.168.53.99", answer.Tag)).Status);
    }

    [Theory]
    [InlineData("192.168.53.7", "/api/v1/self/config", "GET", 403)]
    [InlineData("192.168.70.5", "/api/v1/self/config", "GET", 403)]
    [InlineData("192.168.53.99", "/api/v1/peers", "GET", 404)]
    [InlineData("192.168.53.99", "/api/v1/self/config", "POST", 405)]
    public async Task Self_AskedByOrForAnythingElse_IsRefused(string source, string path, string method, int expected)
    {
        await using var host = await TestHost.StartAsync();
        var (app, peer) = await Make(host);
        // A host behind the peer is not the peer.
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        Assert.Equal(expected, (await Ask(app, source, path: path, method: method)).Status);
    }

    [Fact]
    public async Task Self_AskedToWait_AnswersWhenItChanges()
    {
        await using var host = await TestHost.StartAsync();
        var (app, peer) = await Make(host);
        var tag = (await Ask(app, "192.168.53.99")).Tag;
        var waiting = Ask(app, "192.168.53.99", tag, prefer: "wait=60");
        // What is none of its business does not wake it, or it would answer with the same tag.
        var other = await host.Post("tunnels/wg0/peers", new { name = "v" });
        await host.Post($"peers/{other["id"]}/routes", new { prefix = "192.168.61.0/24" });
        Assert.False(waiting.IsCompleted);
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.62.0/24" });
        var answer = await waiting.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains("192.168.62.0/24", answer.Body, StringComparison.Ordinal);
        waiting = Ask(app, "192.168.53.99", answer.Tag, prefer: "wait=60");
        await host.Patch("tunnels/wg0", new { dnsServers = new[] { "192.168.60.53" } });
        Assert.Contains("192.168.60.53", (await waiting.WaitAsync(TimeSpan.FromSeconds(30))).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Self_AskedTooOftenAtOnce_Is429()
    {
        await using var host = await TestHost.StartAsync();
        var (app, _) = await Make(host);
        var tag = (await Ask(app, "192.168.53.99")).Tag;
        using var end = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, 4).Select(_ => Ask(app, "192.168.53.99", tag, prefer: "wait=60", left: end.Token)).ToList();
        Assert.Equal(429, (await Ask(app, "192.168.53.99", tag, prefer: "wait=60")).Status);
        await end.CancelAsync();
        await Task.WhenAll(waiting);
        Assert.Equal(200, (await Ask(app, "192.168.53.99")).Status);
    }

    [Fact]
    public async Task Self_OnTheApiItself_IsRefusedAndConfigTellsWhereToAsk()
    {
        await using var host = await TestHost.StartAsync();
        var (_, peer) = await Make(host);
        await host.Get("self/config", HttpStatusCode.Forbidden);
        using var config = await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config");
        Assert.Contains("# Follow = http://192.168.53.1:51820/api/v1/self/config\n", await config.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static async Task<(SelfApplication App, JsonNode Peer)> Make(TestHost host)
    {
        var tunnel = await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u", addresses = new[] { "192.168.53.99/32" } });
        var services = host.Services;
        return (new SelfApplication(Guid.Parse(tunnel["id"]!.GetValue<string>()), services.GetRequiredService<SelfConfigs>(), services.GetRequiredService<Followers>(), TimeProvider.System), peer);
    }

    private static async Task<(int Status, string Body, string Tag)> Ask(
        SelfApplication app, string source, string? tag = null, string path = SelfApplication.Path, string method = "GET", string? prefer = null, CancellationToken left = default)
    {
        var features = new FeatureCollection();
        using var body = new MemoryStream();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = method, Path = path });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { RemoteIpAddress = IPAddress.Parse(source) });
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = left });
        var context = app.CreateContext(features);
        if (tag is not null) context.Request.Headers.IfNoneMatch = tag;
        if (prefer is not null) context.Request.Headers["Prefer"] = prefer;
        await app.ProcessRequestAsync(context);
        return (context.Response.StatusCode, System.Text.Encoding.UTF8.GetString(body.ToArray()), context.Response.Headers.ETag.ToString());
    }
}
