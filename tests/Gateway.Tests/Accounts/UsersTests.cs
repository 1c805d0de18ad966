using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>Users over the API.</summary>
public sealed class UsersTests
{
    [Fact]
    public async Task LinksAndSessions_ThatAreOver_AreTakenOutOfTheDatabase()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var host = await TestHost.StartAsync(prepare: h => h.Configure = b => b.Services.AddSingleton<TimeProvider>(time));
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        browser.Dispose();
        await host.Post("users", new { name = "bob" });
        Assert.Equal((1, 1), await KeptAsync());
        time.Advance(TimeSpan.FromDays(4));
        await Eventually.True(async () =>
        {
            time.Advance(TimeSpan.FromHours(1));
            return await KeptAsync() == (0, 0);
        }, "the link's hash and the session being gone");

        async Task<(int Links, int Sessions)> KeptAsync()
        {
            await using var db = await host.Services.GetRequiredService<IDbContextFactory<Data.GatewayDbContext>>().CreateDbContextAsync();
            return (await db.Users.CountAsync(u => u.InvitationHash != null), await db.Sessions.CountAsync());
        }
    }

    [Fact]
    public async Task User_Created_HasNoPasswordButALinkThatWorksOnce()
    {
        await using var host = await TestHost.StartAsync();
        var made = await host.Post("users", new { name = "alice" });
        Assert.Equal(("viewer", 0), (made["role"]!.GetValue<string>(), made["signInMethods"]!.AsArray().Count));
        var link = new Uri(made["invitationLink"]!.GetValue<string>());
        Assert.Equal(host.Address.Authority, link.Authority);
        Assert.Null((await host.Get($"users/{made["id"]}"))["invitationLink"]);

        using var browser = new Browser(host.Address);
        Assert.Equal("/", (await browser.Submit(link.AbsolutePath, ("Password", AccountSteps.Password), ("Repeated", AccountSteps.Password))).Location);
        Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "status"));
        Assert.Equal(HttpStatusCode.Gone, (await browser.Open(link.AbsolutePath)).Status);
        Assert.Equal(["password"], (await host.Get($"users/{made["id"]}"))["signInMethods"]!.AsArray().Select(m => m!.GetValue<string>()));
        Assert.NotNull((await host.Get($"users/{made["id"]}"))["lastSignInAt"]);
    }

    [Fact]
    public async Task Invitation_ReplacedByANewOne_IsDead()
    {
        await using var host = await TestHost.StartAsync();
        var made = await host.Post("users", new { name = "alice" });
        var second = await host.Post($"users/{made["id"]}/invitation", new { }, HttpStatusCode.OK);
        using var browser = new Browser(host.Address);
        Assert.Equal(HttpStatusCode.Gone, (await browser.Open(new Uri(made["invitationLink"]!.GetValue<string>()).AbsolutePath)).Status);
        Assert.Equal(HttpStatusCode.OK, (await browser.Open(new Uri(second["invitationLink"]!.GetValue<string>()).AbsolutePath)).Status);
    }

    [Fact]
    public async Task Invitation_TooOld_IsDead()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var host = await TestHost.StartAsync(prepare: h => h.Configure = b => Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton<TimeProvider>(b.Services, time));
        var link = new Uri((await host.Post("users", new { name = "alice" }))["invitationLink"]!.GetValue<string>()).AbsolutePath;
        using var browser = new Browser(host.Address);
        time.Advance(TimeSpan.FromDays(3) - TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, (await browser.Open(link)).Status);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.Gone, (await browser.Open(link)).Status);
    }

    [Fact]
    public async Task User_EveryRuleBroken_NamesAllOfThem()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(["name", "role"], await host.Fields(HttpMethod.Post, "users", new { name = "al ice", role = "root" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["name"], await host.Fields(HttpMethod.Post, "users", new { name = new string('a', 65) }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["colour"], await host.Fields(HttpMethod.Post, "users", new { name = "alice", colour = "red" }, HttpStatusCode.BadRequest));
        await host.Post("users", new { name = "alice" });
        Assert.Equal(["name"], await host.Fields(HttpMethod.Post, "users", new { name = "Alice" }, HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task LastAdmin_IsNeitherDemotedDisabledNorDeleted()
    {
        await using var host = await TestHost.StartAsync();
        var (id, browser) = await host.SignedInUser("root", "admin");
        using var root = browser;
        await host.Post("users", new { name = "invited-only", role = "admin" });
        await host.Patch($"users/{id}", new { role = "viewer" }, HttpStatusCode.Conflict);
        await host.Patch($"users/{id}", new { disabled = true }, HttpStatusCode.Conflict);
        Assert.Equal(HttpStatusCode.Conflict, (await host.Ask(HttpMethod.Delete, $"users/{id}")).StatusCode);
        var (_, second) = await host.SignedInUser("root2", "admin");
        second.Dispose();
        await host.Patch($"users/{id}", new { role = "viewer" });
        await host.Delete($"users/{id}");
    }

    [Fact]
    public async Task User_ChangedSinceRead_Is412()
    {
        await using var host = await TestHost.StartAsync();
        var made = await host.Post("users", new { name = "alice" });
        await host.Patch($"users/{made["id"]}", new { role = "operator" });
        Assert.Equal(HttpStatusCode.PreconditionFailed, (await host.Ask(HttpMethod.Patch, $"users/{made["id"]}", new { role = "viewer" }, $"\"{made["revision"]}\"")).StatusCode);
    }

    [Fact]
    public async Task Users_Listed_ArePagedAndFound()
    {
        await using var host = await TestHost.StartAsync();
        foreach (var name in new[] { "alice", "bob", "carol" }) await host.Post("users", new { name });
        var first = await host.Get("users?limit=2");
        Assert.Equal(["alice", "bob"], first["items"]!.AsArray().Select(u => u!["name"]!.GetValue<string>()));
        Assert.Equal("carol", (await host.Get($"users?limit=2&cursor={first["nextCursor"]}"))["items"]!.AsArray().Single()!["name"]!.GetValue<string>());
        Assert.Equal("bob", (await host.Get("users?search=BO"))["items"]!.AsArray().Single()!["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Secrets_OfAccounts_AreInNoAnswerLogOrFile()
    {
        await using var host = await TestHost.StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "admin");
        using var alice = browser;
        var token = (await host.Post("tokens", new { name = "t", scopes = new[] { "read" } }))["token"]!.GetValue<string>();
        var link = (await host.Post($"users/{id}/invitation", new { }, HttpStatusCode.OK))["invitationLink"]!.GetValue<string>();
        var seen = new StringBuilder();
        foreach (var path in new[] { "users", $"users/{id}", "tokens", "audit", "profile" }) seen.Append(await host.Get(path));
        foreach (var line in host.Log.Lines) seen.Append(line);
        await host.StopAsync();
        foreach (var file in Directory.EnumerateFiles(host.Directory, "gateway.db*")) seen.Append(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)));
        var text = seen.ToString();
        Assert.DoesNotContain(AccountSteps.Password, text, StringComparison.Ordinal);
        Assert.DoesNotContain(token, text, StringComparison.Ordinal);
        Assert.DoesNotContain(link[(link.LastIndexOf('/') + 1)..], text, StringComparison.Ordinal);
        Assert.DoesNotContain(browser.CookieHeader["gateway=".Length..][..40], text, StringComparison.Ordinal);
    }
}
