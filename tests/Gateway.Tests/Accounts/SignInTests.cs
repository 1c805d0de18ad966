using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>First start, signing in and out, links that work once, and what keeps strangers from guessing.</summary>
public sealed partial class SignInTests
{
    [Fact]
    public async Task FirstStart_WithoutPassword_LogsALinkThatMakesTheFirstUserOnce()
    {
        await using var host = await TestHost.StartAsync();
        var link = Link(host);
        using var browser = new Browser(host.Address);

        var made = await browser.Submit(link, ("Name", "root"), ("Password", AccountSteps.Password), ("Repeated", AccountSteps.Password));

        Assert.Equal((HttpStatusCode.Redirect, "/"), (made.Status, made.Location));
        Assert.Equal(HttpStatusCode.OK, (await browser.Open("/")).Status);
        Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "users"));
        Assert.Equal(HttpStatusCode.OK, (await browser.Open("/swagger/index.html")).Status);
        using var second = new Browser(host.Address);
        Assert.Equal(HttpStatusCode.Gone, (await second.Open(link)).Status);
    }

    [Theory]
    [InlineData("short", "short", "12")]
    [InlineData("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "harder to guess")]
    [InlineData("my name is root!", "my name is root!", "contains the name")]
    [InlineData("correct horse battery", "correct horse batter", "differ")]
    public async Task SetUp_PasswordNotGood_SaysWhyAndMakesNobody(string password, string repeated, string why)
    {
        await using var host = await TestHost.StartAsync();
        using var browser = new Browser(host.Address);
        var refused = await browser.Submit(Link(host), ("Name", "root"), ("Password", password), ("Repeated", repeated));
        Assert.Contains(why, refused.Problem, StringComparison.Ordinal);
        Assert.Empty((await host.Get("users"))["items"]!.AsArray());
    }

    [Fact]
    public async Task SetUpLink_AfterAnHour_IsDeadAndARestartMakesANewOne()
    {
        using var directory = new TemporaryDirectory();
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        string first;
        await using (var host = await TestHost.StartAsync(directory.Path, prepare: h => h.Configure = b => b.Services.AddSingleton<TimeProvider>(time)))
        {
            first = Link(host);
            using var browser = new Browser(host.Address);
            Assert.Equal(HttpStatusCode.OK, (await browser.Open(first)).Status);
            time.Advance(TimeSpan.FromMinutes(61));
            Assert.Equal(HttpStatusCode.Gone, (await browser.Open(first)).Status);
        }

        await using var again = await TestHost.StartAsync(directory.Path);
        using var other = new Browser(again.Address);
        Assert.Equal(HttpStatusCode.Gone, (await other.Open(first)).Status);
        Assert.Equal(HttpStatusCode.OK, (await other.Open(Link(again))).Status);
    }

    [Fact]
    public async Task FirstStart_WithPassword_MakesTheAdminAndNoLink()
    {
        using var directory = new TemporaryDirectory();
        await using (var host = await TestHost.StartAsync(directory.Path, TestHost.Token, null, "--Gateway:Bootstrap:AdminPassword", AccountSteps.Password))
        {
            Assert.DoesNotContain(host.Log.Lines, l => l.Contains("/account/set-up/", StringComparison.Ordinal));
            using var browser = new Browser(host.Address);
            Assert.Equal("/", (await browser.SignIn("admin", AccountSteps.Password)).Location);
        }

        await using var again = await TestHost.StartAsync(directory.Path, TestHost.Token, null, "--Gateway:Bootstrap:AdminPassword", "another one entirely");
        using var later = new Browser(again.Address);
        Assert.NotNull((await later.SignIn("admin", "another one entirely")).Problem);
        Assert.Equal("/", (await later.SignIn("ADMIN", AccountSteps.Password)).Location);
    }

    [Fact]
    public async Task Page_NotSignedIn_LeadsToTheSignInAndBack()
    {
        await using var host = await TestHost.StartAsync();
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        browser.Dispose();
        using var fresh = new Browser(host.Address);
        var there = (await fresh.Open("/tunnels?x=1")).Location!;
        Assert.Equal("/account/sign-in?returnUrl=%2Ftunnels%3Fx%3D1", there);
        Assert.Equal("/tunnels?x=1", (await fresh.Submit(there, ("Name", "alice"), ("Password", AccountSteps.Password))).Location);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    public async Task SignIn_ReturnUrlElsewhere_GoesToTheOverview(string returnUrl)
    {
        await using var host = await TestHost.StartAsync();
        (await host.SignedInUser("alice", "viewer")).Browser.Dispose();
        using var browser = new Browser(host.Address);
        Assert.Equal("/", (await browser.Submit($"/account/sign-in?returnUrl={Uri.EscapeDataString(returnUrl)}", ("Name", "alice"), ("Password", AccountSteps.Password))).Location);
    }

    [Fact]
    public async Task SignIn_AllWaysToFail_SayTheSameAndAreInTheAudit()
    {
        await using var host = await TestHost.StartAsync();
        (await host.SignedInUser("alice", "viewer")).Browser.Dispose();
        var bob = await host.SignedInUser("bob", "viewer");
        bob.Browser.Dispose();
        await host.Patch($"users/{bob.Id}", new { disabled = true });
        await host.Post("users", new { name = "carol" });
        using var browser = new Browser(host.Address);
        var longName = "not a name but a password typed into the wrong field " + new string('x', 100);

        var problems = new[]
        {
            await browser.SignIn("alice", "wrong password!"), await browser.SignIn("nobody", "wrong password!"), await browser.SignIn("bob", AccountSteps.Password),
            await browser.SignIn("carol", ""), await browser.SignIn(longName, "wrong password!"),
        };

        Assert.Single(problems.Select(p => p.Problem).Distinct());
        Assert.NotNull(problems[0].Problem);
        var entries = (await host.Get("audit?action=sign-in.failed"))["items"]!.AsArray();
        Assert.Equal(
            [("alice", "wrong password"), ("bob", "disabled"), ("carol", "has no password"), ("nobody", "unknown name"), (longName[..64] + "…", "unknown name")],
            entries.Select(e => (e!["subject"]!.GetValue<string>(), e["after"]!["reason"]!.GetValue<string>())).OrderBy(e => e.Item1, StringComparer.Ordinal));
        Assert.All(entries, e => Assert.Equal("127.0.0.1", e!["from"]!.GetValue<string>()));
        Assert.DoesNotContain("wrong password!", string.Join('\n', host.Log.Lines) + await host.Get("audit"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignIn_WrongPasswordFiveTimes_LocksTheAccountUntilAnInvitationOpensIt()
    {
        await using var host = await TestHost.StartAsync();
        var (id, first) = await host.SignedInUser("alice", "viewer");
        first.Dispose();
        using var browser = new Browser(host.Address);
        for (var i = 0; i < 5; i++) Assert.NotNull((await browser.SignIn("alice", "wrong password!")).Problem);
        Assert.NotNull((await browser.SignIn("alice", AccountSteps.Password)).Problem);
        Assert.NotNull((await host.Get($"users/{id}"))["lockedUntil"]);

        var link = (await host.Post($"users/{id}/invitation", new { }, HttpStatusCode.OK))["invitationLink"]!.GetValue<string>();
        Assert.Equal("/", (await browser.Submit(new Uri(link).AbsolutePath, ("Password", "another horse battery"), ("Repeated", "another horse battery"))).Location);
        Assert.Null((await host.Get($"users/{id}"))["lockedUntil"]);
    }

    [Fact]
    public async Task SignIn_TooManyAttempts_Is429WithRetryAfter_AlsoForNamesThatAreNone()
    {
        await using var host = await TestHost.StartAsync();
        using var browser = new Browser(host.Address);
        for (var i = 0; i < 10; i++) Assert.Equal(HttpStatusCode.OK, (await browser.SignIn("nobody", "wrong password!")).Status);
        var refused = await browser.SignIn("nobody", "wrong password!");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.Status);
        Assert.InRange(refused.Message.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 15);
        Assert.Contains("Too many attempts", refused.Problem, StringComparison.Ordinal);
        for (var i = 0; i < 9; i++) await browser.SignIn($"nobody{i}", "wrong password!");
        Assert.Equal(HttpStatusCode.TooManyRequests, (await browser.SignIn("yet-another", "wrong password!")).Status);
        Assert.Equal(19, (await host.Get("audit?action=sign-in.failed"))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Form_WithoutItsAntiforgeryToken_IsRefused()
    {
        await using var host = await TestHost.StartAsync();
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        using (browser)
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await browser.Post("/account/sign-out", [new("_handler", "sign-out")])).Status);
            Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "status"));
        }
    }

    [Fact]
    public async Task SignOut_EndsTheSession_SoThatAKeptCookieIsWorthNothing()
    {
        await using var host = await TestHost.StartAsync();
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        var kept = browser.CookieHeader;
        Assert.Equal(HttpStatusCode.Redirect, (await browser.Submit("/account/sign-out")).Status);
        browser.Dispose();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/status");
        request.Headers.Add("Cookie", kept);
        using var answer = await host.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(["sign-out", "sign-in"], (await host.Get("audit?action=sign-"))["items"]!.AsArray().Select(e => e!["action"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Cookie_OverHttp_IsHttpOnlyAndLax()
    {
        await using var host = await TestHost.StartAsync();
        (await host.SignedInUser("alice", "viewer")).Browser.Dispose();
        using var browser = new Browser(host.Address);
        var cookie = (await browser.SignIn("alice", AccountSteps.Password)).Message.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("gateway=", StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("expires", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Cookie_FromAnotherSitesPage_ChangesNothing()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var (_, browser) = await host.SignedInUser("alice", "operator");
        using (browser)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await browser.Call(HttpMethod.Post, "tunnels/wg0/peers", new { name = "u" }, "https://evil.example"));
            Assert.Equal(HttpStatusCode.Created, await browser.Call(HttpMethod.Post, "tunnels/wg0/peers", new { name = "v" }, host.Address.GetLeftPart(UriPartial.Authority)));
            Assert.Single((await host.Get("peers"))["items"]!.AsArray());
        }
    }

    [Fact]
    public async Task Password_Changed_EndsTheOtherSessionsAndNotThisOne()
    {
        await using var host = await TestHost.StartAsync();
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        using var other = new Browser(host.Address);
        await other.SignIn("alice", AccountSteps.Password);
        Assert.Equal(HttpStatusCode.OK, await other.Call(HttpMethod.Get, "status"));

        Assert.Contains("not your password", (await browser.Submit("/account/password", ("Current", "wrong"), ("Password", "another horse battery"), ("Repeated", "another horse battery"))).Problem, StringComparison.Ordinal);
        Assert.Null((await browser.Submit("/account/password", ("Current", AccountSteps.Password), ("Password", "another horse battery"), ("Repeated", "another horse battery"))).Problem);

        Assert.Equal(HttpStatusCode.Unauthorized, await other.Call(HttpMethod.Get, "status"));
        Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "status"));
        Assert.NotNull((await other.SignIn("alice", AccountSteps.Password)).Problem);
        Assert.Equal("/", (await other.SignIn("alice", "another horse battery")).Location);
        browser.Dispose();
    }

    [Fact]
    public async Task Session_NotUsedForHalfADay_IsOver()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var host = await TestHost.StartAsync(prepare: h => h.Configure = b => b.Services.AddSingleton<TimeProvider>(time));
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        using (browser)
        {
            time.Advance(TimeSpan.FromHours(11));
            Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "status"));
            time.Advance(TimeSpan.FromHours(11));
            Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "status"));
            time.Advance(TimeSpan.FromHours(13));
            Assert.Equal(HttpStatusCode.Unauthorized, await browser.Call(HttpMethod.Get, "status"));
        }
    }

    internal static string Link(TestHost host) => SetUpLink().Match(host.Log.Lines.First(l => l.Contains("/account/set-up/", StringComparison.Ordinal))).Value;

    [GeneratedRegex("/account/set-up/[A-Za-z0-9_-]{43}")]
    private static partial Regex SetUpLink();
}
