using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>Tokens over the API.</summary>
public sealed class TokensTests
{
    [Fact]
    public async Task Token_Created_IsShownOnceAndWorks()
    {
        await using var host = await TestHost.StartAsync();
        var made = await host.Post("tokens", new { name = "script", scopes = new[] { "read" } });
        Assert.Matches("^gwt_[A-Za-z0-9_-]{43}$", made["token"]!.GetValue<string>());
        Assert.Null((await host.Get($"tokens/{made["id"]}"))["token"]);
        using var client = With(host, made);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/status")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/api/v1/tokens")).StatusCode);
    }

    [Fact]
    public async Task Token_EveryRuleBroken_NamesAllOfThem()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(["name", "scopes", "expiresAt"], await host.Fields(HttpMethod.Post, "tokens", new { expiresAt = "2001-01-01T00:00:00Z" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["scopes[1]"], await host.Fields(HttpMethod.Post, "tokens", new { name = "t", scopes = new[] { "read", "root" } }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["name"], await host.Fields(HttpMethod.Post, "tokens", new { name = "bootstrap", scopes = new[] { "read" } }, HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Token_ScopeThatItsOwnerLacks_IsRefused_AndLostWhenTheOwnerLosesIt()
    {
        await using var host = await TestHost.StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "operator");
        using var alice = browser;
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Own(browser, "t", "read", "admin")).Status);
        var made = JsonNode.Parse((await Own(browser, "t", "read", "configs")).Html)!;
        using var client = With(host, made);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/api/v1/peers/{Guid.Empty}/config")).StatusCode);

        await host.Patch($"users/{id}", new { role = "viewer" });

        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"/api/v1/peers/{Guid.Empty}/config")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/status")).StatusCode);
        var shown = await host.Get($"tokens/{made["id"]}");
        Assert.Equal(["read"], shown["effectiveScopes"]!.AsArray().Select(s => s!.GetValue<string>()));
        Assert.Equal("alice", shown["owner"]!.GetValue<string>());
    }

    [Fact]
    public async Task Token_OfSomebodyElse_IsNotToBeFoundAmongOnesOwn()
    {
        await using var host = await TestHost.StartAsync();
        var (_, alice) = await host.SignedInUser("alice", "operator");
        var (_, bob) = await host.SignedInUser("bob", "operator");
        var made = JsonNode.Parse((await Own(alice, "t", "read")).Html)!;
        Assert.Equal(HttpStatusCode.NotFound, await bob.Call(HttpMethod.Get, $"profile/tokens/{made["id"]}"));
        Assert.Equal(HttpStatusCode.NotFound, await bob.Call(HttpMethod.Delete, $"profile/tokens/{made["id"]}"));
        Assert.Equal(HttpStatusCode.NoContent, await alice.Call(HttpMethod.Delete, $"profile/tokens/{made["id"]}"));
        alice.Dispose();
        bob.Dispose();
    }

    [Fact]
    public async Task LastUse_IsShownAtOnceAndWrittenWithinAMinute()
    {
        using var directory = new TemporaryDirectory();
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var host = await TestHost.StartAsync(directory.Path, prepare: h => h.Configure = b => b.Services.AddSingleton<TimeProvider>(time));
        var made = await host.Post("tokens", new { name = "script", scopes = new[] { "read" } });
        Assert.Null(made["lastUsedAt"]);
        using var client = With(host, made);
        await client.GetAsync("/api/v1/status");
        var shown = await host.Get($"tokens/{made["id"]}");
        Assert.Equal((time.GetUtcNow(), "127.0.0.1"), (shown["lastUsedAt"]!.GetValue<DateTimeOffset>(), shown["lastUsedFrom"]!.GetValue<string>()));
        Assert.Null(await Stored());
        time.Advance(TimeSpan.FromMinutes(1));
        await Eventually.True(async () => await Stored() is not null, "the last use in the database");

        async Task<long?> Stored()
        {
            await using var db = await host.Services.GetRequiredService<Microsoft.EntityFrameworkCore.IDbContextFactory<Data.GatewayDbContext>>().CreateDbContextAsync();
            return db.ApiTokens.Single(t => t.Name == "script").LastUsedAt;
        }
    }

    [Fact]
    public async Task Audit_FiltersAndPages_NewestFirst()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var token = await host.Post("tokens", new { name = "script", scopes = new[] { "read" } });
        await host.Patch($"tokens/{token["id"]}", new { name = "script2" });
        var page = await host.Get("audit?limit=2");
        Assert.Equal(["token.update", "token.create"], page["items"]!.AsArray().Select(e => e!["action"]!.GetValue<string>()));
        Assert.Equal("script", page["items"]![0]!["before"]!["name"]!.GetValue<string>());
        Assert.Equal("script2", page["items"]![0]!["after"]!["name"]!.GetValue<string>());
        Assert.Equal("tunnel.create", (await host.Get($"audit?limit=2&cursor={page["nextCursor"]}"))["items"]![0]!["action"]!.GetValue<string>());
        Assert.Single((await host.Get("audit?action=tunnel"))["items"]!.AsArray());
        Assert.Equal(2, (await host.Get("audit?subject=script"))["items"]!.AsArray().Count);
        Assert.Empty((await host.Get("audit?actor=alice"))["items"]!.AsArray());
        Assert.Empty((await host.Get("audit?until=2001-01-01T00:00:00Z"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Audit_BeyondItsBound_LosesTheOldest_AndFloodsOfFailedSignInsPushNothingElseOut()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var host = await TestHost.StartAsync(null, TestHost.Token, h => h.Configure = b => b.Services.AddSingleton<TimeProvider>(time), "--Gateway:AuditEntries", "1000");
        await host.Services.GetRequiredService<Reconcile.WriteGate>().NoteAsync(db =>
        {
            for (var i = 0; i < 2000; i++)
                db.Audit.Add(new Data.AuditEntry { Id = Guid.CreateVersion7(time.GetUtcNow().AddSeconds(i)), At = i, ActorKind = "system", Actor = "x", Action = i % 2 == 0 ? "sign-in.failed" : "peer.update", Subject = $"{i}" });
            return Task.CompletedTask;
        }, CancellationToken.None);
        time.Advance(TimeSpan.FromMinutes(5));
        await Eventually.True(async () => await CountAsync("") == 1000, "the audit within its bound");
        Assert.Equal(100, await CountAsync("sign-in.failed"));

        async Task<int> CountAsync(string action) => (await host.Get($"audit?limit=1000&action={action}"))["items"]!.AsArray().Count;
    }

    private static async Task<Browser.Answer> Own(Browser browser, string name, params string[] scopes)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/profile/tokens") { Content = JsonContent.Create(new { name, scopes }) };
        return await browser.Send(request);
    }

    private static HttpClient With(TestHost host, JsonNode token) =>
        new() { BaseAddress = host.Address, DefaultRequestHeaders = { Authorization = new("Bearer", token["token"]!.GetValue<string>()) } };
}
