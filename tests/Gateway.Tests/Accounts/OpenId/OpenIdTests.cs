using System.Net;
using System.Text.Json.Nodes;
using Gateway.Features.Accounts.OpenId;
using Gateway.Hosting;
using Xunit;

namespace Gateway.Tests.Accounts.OpenId;

/// <summary>Signing in at an OpenID provider, over HTTP from the button to the session, against a provider on loopback.</summary>
public sealed class OpenIdTests
{
    private static readonly string[] ByGroup = ["--Gateway:Oidc:Roles:operator", "vpn-operators, vpn-night", "--Gateway:Oidc:Roles:admin", "vpn-admins", "--Gateway:Oidc:Roles:viewer", "staff"];

    [Fact]
    public async Task FirstSignIn_MakesTheUserWithTheRoleOfTheirGroup()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, ByGroup);
        provider.Groups = ["staff", "vpn-night"];
        using var browser = new Browser(host.Address);

        var end = await SignInAsync(browser, provider, "/peers");

        Assert.Equal((HttpStatusCode.Redirect, "/peers"), (end.Status, end.Location));
        Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "status"));
        var jane = await UserAsync(host, "jane");
        Assert.Equal("operator", jane["role"]!.GetValue<string>());
        Assert.Equal(["openid"], jane["signInMethods"]!.AsArray().Select(m => m!.GetValue<string>()));
        var audit = (await host.Get("audit?actor=jane"))["items"]!.AsArray().Select(e => e!).ToArray();
        Assert.Equal(["sign-in", "user.connect-openid", "user.create"], audit.Select(e => e["action"]!.GetValue<string>()).Order());
        Assert.All(audit, e => Assert.Equal("127.0.0.1", e["from"]!.GetValue<string>()));
        Assert.Equal("openid", audit.Single(e => e["action"]!.GetValue<string>() == "sign-in")["after"]!["method"]!.GetValue<string>());
        Assert.Equal(provider.Subject, audit.Single(e => e["action"]!.GetValue<string>() == "user.connect-openid")["after"]!["subject"]!.GetValue<string>());
        Assert.All(provider.Secrets, secret => Assert.DoesNotContain(host.Log.Lines, l => l.Contains(secret, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task SignInAgain_RoleAndNameChangedAtTheProvider_IsTheSameUserWithTheNewRole()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, ByGroup);
        provider.Groups = ["vpn-operators"];
        using var first = new Browser(host.Address);
        await SignInAsync(first, provider);
        (provider.Groups, provider.Name) = (["staff"], "jane.married");
        using var second = new Browser(host.Address);

        await SignInAsync(second, provider);

        Assert.Equal("viewer", (await UserAsync(host, "jane"))["role"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.Forbidden, await first.Call(HttpMethod.Post, "tunnels/x/peers", new { }));
        Assert.Equal("operator", Entry(await host.Get("audit?action=user.update"))["before"]!["role"]!.GetValue<string>());
    }

    [Fact]
    public async Task SignIn_WithoutARole_IsRefusedAndMakesNobody()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, ByGroup);
        provider.Groups = ["visitors"];
        using var browser = new Browser(host.Address);

        var end = await SignInAsync(browser, provider);

        Assert.Equal(HttpStatusCode.Forbidden, end.Status);
        Assert.Contains("no role", end.Problem, StringComparison.Ordinal);
        await NobodyAsync(host, browser, "no role");
    }

    [Fact]
    public async Task SignIn_LostTheRoleSince_IsRefused()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, ByGroup);
        provider.Groups = ["staff"];
        using var browser = new Browser(host.Address);
        await SignInAsync(browser, provider);
        provider.Groups = [];
        using var later = new Browser(host.Address);
        Assert.Equal(HttpStatusCode.Forbidden, (await SignInAsync(later, provider)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, await later.Call(HttpMethod.Get, "status"));
    }

    [Theory]
    [InlineData("nonce", "wrong nonce")]
    [InlineData("signature", "wrong signature")]
    [InlineData("issuer", "wrong issuer")]
    [InlineData("audience", "wrong audience")]
    [InlineData("expired", "expired")]
    public async Task Token_NotAsItMustBe_IsRefusedAndMakesNobody(string fault, string reason)
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, ByGroup);
        (provider.Groups, provider.Fault) = (["staff"], fault);
        using var browser = new Browser(host.Address);

        var end = await SignInAsync(browser, provider);

        Assert.Contains("did not work", end.Problem, StringComparison.Ordinal);
        await NobodyAsync(host, browser, reason);
        Assert.All(provider.Secrets, secret => Assert.DoesNotContain(host.Log.Lines, l => l.Contains(secret, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Callback_OfAnotherBrowserOrWithAStateOfNobody_IsRefused(bool ofAnother)
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, ByGroup);
        provider.Groups = ["staff"];
        using var victim = new Browser(host.Address);
        using var attacker = new Browser(host.Address);
        var callback = ofAnother ? await CallbackAsync(attacker, provider, "/") : $"{OpenIdSetup.CallbackPath}?code=x&state=x";

        Assert.Equal($"{OpenIdSetup.ReturnPath}?failed=refused", (await victim.Open(callback)).Location);

        await NobodyAsync(host, victim, "not begun in this browser, or too long ago");
    }

    [Fact]
    public async Task SignIn_NameOfAnotherUser_IsRefusedUntilThatUserConnects()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:DefaultRole", "viewer");
        var (id, local) = await host.SignedInUser("jane", "operator");
        using var jane = local;
        using var fresh = new Browser(host.Address);
        var refused = await SignInAsync(fresh, provider);
        Assert.Equal(HttpStatusCode.Conflict, refused.Status);
        Assert.Contains("already", refused.Problem, StringComparison.Ordinal);

        Assert.Equal("/account/openid", (await SignInAsync(jane, provider, "/account/openid", from: "/account/openid")).Location);
        Assert.Contains("you can sign in with it", (await jane.Open("/account/openid")).Html, StringComparison.Ordinal);
        Assert.Equal("/", (await SignInAsync(fresh, provider)).Location);

        var user = await host.Get($"users/{id}");
        Assert.Equal(["password", "openid"], user["signInMethods"]!.AsArray().Select(m => m!.GetValue<string>()));
        Assert.Equal("operator", user["role"]!.GetValue<string>());
        Assert.Null((await jane.Submit("/account/openid", ("_handler", "disconnect"))).Problem);
        Assert.Equal(["password"], (await host.Get($"users/{id}"))["signInMethods"]!.AsArray().Select(m => m!.GetValue<string>()));
    }

    [Fact]
    public async Task Disconnect_OnlyWayToSignIn_IsRefused()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:DefaultRole", "admin");
        using var jane = new Browser(host.Address);
        await SignInAsync(jane, provider);
        Assert.Contains("only way", (await jane.Submit("/account/openid", ("_handler", "disconnect"))).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignIn_UsersAreNotMade_OnlyWhoConnectedComesIn()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:CreateUsers", "false");
        using var browser = new Browser(host.Address);
        var end = await SignInAsync(browser, provider);
        Assert.Equal(HttpStatusCode.Forbidden, end.Status);
        await NobodyAsync(host, browser, "not known here");
    }

    [Theory]
    [InlineData("disabled")]
    [InlineData("locked")]
    public async Task SignIn_DisabledOrLocked_IsRefused(string how)
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:CreateUsers", "false");
        var (id, local) = await host.SignedInUser("jane", "operator");
        using (local) await SignInAsync(local, provider, from: "/account/openid");
        using var fresh = new Browser(host.Address);
        if (how == "disabled") await host.Patch($"users/{id}", new { disabled = true });
        else for (var i = 0; i < 5; i++) await fresh.SignIn("jane", "not the password");

        var end = await SignInAsync(fresh, provider);

        Assert.NotNull(end.Problem);
        Assert.Equal(HttpStatusCode.Unauthorized, await fresh.Call(HttpMethod.Get, "status"));
        Assert.Equal(how, Entry(await host.Get("audit?action=sign-in.failed"))["after"]!["reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task SignIn_WithASecondFactorHere_IsAskedForIt()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:DefaultRole", "admin");
        using var jane = new Browser(host.Address);
        await SignInAsync(jane, provider);
        await SecondFactorTests.EnrolAsync(jane);
        using var fresh = new Browser(host.Address);
        Assert.Equal("/account/second-factor", (await SignInAsync(fresh, provider)).Location);
        Assert.Equal(HttpStatusCode.Unauthorized, await fresh.Call(HttpMethod.Get, "status"));
    }

    [Fact]
    public async Task FirstUser_NotAnAdmin_IsRefusedSoThatTheSetUpLinkLives()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await TestHost.StartAsync(settings: provider.Settings("--Gateway:Oidc:DefaultRole", "viewer"));
        using var browser = new Browser(host.Address);
        Assert.Contains("no admin yet", (await SignInAsync(browser, provider)).Problem, StringComparison.Ordinal);
        await NobodyAsync(host, browser, "not created", others: 0);
    }

    [Fact]
    public async Task LastAdmin_NoLongerOneAtTheProvider_IsRefusedAndStaysAdmin()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await TestHost.StartAsync(settings: provider.Settings(ByGroup));
        provider.Groups = ["vpn-admins"];
        using var browser = new Browser(host.Address);
        Assert.Equal("/", (await SignInAsync(browser, provider)).Location);
        provider.Groups = ["staff"];
        using var later = new Browser(host.Address);
        Assert.Contains("last admin", (await SignInAsync(later, provider)).Problem, StringComparison.Ordinal);
        Assert.Equal("admin", (await UserAsync(host, "jane"))["role"]!.GetValue<string>());
    }

    [Fact]
    public async Task ReturnAddress_OfAnotherSite_IsNotFollowed()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:DefaultRole", "viewer");
        using var browser = new Browser(host.Address);
        Assert.Equal("/", (await SignInAsync(browser, provider, "//evil.example/")).Location);
    }

    [Fact]
    public async Task Begin_WithoutAntiforgeryToken_IsRefused()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:DefaultRole", "viewer");
        using var browser = new Browser(host.Address);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.Post(OpenIdEndpoints.Path, [])).Status);
    }

    [Fact]
    public async Task Begin_ProviderIsDown_SaysSoAndPasswordsWorkOn()
    {
        await using var provider = await LocalProvider.StartAsync();
        await using var host = await StartAsync(provider, "--Gateway:Oidc:DefaultRole", "viewer");
        await provider.DisposeAsync();
        using var browser = new Browser(host.Address);
        var began = await browser.SubmitTo(OpenIdEndpoints.Path, "/account/sign-in", ("ReturnUrl", "/"));
        Assert.Contains("cannot be reached", (await browser.Open(began.Location!)).Problem, StringComparison.Ordinal);
        Assert.Equal("/", (await browser.SignIn("admin", AccountSteps.Password)).Location);
    }

    [Fact]
    public async Task SignInPage_WithoutAProvider_HasNoButton()
    {
        await using var host = await TestHost.StartAsync();
        using var browser = new Browser(host.Address);
        Assert.DoesNotContain(OpenIdEndpoints.Path, (await browser.Open("/account/sign-in")).Html, StringComparison.Ordinal);
        Assert.NotEqual(HttpStatusCode.OK, (await browser.Post(OpenIdEndpoints.Path, [])).Status);
    }

    [Theory]
    [InlineData("Authority", "http://id.example.org", "https address")]
    [InlineData("ClientId", "", "ClientId is missing")]
    [InlineData("DefaultRole", "root", "viewer, operator or admin")]
    [InlineData("DefaultRole", null, "gives nobody a role")]
    [InlineData("Roles:owner", "x", "is no role")]
    [InlineData("CreateUsers", "perhaps", "true or false")]
    [InlineData("ClientSecretFile", "/nowhere/at/all", "cannot be read")]
    [InlineData("Clientid2", "x", "is not a setting")]
    public async Task Settings_NotGood_StopTheStartInASentence(string key, string? value, string why)
    {
        var settings = new Dictionary<string, string?> { ["Authority"] = "https://id.example.org", ["ClientId"] = "gateway", ["DefaultRole"] = "viewer" };
        settings[key] = value;
        using var directory = new TemporaryDirectory();
        string[] args = ["--Gateway:DataDirectory", directory.Path, .. settings.Where(s => s.Value is not null).SelectMany(s => new[] { $"--Gateway:Oidc:{s.Key}", s.Value! })];
        var refused = await Assert.ThrowsAsync<StartupException>(() => GatewayHost.BuildAsync(args));
        Assert.Contains("Gateway:Oidc", refused.Message, StringComparison.Ordinal);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    // With an admin of its own, who is there before anybody comes from the provider.
    private static Task<TestHost> StartAsync(LocalProvider provider, params string[] settings) =>
        TestHost.StartAsync(settings: provider.Settings([.. settings, "--Gateway:Bootstrap:AdminPassword", AccountSteps.Password]));

    /// <summary>From the button to where it ends: the last answer, which leads into the dashboard or says what was wrong.</summary>
    private static async Task<Browser.Answer> SignInAsync(Browser browser, LocalProvider provider, string returnUrl = "/", string from = "/account/sign-in")
    {
        var back = await browser.Open(await CallbackAsync(browser, provider, returnUrl, from));
        Assert.Equal(HttpStatusCode.Redirect, back.Status);
        return await browser.Open(back.Location!);
    }

    /// <summary>Begins, and goes to the provider, which sends back: the address that it sends to.</summary>
    private static async Task<string> CallbackAsync(Browser browser, LocalProvider provider, string returnUrl, string from = "/account/sign-in")
    {
        var began = await browser.SubmitTo(OpenIdEndpoints.Path, from, ("ReturnUrl", returnUrl));
        var to = Assert.Single(began.Message.Headers.GetValues("Refresh"))["0;url=".Length..];
        Assert.StartsWith(provider.Address, to, StringComparison.Ordinal);
        using var elsewhere = new Browser(new Uri(provider.Address));
        var sent = await elsewhere.Open(to);
        Assert.True(sent.Status == HttpStatusCode.Redirect, sent.Html);
        return new Uri(sent.Location!).PathAndQuery;
    }

    private static async Task NobodyAsync(TestHost host, Browser browser, string reason, int others = 1)
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.Call(HttpMethod.Get, "status"));
        Assert.Equal(others, (await host.Get("users"))["items"]!.AsArray().Count);
        var entry = Entry(await host.Get("audit?action=sign-in.failed"));
        Assert.Equal(("openid", reason, "127.0.0.1"), (entry["after"]!["method"]!.GetValue<string>(), entry["after"]!["reason"]!.GetValue<string>(), entry["from"]!.GetValue<string>()));
    }

    private static async Task<JsonNode> UserAsync(TestHost host, string name) => Assert.Single((await host.Get($"users?search={name}"))["items"]!.AsArray())!;

    private static JsonNode Entry(JsonNode audit) => audit["items"]!.AsArray()[0]!;
}
