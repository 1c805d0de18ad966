using System.Text.RegularExpressions;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>A gateway whose first user, an admin, was made by the link of the log, and browsers on localhost.</summary>
public sealed partial class Administration : IAsyncLifetime
{
    internal const string Owner = "owner";
    internal const string Password = "a long enough password";

    private Host _host = null!;
    private GatewayProcess _gateway = null!;
    private Browser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await Host.Create("gw");
        _gateway = new GatewayProcess(_host);
        await _gateway.Start();
        _browser = await Browser.StartIn(_host);
        await Eventually.True(() => Task.FromResult(SetUpPath().IsMatch(_gateway.Log)), "the set-up link in the log");
        await using var window = await Open();
        await window.Page.GotoAsync(SetUpPath().Match(_gateway.Log).Value);
        await window.Page.Locator("#name").FillAsync(Owner);
        await ChoosePassword(window);
        await window.Button("Make the user and sign in").ClickAsync();
        await window.Heading("Overview").WaitForAsync();
    }

    /// <summary>A window in which nobody is signed in.</summary>
    internal Task<Window> Open() => _browser.Open(token: null, baseUrl: "http://localhost:8080");

    /// <summary>A window in which the owner is signed in.</summary>
    internal async Task<Window> OpenSignedIn()
    {
        var window = await Open();
        await window.Page.GotoAsync("/account/sign-in");
        await window.Page.Locator("#name").FillAsync(Owner);
        await window.Page.Locator("#password").FillAsync(Password);
        await window.Button("Sign in").ClickAsync();
        await window.Heading("Overview").WaitForAsync();
        return window;
    }

    /// <summary>Makes a user on the page, and has them follow the link in a window of their own.</summary>
    internal async Task<Window> OpenSignedIn(Window admin, string name, string role)
    {
        await admin.GoTo("/accounts");
        await admin.Button("Add a user").ClickAsync();
        await admin.Input("Name to sign in with").FillAsync(name);
        await admin.Choose(admin.Page.Locator(".mud-dialog .mud-select.input"), role);
        await admin.Button("Create").ClickAsync();
        var link = await admin.Page.Locator(".once code").InnerTextAsync();
        await admin.Picture("account-link");
        await admin.Button("I have it").ClickAsync();
        var window = await Open();
        await window.Page.GotoAsync(link);
        await ChoosePassword(window);
        await window.Page.Locator("button[type=submit]").ClickAsync();
        await window.Heading("Overview").WaitForAsync();
        return window;
    }

    private static async Task ChoosePassword(Window window)
    {
        await window.Page.Locator("#new-password").FillAsync(Password);
        await window.Page.Locator("#repeated").FillAsync(Password);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        if (_gateway is not null) await _gateway.DisposeAsync();
        if (_host is not null) await _host.DisposeAsync();
    }

    [GeneratedRegex("/account/set-up/[^\\s]+")]
    private static partial Regex SetUpPath();
}
