using System.Globalization;
using Gateway.Netns.Tests.Harness;
using Microsoft.Playwright;

namespace Gateway.Browser.Tests;

/// <summary>Debian's Chromium inside a host's network namespace, so that the dashboard is on its own loopback.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly TemporaryDirectory _files;
    private readonly IPlaywright _playwright;
    private readonly IBrowser _chromium;

    private Browser(TemporaryDirectory files, IPlaywright playwright, IBrowser chromium) => (_files, _playwright, _chromium) = (files, playwright, chromium);

    public static Task<Browser> StartIn(Host host) => Start(host.Inside("/usr/bin/chromium"));

    /// <summary>Starts it by a command that leads into a namespace.</summary>
    public static async Task<Browser> Start(string[] command)
    {
        var files = new TemporaryDirectory();
        // Playwright talks to the browser through pipes, which nsenter hands on.
        var launcher = Path.Combine(files.Path, "chromium");
        await File.WriteAllTextAsync(launcher, $"#!/bin/sh\nexec {string.Join(' ', command)} \"$@\"\n");
        File.SetUnixFileMode(launcher, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var playwright = await Playwright.CreateAsync();
        var chromium = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = launcher,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        return new Browser(files, playwright, chromium);
    }

    /// <summary>A window of its own, with nothing remembered. With a token every request carries it; without one nobody is signed in.</summary>
    public async Task<Window> Open(string? token, ColorScheme theme = ColorScheme.Light, int width = 1440, int height = 900, string baseUrl = "http://127.0.0.1:8080")
    {
        var context = await _chromium.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = baseUrl,
            ColorScheme = theme,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ExtraHTTPHeaders = token is null ? null : new Dictionary<string, string> { ["Authorization"] = $"Bearer {token}" },
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(30_000);
        return new Window(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        _playwright.Dispose();
        _files.Dispose();
    }
}

/// <summary>One page of the browser, and what it complained about.</summary>
internal sealed class Window : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];

    public Window(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            if (message.Type == "error") _complaints.Add(message.Text);
        };
        page.PageError += (_, error) => _complaints.Add(error);
    }

    public IPage Page { get; }

    /// <summary>Errors in the console and exceptions of scripts: refused by the content policy, missing files, bugs.</summary>
    public IReadOnlyList<string> Complaints => _complaints;

    /// <summary>Goes to a page of the dashboard and waits until its data is there and it can be used.</summary>
    public async Task GoTo(string path)
    {
        await Page.GotoAsync(path);
        await Page.WaitForFunctionAsync("() => document.querySelector('h1') && document.querySelector('main[aria-busy=false]') && !document.querySelector('[data-loading]')");
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = name, Exact = true });

    public ILocator Heading(string text) => Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = text, Exact = true });

    public ILocator Input(string label) => Page.GetByLabel(label, new PageGetByLabelOptions { Exact = true });

    /// <summary>Chooses from a drop-down by the words that people see.</summary>
    public async Task Choose(ILocator list, string option)
    {
        await list.ClickAsync();
        await Page.Locator(".mud-popover-open .mud-list-item").Filter(new LocatorFilterOptions { HasText = option }).First.ClickAsync();
    }

    /// <summary>How far the page is wider than the window, in pixels.</summary>
    public async Task<int> Overflow() => await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - window.innerWidth");

    /// <summary>Keeps a picture of the window under artifacts/screenshots.</summary>
    public Task Picture(string name) => Page.ScreenshotAsync(new PageScreenshotOptions
    { Path = Path.Combine(Binaries.Top, "artifacts", "screenshots", string.Create(CultureInfo.InvariantCulture, $"{name}.png")) });

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
