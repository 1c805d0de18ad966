using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Gateway.Data;
using Gateway.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests;

public sealed class HostTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task FirstStart_WithoutToken_WritesOneForItsOwnerAndLogsOnlyThePath()
    {
        using var directory = new TemporaryDirectory();
        string token;
        await using (var host = await TestHost.StartAsync(directory.Path, token: null))
        {
            var file = Path.Combine(directory.Path, "api-token");
            token = (await File.ReadAllTextAsync(file)).Trim();
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(file));
            Assert.Contains(host.Log.Lines, line => line.Contains(file, StringComparison.Ordinal));
            Assert.DoesNotContain(host.Log.Lines, line => line.Contains(token, StringComparison.Ordinal));
            await host.Wg0();
            Assert.All(Directory.EnumerateFiles(directory.Path, "*", SearchOption.AllDirectories), f => Assert.Equal(OwnerOnly, File.GetUnixFileMode(f)));
        }

        await using var again = await TestHost.StartAsync(directory.Path, token: null);
        Assert.Equal(token, (await File.ReadAllTextAsync(Path.Combine(directory.Path, "api-token"))).Trim());
        await again.Get("tunnels/wg0");
    }

    [Fact]
    public async Task Change_WhileSomebodyReadsTheDatabase_WaitsForNobody()
    {
        await using var host = await TestHost.StartAsync();
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync(TestContext.Current.CancellationToken);
        await db.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var reading = ((SqliteConnection)db.Database.GetDbConnection()).BeginTransaction(deferred: true);
        await db.Database.UseTransactionAsync(reading, TestContext.Current.CancellationToken);
        Assert.Empty(await db.Tunnels.ToListAsync(TestContext.Current.CancellationToken));

        // A rollback journal would keep the commit waiting for the reader, and give up in the end.
        await host.Wg0();

        Assert.Empty(await db.Tunnels.ToListAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task BootstrapToken_OnALaterStart_IsNotHonoured()
    {
        using var directory = new TemporaryDirectory();
        await using (await TestHost.StartAsync(directory.Path))
        {
        }

        await using var host = await TestHost.StartAsync(directory.Path, token: "another-token-entirely");
        await host.Get("status", HttpStatusCode.Unauthorized);
        host.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestHost.Token);
        await host.Get("status");
    }

    [Fact]
    public async Task FirstStart_WarnsOfNothingInTheDatabase()
    {
        await using var host = await TestHost.StartAsync();
        Assert.DoesNotContain(host.Log.Lines, l => l.StartsWith("Warning Microsoft.EntityFrameworkCore", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Anonymous_GetsHealthAndTheAssetsOnly()
    {
        await using var host = await TestHost.StartAsync();
        foreach (var path in new[] { "/app.js", "/app.css", "/_framework/blazor.web.js", "/healthz", "/readyz" })
        {
            using var open = await host.Anonymous.GetAsync(path);
            Assert.True(open.IsSuccessStatusCode, $"{path}: {open.StatusCode}");
            Assert.Contains("script-src 'self'", open.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        }

        var document = System.Text.Json.Nodes.JsonNode.Parse(await host.Client.GetStringAsync("/swagger/v1/swagger.json"))!;
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, _) in operations!.AsObject())
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("{id}", Guid.Empty.ToString(), StringComparison.Ordinal).Replace("{linkId}", Guid.Empty.ToString(), StringComparison.Ordinal).Replace("{name}", "x", StringComparison.Ordinal));
                using var closed = await host.Anonymous.SendAsync(request);
                Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
                Assert.Equal("application/problem+json", closed.Content.Headers.ContentType!.MediaType);
            }
        }

        foreach (var path in new[] { "/", "/overview", "/_blazor/negotiate", "/swagger/", "/swagger/index.html", "/swagger/v1/swagger.json", "/api/v1/nothing" })
        {
            using var closed = await host.Anonymous.GetAsync(path);
            Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
        }
    }

    [Fact]
    public async Task ApiPage_OpensForTheTokenAndForNobodyElse()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Contains("swagger-ui", await host.Client.GetStringAsync("/swagger/index.html"), StringComparison.Ordinal);
        using var asset = await host.Client.GetAsync("/swagger/swagger-ui-bundle.js");
        Assert.Equal(HttpStatusCode.OK, asset.StatusCode);
        using var closed = await host.Anonymous.GetAsync("/swagger/swagger-ui-bundle.js");
        Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
    }

    [Fact]
    public async Task OpenApi_HasAnExampleForEveryBody()
    {
        await using var host = await TestHost.StartAsync();
        var paths = System.Text.Json.Nodes.JsonNode.Parse(await host.Client.GetStringAsync("/swagger/v1/swagger.json"))!["paths"]!.AsObject();
        var mapped = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText!.StartsWith("/api/v1/", StringComparison.Ordinal))
            .SelectMany(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(m => $"{m} {Regex.Replace(e.RoutePattern.RawText!, ":[a-z]+}", "}").TrimEnd('/')}".ToUpperInvariant()));
        Assert.Equal(mapped.Order(), paths.SelectMany(p => p.Value!.AsObject().Select(o => $"{o.Key} {p.Key.TrimEnd('/')}".ToUpperInvariant())).Order());
        var bodies = paths.SelectMany(p => p.Value!.AsObject()).Select(o => o.Value!["requestBody"]).Where(b => b is not null);
        Assert.All(bodies, body => Assert.All(body!["content"]!.AsObject(), content => Assert.NotNull(content.Value!["example"])));
    }

    [Fact]
    public async Task Restart_KeepsEverything()
    {
        using var directory = new TemporaryDirectory();
        string before;
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            await host.Wg0();
            var peer = await host.Post("tunnels/wg0/peers", new { name = "u", addresses = new[] { "192.168.53.99/32" } });
            await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
            // Taking the config is itself remembered.
            await State(host);
            before = await State(host);
        }

        await using var again = await TestHost.StartAsync(directory.Path);
        Assert.Equal(before, await State(again));
        Assert.Equal("192.168.70.0/24", Assert.Single(again.Ports.Device!.Settings!.Routes).ToString());

        static async Task<string> State(TestHost host)
        {
            var config = await host.Client.GetStringAsync($"/api/v1/peers/{(await host.Get("peers"))["items"]![0]!["id"]}/config");
            var peers = await host.Get("peers");
            foreach (var peer in peers["items"]!.AsArray()) peer!.AsObject().Remove("configDownloadedAt");
            return $"{await host.Get("tunnels")}{peers}{await host.Get("routes")}{config}";
        }
    }

    [Fact]
    public async Task Secrets_AreInTheConfigOnly()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var config = await host.Client.GetStringAsync($"/api/v1/peers/{peer["id"]}/config");
        var secrets = config.Split('\n').Where(l => l.StartsWith("PrivateKey", StringComparison.Ordinal) || l.StartsWith("PresharedKey", StringComparison.Ordinal))
            .Select(l => l.Split(" = ")[1]).Append(TestHost.Token).ToList();
        Assert.Equal(3, secrets.Count);
        await host.Patch($"peers/{peer["id"]}", new { name = "v" });
        var seen = new StringBuilder();
        foreach (var path in new[] { "tunnels", "tunnels/wg0", "peers", $"peers/{peer["id"]}", "routes", "status", "interfaces" }) seen.Append(await host.Get(path));
        foreach (var line in host.Log.Lines) seen.Append(line);
        await host.StopAsync();
        foreach (var file in Directory.EnumerateFiles(host.Directory, "gateway.db*")) seen.Append(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)));
        var text = seen.ToString();
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        Assert.All(secrets.Take(2), secret => Assert.DoesNotContain(Encoding.Latin1.GetString(Convert.FromBase64String(secret)), text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task LastEndpoint_OfTheLastSession_IsDialledAfterARestart()
    {
        using var directory = new TemporaryDirectory();
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            await host.Wg0();
            var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
            await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
            var now = TimeProvider.System.GetUtcNow().UtcTicks;
            await db.Peers.ExecuteUpdateAsync(set => set.SetProperty(p => p.LastEndpoint, "127.0.0.1:40000").SetProperty(p => p.LastEndpointAt, now));
        }

        await using var again = await TestHost.StartAsync(directory.Path);
        Assert.Equal("127.0.0.1:40000", (await again.Get("peers"))["items"]![0]!["lastEndpoint"]!.GetValue<string>());
        await Eventually.True(async () => (await again.Get("peers"))["items"]![0]!["sentBytes"]!.GetValue<long>() >= 148, "a handshake initiation");
    }

    [Fact]
    public async Task Start_SettingsWrong_NamesThemAll()
    {
        using var directory = new TemporaryDirectory();
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(directory.Path, "short", null, "--Gateway:FlowCapacity", "many", "--Gateway:Colour", "red"));
        Assert.Contains("Gateway:Bootstrap:ApiToken", error.Message, StringComparison.Ordinal);
        Assert.Contains("Gateway:FlowCapacity", error.Message, StringComparison.Ordinal);
        Assert.Contains("Gateway:Colour", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8099x")]
    [InlineData("http://gateway.example:8080")]
    [InlineData("127.0.0.1:8080")]
    public async Task Start_UrlThatKestrelWouldTakeForEveryAddress_IsRefused(string url)
    {
        using var directory = new TemporaryDirectory();
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(directory.Path, null, null, "--urls", url));
        Assert.Contains(url, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SecondOnTheSameDirectory_IsRefused()
    {
        await using var host = await TestHost.StartAsync();
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(host.Directory));
        Assert.Contains("Another gateway", error.Message, StringComparison.Ordinal);
        await host.Get("status");
    }

    [Fact]
    public async Task Start_DatabaseIsNone_SaysSo()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "gateway.db"), new string('x', 8192));
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(directory.Path));
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_DataDirectoryIsAFile_NamesItAndTheSetting()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(file, "");
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(file));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains("Gateway:DataDirectory", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SurroundingsLackSomething_SaysWhat()
    {
        using var directory = new TemporaryDirectory();
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(directory.Path, prepare: h => h.Kernel.Missing.Add("No /dev/net/tun.")));
        Assert.Contains("/dev/net/tun", error.Message, StringComparison.Ordinal);
    }
}
