using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Microsoft.Playwright;
using Xunit;
using Capture = Gateway.Netns.Tests.Harness.Capture;

namespace Gateway.Browser.Tests;

/// <summary>What a person does on the pages has its effect in the kernel and on the wire, and what passes there shows on the pages.</summary>
public sealed partial class WorkTests(Dashboard dashboard) : IClassFixture<Dashboard>
{
    [Fact]
    public async Task PeerMadeOnThePage_ItsConfigConnectsWireGuardGo()
    {
        await using var window = await dashboard.Open();
        await window.GoTo("/peers");
        await window.Button("Add a peer").ClickAsync();
        await window.Input("Name").FillAsync("stock client");
        await window.Input("Networks it may reach besides the tunnel's own").FillAsync("192.168.60.0/24");
        await window.Button("Add").ClickAsync();
        await window.Page.GetByRole(AriaRole.Img, new PageGetByRoleOptions { NameRegex = QrCode() }).WaitForAsync();
        await window.Picture("peer-made");
        await window.Page.GetByText("Show the text").ClickAsync();
        var config = await window.Page.Locator(".config-text").InnerTextAsync();
        await window.Button("Done").ClickAsync();

        await using var other = await Host.Create("x");
        await Host.Connect(other, "eth0", dashboard.Lab.GatewayHost, "eth9");
        await other.Ip("addr add 10.9.0.2/24 dev eth0");
        await other.Ip("link set eth0 up");
        await dashboard.Lab.GatewayHost.Ip("addr add 10.9.0.1/24 dev eth9");
        await dashboard.Lab.GatewayHost.Ip("link set eth9 up");
        using var files = new TemporaryDirectory();
        var file = Path.Combine(files.Path, "wgx.conf");
        await File.WriteAllTextAsync(file, config.Replace(ThreeHosts.GatewayOutside, "10.9.0.1", StringComparison.Ordinal));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await other.Run("env", "WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go", "wg-quick", "up", file);
        await other.Reaches(ThreeHosts.VAddress);

        await window.GoTo("/peers?search=stock");
        await Assertions.Expect(window.Page.Locator("tbody .state-working")).ToHaveCountAsync(1, new LocatorAssertionsToHaveCountOptions { Timeout = 30_000 });
        await FlowsShow(window, other);
    }

    // iperf3's own figure against the page's, and how long the page took: from the first packet, as the gateway saw it, to the row's being there, as the browser saw it.
    private async Task FlowsShow(Window window, Host client)
    {
        await window.GoTo("/flows?filter=peer%3D%22stock%20client%22%20dport%3D5201&sort=age");
        await window.Page.EvaluateAsync("""
            () => { window.rowsSeen = []; const known = new Set();
                    new MutationObserver(() => { const ports = [...document.querySelectorAll('main tbody tr')].map(row => row.cells[2].innerText.split(':').pop());
                      for (const port of ports) if (!known.has(port)) { known.add(port); window.rowsSeen.push([Number(port), performance.timeOrigin + performance.now()]); } })
                    .observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true }); }
            """);
        await using var server = dashboard.Lab.V.Start("iperf3", "--server", "--one-off", "--forceflush");
        await server.Says("listening");
        var report = JsonNode.Parse(await client.Run("iperf3", "--client", ThreeHosts.VAddress, "--bitrate", "50M", "--time", "3", "--cport", "45201", "--json"))!;
        var received = report["end"]!["sum_received"]!["bytes"]!.GetValue<long>();
        // The last update may still be on its way.
        var row = window.Page.Locator("main tbody tr").Filter(new LocatorFilterOptions { HasText = ":45201" });
        double share = 0;
        await Eventually.True(async () =>
        {
            var exact = ExactFigures().Match(await row.Locator("td").Nth(5).GetAttributeAsync("title") ?? "");
            // IP bytes hold 52 of headers a packet (TCP with timestamps), which iperf3 does not count.
            share = (Number(exact.Groups[1].Value) - (52 * Number(exact.Groups[2].Value))) / (double)received;
            return share is > 0.98 and < 1.02;
        }, "the bytes that iperf3 counted, in Flows");
        await window.Picture("flows-iperf3");

        var flow = (await dashboard.Lab.Api.Get("flows?filter=sport%3D45201"))["items"]!.AsArray().Single()!;
        var seen = await window.Page.EvaluateAsync<double>("() => window.rowsSeen.find(([port]) => port === 45201)[1]");
        var late = seen - flow["firstSeen"]!.GetValue<DateTimeOffset>().ToUnixTimeMilliseconds();
        TestContext.Current.TestOutputHelper?.WriteLine($"the flow was in the page {late:0} ms after its first packet; its bytes are {share:0.0000} of iperf3's");
        Assert.InRange(late, -50, 2_000);
    }

    private static long Number(string text) => text.Length == 0 ? 0 : long.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    [Fact]
    public async Task Ping_ShowsInPacketsWithTheIdsThatTcpdumpSaw_AndInFlows()
    {
        await using var window = await dashboard.Open();
        await window.GoTo("/packets?filter=icmp");
        await window.Page.GetByText("Waiting for packets").WaitForAsync();
        await using var tcpdump = await Capture.Start(dashboard.Lab.GatewayHost, "wg0", "icmp");
        var ping = await dashboard.Lab.U.Ping("192.168.53.1", count: 2);
        Assert.Equal(2, ping.Received);
        var id = (await tcpdump.Sees(packet => packet is { IsEchoReply: true, IcmpSequence: 2 }, "the second answer")).IcmpId;
        var rows = window.Page.Locator(".packets tbody .row-button");
        foreach (var packet in tcpdump.Packets.Where(packet => packet.IcmpId == id))
        {
            var text = $"ICMP echo {(packet.IsEchoRequest ? "request" : "reply")}, id {packet.IcmpId}, seq {packet.IcmpSequence},";
            await Assertions.Expect(rows.Filter(new LocatorFilterOptions { HasText = text })).ToHaveCountAsync(1, new LocatorAssertionsToHaveCountOptions { Timeout = 30_000 });
        }

        // One of them opened: its tree, its bytes, and the part that belongs to a byte.
        await rows.Filter(new LocatorFilterOptions { HasText = $"reply, id {id}, seq 2," }).ClickAsync();
        await window.Page.GetByText("Internet Control Message Protocol").First.ClickAsync();
        await Assertions.Expect(window.Page.Locator(".hex-bytes .mark").First).ToBeVisibleAsync();
        await window.Picture("packet-open");

        await window.GoTo("/flows?filter=proto%3Dicmp");
        await Assertions.Expect(window.Page.Locator("tbody tr").Filter(new LocatorFilterOptions { HasText = "192.168.53.1" }).First).ToBeVisibleAsync();
        await window.Picture("flows-icmp");
    }

    [Fact]
    public async Task RouteAddedOnThePage_TheConnectedClientReachesV_AndNotWithoutIt()
    {
        await using var window = await dashboard.Open();
        await window.GoTo($"/peers/{dashboard.PeerId}");
        await window.Input("Network").FillAsync("192.168.60.0/24");
        await window.Button("Add route").ClickAsync();
        await window.Page.Locator("td").GetByText("192.168.60.0/24", new LocatorGetByTextOptions { Exact = true }).WaitForAsync();
        // The client, connected all along, takes the route from the gateway.
        await dashboard.Lab.U.Reaches(ThreeHosts.VAddress);
        var config = await dashboard.Lab.Api.Config(dashboard.PeerId);

        // What passes of late would stop: the page says so first.
        await window.Button("Remove 192.168.60.0/24").ClickAsync();
        var asks = window.Page.GetByRole(AriaRole.Dialog);
        await asks.GetByText("may not reach 192.168.60.101").First.WaitForAsync();
        await window.Picture("route-remove-breaks");
        await asks.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Delete" }).ClickAsync();
        await window.Page.GetByText("It may reach the tunnel's own networks, and nothing else.").WaitForAsync();
        await Eventually.True(async () => (await dashboard.Lab.U.Ip("route show 192.168.60.0/24")).Length == 0, "the client giving its route back");
        // One that does not follow keeps sending, and is stopped at the gateway.
        await dashboard.Connect(string.Join('\n', config.Split('\n').Where(line => !line.StartsWith("# Follow", StringComparison.Ordinal))));
        Assert.Equal(0, (await dashboard.Lab.U.Ping(ThreeHosts.VAddress, count: 2)).Received);
        await window.GoTo("/drops?filter=peer%3Dhost-u");
        await window.Page.GetByText("destination not allowed").First.WaitForAsync();
        await window.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { NameRegex = NotAllowed() }).First.ClickAsync();
        await window.Page.GetByText("A client route to that network lets it.").WaitForAsync();
        await window.Picture("drop-open");
    }

    [Fact]
    public async Task RpFilterChangedOnThePage_IsInTheKernel()
    {
        await using var window = await dashboard.Open();
        await window.GoTo("/interfaces");
        var device = window.Page.Locator(".interface").Filter(new LocatorFilterOptions { Has = window.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "eth1", Exact = true }) });
        await window.Choose(device.Locator(".mud-select.input"), "strict");
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl("net.ipv4.conf.eth1.rp_filter") == "1", "strict rp_filter on eth1");
        await Assertions.Expect(device).ToContainTextAsync("Strict: a source is taken only if");

        // Somebody else changes it: shown, not overwritten.
        await dashboard.Lab.GatewayHost.SetSysctl("net.ipv4.conf.eth1.rp_filter", "2");
        await Assertions.Expect(device).ToContainTextAsync("somebody else changed it", new LocatorAssertionsToContainTextOptions { Timeout = 30_000 });
        await window.Picture("interfaces-drift");
        await window.Choose(device.Locator(".mud-select.input"), "leave");
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl("net.ipv4.conf.eth1.rp_filter") == "0", "the value found at first");
    }

    [Fact]
    public async Task CraftedPacket_IsRefusedWithTheReason_AndWrittenWhenItIsRight()
    {
        await using var window = await dashboard.Open();
        await window.GoTo("/craft");
        await window.Input("Source").FillAsync("192.168.53.2");
        await window.Input("Destination").FillAsync("300.1.1.1");
        await window.Button("Write the packet").ClickAsync();
        await window.Page.GetByText("'300.1.1.1' is no IP address.").First.WaitForAsync();
        await window.Input("Destination").FillAsync(ThreeHosts.GatewayInside);
        await window.Button("Write the packet").ClickAsync();
        await window.Page.GetByText("28 bytes written").WaitForAsync();
        await window.Picture("craft-written");
    }

    [Fact]
    public async Task GatewayRestarted_ThePageGoesOnWhereItWas()
    {
        await using var window = await dashboard.Open();
        await window.GoTo("/peers?search=host");
        await window.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "host-u", Exact = true }).WaitForAsync();
        await dashboard.Lab.Gateway.Stop();
        await window.Page.GetByText("The connection to the gateway is lost.").WaitForAsync();
        await window.Picture("reconnecting");
        await dashboard.Lab.Gateway.Start();
        await Assertions.Expect(window.Page.GetByText("The connection to the gateway is lost.")).ToBeHiddenAsync(new LocatorAssertionsToBeHiddenOptions { Timeout = 60_000 });
        await window.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "host-u", Exact = true }).WaitForAsync();
        Assert.EndsWith("/peers?search=host", window.Page.Url, StringComparison.Ordinal);
        await window.Button("Add a peer").ClickAsync();
        await window.Input("Name").WaitForAsync();
    }

    [GeneratedRegex("^([0-9,]+) bytes, packets: ([0-9,]+)")]
    private static partial Regex ExactFigures();

    [GeneratedRegex("^QR code")]
    private static partial Regex QrCode();

    [GeneratedRegex("destination not allowed")]
    private static partial Regex NotAllowed();
}
