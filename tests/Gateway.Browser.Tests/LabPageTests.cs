using System.Globalization;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Microsoft.Playwright;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>The lab's page, on the lab that <c>make lab</c> starts.</summary>
public sealed class LabPageTests : IClassFixture<MakeLab>
{
    private static readonly string[] s_points = ["u-tunnel", "u-eth0", "gw-eth0", "gw-tunnel", "gw-eth1", "v-eth0"];

    [Fact]
    public async Task Experiment_RunOnThePage_ShowsItsPacketsAtSixPointsAndItsExplanation()
    {
        await using var browser = await Browser.Start(MakeLab.OnGateway("/usr/bin/chromium"));
        var token = (await File.ReadAllTextAsync(Path.Combine(MakeLab.RunDirectory, "data", "api-token"))).Trim();
        await using var window = await browser.Open(token);
        await window.GoTo("/lab?experiment=7");
        await window.Button("Run experiment 7").ClickAsync();

        // It ran: what was expected is so, and the gateway says why nothing was answered.
        await Assertions.Expect(window.Page.GetByText("With a route to the tunnel's network alone, pings are answered")).ToBeVisibleAsync(new LocatorAssertionsToBeVisibleOptions { Timeout = 60_000 });
        await Assertions.Expect(window.Page.Locator(".lab-explained")).ToHaveCountAsync(2, new LocatorAssertionsToHaveCountOptions { Timeout = 60_000 });
        await Assertions.Expect(window.Page.Locator(".lab-wrong")).ToHaveCountAsync(0);
        await Assertions.Expect(window.Page.Locator(".lab-explained").First.Locator(".hop-decides")).ToHaveAttributeAsync("data-hop", "way-back");
        // The request came by all six points, its answer by none.
        var request = window.Page.Locator(".lab-picture tbody tr").Filter(new LocatorFilterOptions { HasText = "echo request, id 7001, seq 1," });
        foreach (var point in s_points) await Assertions.Expect(request.Locator($"td[data-point={point}]:not(.lab-absent)")).ToHaveCountAsync(1);
        await Assertions.Expect(window.Page.Locator(".lab-picture tbody tr").Filter(new LocatorFilterOptions { HasText = "echo reply, id 7001" })).ToHaveCountAsync(0);
        Assert.Empty(window.Complaints);

        foreach (var theme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            foreach (var (size, width, height) in new[] { ("desktop", 1440, 900), ("phone", 375, 812) })
            {
                await using var other = await browser.Open(token, theme, width, height);
                await other.GoTo("/lab?experiment=7");
                await MakeLab.Script("u", "ping", "-c", "2", "-i", "0.2", ThreeHosts.VAddress);
                await Assertions.Expect(other.Page.Locator(".lab-picture tbody tr").Filter(new LocatorFilterOptions { HasText = "echo reply" }).First).ToBeVisibleAsync();
                await other.Picture(string.Create(CultureInfo.InvariantCulture, $"lab-{theme}-{size}").ToLowerInvariant());
                await other.Page.ScreenshotAsync(new PageScreenshotOptions { FullPage = true, Path = Path.Combine(Binaries.Top, "artifacts", "screenshots", $"lab-whole-{theme}-{size}.png".ToLowerInvariant()) });
                Assert.True(await other.Overflow() <= 0, $"the page is {await other.Overflow()} pixels wider than a window of {width}");
                var found = await other.Page.RunAxe(new AxeRunOptions { ResultTypes = [ResultType.Violations] });
                Assert.Empty(found.Violations.Where(v => v.Impact is "serious" or "critical").Select(v => $"{theme} {size}: {v.Id}: {string.Join(", ", v.Nodes.Take(3).Select(n => n.Target))}"));
                Assert.Empty(other.Complaints);
            }
        }
    }
}
