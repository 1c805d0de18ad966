using System.Text.RegularExpressions;
using Gateway.Netns.Tests.Harness;
using Microsoft.Playwright;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>The first user by the link of the log, and signing in with a passkey: on localhost, which browsers take for a secure place (WebAuthn Level 3 §5.1).</summary>
public sealed partial class AccountTests : IAsyncLifetime
{
    private const string Password = "a long enough password";

    private Host _host = null!;
    private GatewayProcess _gateway = null!;
    private Browser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await Host.Create("gw");
        _gateway = new GatewayProcess(_host);
        await _gateway.Start();
        _browser = await Browser.StartIn(_host);
    }

    [Fact]
    public async Task SetUpLink_MakesTheFirstUserOnce_WhoSignsInWithAPasskey()
    {
        await using var window = await _browser.Open(token: null, baseUrl: "http://localhost:8080");
        var page = window.Page;
        await AddAuthenticator(page);
        await Eventually.True(() => Task.FromResult(SetUpPath().IsMatch(_gateway.Log)), "the set-up link in the log");
        var link = SetUpPath().Match(_gateway.Log).Value;

        await page.GotoAsync(link);
        await page.Locator("#name").FillAsync("owner");
        await page.Locator("#new-password").FillAsync(Password);
        await page.Locator("#repeated").FillAsync(Password);
        await window.Picture("set-up");
        await window.Button("Make the user and sign in").ClickAsync();
        await page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Overview" }).WaitForAsync();

        await page.GotoAsync("/account/passkeys");
        await page.Locator("#name").FillAsync("test key");
        await window.Button("Add a passkey").ClickAsync();
        await page.GetByText("test key").WaitForAsync();

        await page.Context.ClearCookiesAsync();
        Assert.Equal(410, (await page.GotoAsync(link))!.Status);
        await page.GotoAsync("/account/sign-in");
        await window.Picture("sign-in");
        await window.Button("Sign in with a passkey").ClickAsync();
        await page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Overview" }).WaitForAsync();
        Assert.DoesNotContain(Password, _gateway.Log, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        if (_gateway is not null) await _gateway.DisposeAsync();
        if (_host is not null) await _host.DisposeAsync();
    }

    /// <summary>A device in software that holds passkeys, through the DevTools protocol's domain WebAuthn.</summary>
    private static async Task AddAuthenticator(IPage page)
    {
        var session = await page.Context.NewCDPSessionAsync(page);
        await session.SendAsync("WebAuthn.enable");
        await session.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object>
            {
                ["protocol"] = "ctap2",
                ["transport"] = "internal",
                ["hasResidentKey"] = true,
                ["hasUserVerification"] = true,
                ["isUserVerified"] = true,
                ["automaticPresenceSimulation"] = true,
            },
        });
    }

    [GeneratedRegex("/account/set-up/[^\\s]+")]
    private static partial Regex SetUpPath();
}
