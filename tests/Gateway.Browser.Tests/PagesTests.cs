using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Gateway.Netns.Tests.Harness;
using Microsoft.Playwright;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>Every page in both themes, on a desktop and on a phone: a picture is kept, nothing sticks out, axe finds nothing serious.</summary>
public sealed class PagesTests(Dashboard dashboard) : IClassFixture<Dashboard>
{
    public static TheoryData<string, string> Pages => new()
    {
        { "overview", "/" },
        { "flows", "/flows" },
        { "flows-picture", "/flows?view=picture" },
        { "packets", "/packets" },
        { "drops", "/drops" },
        { "explain", "/explain?peer=wg0%2Fhost-u" },
        { "explain-drops", "/explain?peer=wg0%2Fhost-u&destination=192.168.60.101&protocol=tcp&port=22" },
        { "events", "/events" },
        { "tunnels", "/tunnels" },
        { "tunnel", "/tunnels/wg0" },
        { "tunnel-create", "/tunnels?create=true" },
        { "peers", "/peers" },
        { "peer", "/peers/{peer}" },
        { "peer-create", "/peers?create=true" },
        { "routes", "/routes" },
        { "interfaces", "/interfaces" },
        { "accounts", "/accounts" },
        { "tokens", "/tokens?all=true" },
        { "audit", "/audit" },
        { "backup", "/backup" },
        { "profile", "/profile" },
        { "craft", "/craft" },
        { "settings", "/settings" },
    };

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Page_IsWholeOnEveryScreen(string name, string path)
    {
        // Something to be seen: a ping that is answered, and one that may not go where it wants to.
        await dashboard.Lab.U.Ping("192.168.53.1", count: 3);
        foreach (var theme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            foreach (var (size, width, height) in new[] { ("desktop", 1440, 900), ("phone", 375, 812) })
            {
                await using var window = await dashboard.Browser.Open(GatewayProcess.Token, theme, width, height);
                await window.GoTo(path.Replace("{peer}", dashboard.PeerId, StringComparison.Ordinal));
                await Task.WhenAll(dashboard.Lab.U.Ping("192.168.53.1", count: 2));
                await window.Picture($"{name}-{theme}-{size}".ToLowerInvariant());
                Assert.True(await window.Overflow() <= 0, $"{name} is {await window.Overflow()} pixels wider than a window of {width}");
                var found = await window.Page.RunAxe(new AxeRunOptions { ResultTypes = [ResultType.Violations] });
                Assert.Empty(found.Violations.Where(v => v.Impact is "serious" or "critical")
                    .Select(v => $"{name} {theme} {size}: {v.Id}: {string.Join(", ", v.Nodes.Take(3).Select(n => n.Target))}"));
                Assert.Empty(window.Complaints);
            }
        }
    }

    [Fact]
    public async Task Viewer_SeesNoButtonsThatChange_AndIsRefusedTheCallsBehindThem()
    {
        var made = await dashboard.Lab.Api.Post("users", new { name = $"viewer-{Guid.NewGuid():N}"[..20], role = "viewer" });
        await using var window = await dashboard.Browser.Open(token: null);
        await window.Page.GotoAsync(new Uri(made["invitationLink"]!.GetValue<string>()).PathAndQuery);
        await window.Page.Locator("#new-password").FillAsync("a long enough password");
        await window.Page.Locator("#repeated").FillAsync("a long enough password");
        await window.Page.Locator("main button[type=submit]").ClickAsync();
        await window.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Overview" }).WaitForAsync();

        var seen = new List<string>();
        foreach (var path in new[] { "/", "/tunnels", "/tunnels/wg0", "/peers", $"/peers/{dashboard.PeerId}", "/routes", "/interfaces?open=all", "/flows", "/drops", "/events" })
        {
            await window.GoTo(path);
            foreach (var name in await window.Page.Locator("main button:not([disabled]):not(.sort):not(.row-button)").AllInnerTextsAsync()) seen.Add($"{path}: {name.Trim()}");
            Assert.Equal(0, await window.Page.Locator("main input[type=checkbox]:not([disabled])").CountAsync());
        }

        // What is left looks, and changes nothing.
        string[] harmless = ["", "Pause", "Picture", "6 hours", "Day", "30 days", "Year", "Who to whom"];
        Assert.DoesNotContain(seen, button => !harmless.Contains(button.Split(": ", 2)[1].Split('\n')[^1]));
        foreach (var (method, path, body) in new[]
        {
            ("POST", "tunnels", """{"name":"wg9"}"""), ("PATCH", "tunnels/wg0", """{"mtu":1300}"""), ("POST", "tunnels/wg0/peers", """{"name":"x"}"""), ("DELETE", $"peers/{dashboard.PeerId}", "{}"),
            ("POST", $"peers/{dashboard.PeerId}/routes", """{"prefix":"10.1.0.0/16"}"""), ("POST", $"peers/{dashboard.PeerId}/keys", "{}"), ("GET", $"peers/{dashboard.PeerId}/config", ""),
            ("POST", $"peers/{dashboard.PeerId}/links", "{}"), ("PATCH", "interfaces/all", """{"rpFilter":"off"}"""), ("PATCH", "host", """{"ipv4Forwarding":false}"""),
            ("POST", "import/preview", """{"files":[{"name":"a.conf","text":""}]}"""), ("GET", "export", ""), ("GET", "packets.pcapng?count=1", ""), ("GET", "users", ""),
        })
        {
            var status = await window.Page.EvaluateAsync<int>(
                "async ([method, path, body]) => (await fetch('/api/v1/' + path, { method, body: method === 'GET' ? undefined : body, headers: { 'Content-Type': 'application/json' } })).status", new[] { method, path, body });
            Assert.True(status == 403, $"{method} {path} answered {status}");
        }
    }

    [Fact]
    public async Task FirstLoad_TakesLessThanOneAndAHalfMegabytes()
    {
        await using var window = await dashboard.Open();
        var session = await window.Page.Context.NewCDPSessionAsync(window.Page);
        await session.SendAsync("Network.enable");
        var bytes = 0.0;
        session.Event("Network.loadingFinished").OnEvent += (_, message) => bytes += message?.GetProperty("encodedDataLength").GetDouble() ?? 0;
        await window.GoTo("/");
        TestContext.Current.TestOutputHelper?.WriteLine($"first load: {bytes / 1000:0} kB");
        Assert.InRange(bytes, 10_000, 1_500_000);
    }
}
