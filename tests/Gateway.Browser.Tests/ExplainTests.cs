using System.Text.RegularExpressions;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Microsoft.Playwright;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>"The handshake is green and nothing passes": asked on the page, mended on the page, and taken back.</summary>
public sealed partial class ExplainTests(Dashboard dashboard) : IClassFixture<Dashboard>
{
    private static readonly LocatorAssertionsToBeVisibleOptions Patient = new() { Timeout = 30_000 };

    [Fact]
    public async Task NoWayBackFromV_IsFoundFromThePeersPage_AppliedAndUndone()
    {
        await dashboard.Lab.Api.Post($"peers/{dashboard.PeerId}/routes", new { prefix = "192.168.60.0/24" });
        await dashboard.Lab.U.Reaches(ThreeHosts.VAddress);
        await dashboard.Lab.V.Ip("route del default");
        await using var pinging = dashboard.Lab.U.Start("ping", "-i", "0.5", "-W", "1", ThreeHosts.VAddress);
        await Eventually.True(async () => (await dashboard.Lab.U.Ping(ThreeHosts.VAddress, count: 1)).Received == 0, "V without a way back");

        await using var window = await dashboard.Open();
        await window.GoTo($"/peers/{dashboard.PeerId}");
        await window.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Explain", Exact = true }).Last.ClickAsync();
        // Filled in with what the peer tried and got no answer to.
        await Assertions.Expect(window.Input("Destination")).ToHaveValueAsync(ThreeHosts.VAddress, new LocatorAssertionsToHaveValueOptions { Timeout = 30_000 });
        Assert.Contains("destination=192.168.60.101", window.Page.Url, StringComparison.Ordinal);
        var decides = window.Page.Locator(".hop-decides");
        await Assertions.Expect(decides).ToHaveAttributeAsync("data-hop", "way-back", new LocatorAssertionsToHaveAttributeOptions { Timeout = 30_000 });
        await Assertions.Expect(window.Page.GetByText("ip route replace 192.168.53.0/24 via 192.168.60.1").First).ToBeVisibleAsync();
        await window.Picture("explain-no-way-back");
        await window.Button("Send a probe").ClickAsync();
        await Assertions.Expect(window.Page.Locator(".probe-lost")).ToBeVisibleAsync(Patient);
        await window.Picture("explain-probe-lost");

        await window.Page.Locator(".offer").Filter(new LocatorFilterOptions { HasText = "masquerade" }).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Apply" }).ClickAsync();
        var dialog = window.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByText("Apply this change?").WaitForAsync();
        await window.Picture("explain-apply");
        await dialog.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Apply" }).ClickAsync();
        var undo = window.Button("Undo");
        await undo.WaitForAsync();
        await dashboard.Lab.U.Reaches(ThreeHosts.VAddress);
        await window.Button("Send a probe").ClickAsync();
        await Assertions.Expect(window.Page.Locator(".probe-answered")).ToBeVisibleAsync(Patient);
        await window.Picture("explain-applied");

        await undo.ClickAsync();
        await Assertions.Expect(undo).ToBeHiddenAsync(new LocatorAssertionsToBeHiddenOptions { Timeout = 30_000 });
        await Eventually.True(async () => (await dashboard.Lab.U.Ping(ThreeHosts.VAddress, count: 1)).Received == 0, "the answers gone again");
        await dashboard.Lab.V.Ip($"route add default via {ThreeHosts.GatewayInside}");
        await dashboard.Lab.U.Reaches(ThreeHosts.VAddress);
    }

    [Fact]
    public async Task ForwardingSwitchedOff_IsSwitchedOnAtTheWarning_AndTakenBack()
    {
        await dashboard.Lab.GatewayHost.SetSysctl("net.ipv4.ip_forward", "0");
        await using var window = await dashboard.Open();
        await window.GoTo("/");
        var warning = window.Page.Locator(".remedy").Filter(new LocatorFilterOptions { HasText = "The kernel does not forward IPv4" });
        await Assertions.Expect(warning).ToBeVisibleAsync(Patient);
        await window.Picture("overview-warning");
        await warning.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Apply" }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Apply" }).ClickAsync();
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl("net.ipv4.ip_forward") == "1", "forwarding on");
        await window.Button("Undo").ClickAsync();
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl("net.ipv4.ip_forward") == "0", "forwarding as it was found");
        await dashboard.Lab.GatewayHost.SetSysctl("net.ipv4.ip_forward", "1");
        await window.GoTo("/events");
        await window.Page.GetByText("Take back: Switch IPv4 forwarding on").First.WaitForAsync();
        await window.Picture("events-applied");
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1440, 900)]
    [InlineData(ColorScheme.Dark, 1440, 900)]
    [InlineData(ColorScheme.Light, 375, 812)]
    [InlineData(ColorScheme.Dark, 375, 812)]
    public async Task Page_AsksWithTheKeyboardAlone_OnEveryScreen(ColorScheme theme, int width, int height)
    {
        await using var window = await dashboard.Browser.Open(GatewayProcess.Token, theme, width, height);
        await window.GoTo("/explain?peer=wg0%2Fhost-u&destination=192.168.53.1");
        await Assertions.Expect(window.Page.Locator(".verdict")).ToBeVisibleAsync(Patient);
        await window.Input("Destination").FocusAsync();
        await window.Page.Keyboard.PressAsync("Control+a");
        await window.Page.Keyboard.InsertTextAsync("10.99.0.1");
        await window.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(window.Page).ToHaveURLAsync(Asked(), new PageAssertionsToHaveURLOptions { Timeout = 30_000 });
        await Assertions.Expect(window.Page.Locator(".hop-decides")).ToHaveAttributeAsync("data-hop", "destination", new LocatorAssertionsToHaveAttributeOptions { Timeout = 30_000 });
        await window.Page.ScreenshotAsync(new PageScreenshotOptions
        { FullPage = true, Path = Path.Combine(Binaries.Top, "artifacts", "screenshots", $"explain-whole-{theme}-{(width < 400 ? "phone" : "desktop")}.png".ToLowerInvariant()) });
        Assert.True(await window.Overflow() <= 0);
        Assert.Empty(window.Complaints);
    }

    [GeneratedRegex("destination=10.99.0.1")]
    private static partial Regex Asked();
}
