using System.IO.Compression;
using System.Text.RegularExpressions;
using Gateway.Netns.Tests.Harness;
using Microsoft.Playwright;
using Xunit;

namespace Gateway.Browser.Tests;

/// <summary>What is set on the pages is in the kernel, and what it does is shown before.</summary>
public sealed partial class SettingsTests(Dashboard dashboard) : IClassFixture<Dashboard>
{
    [Fact]
    public async Task NatAndMss_ShowWhatTheyDo_AndAreInTheKernelOnceSaved()
    {
        await using var window = await dashboard.Open();
        await window.GoTo("/tunnels/wg0");
        await window.Button("Change NAT, MTU and names").ClickAsync();
        await window.Button("Add a rule").ClickAsync();
        await window.Page.GetByText("Lower TCP's segment size").ClickAsync();
        await window.Page.GetByText("Packets from 'wg0' to 0.0.0.0/0 leave with the address of the device that they leave by.").WaitForAsync();
        await window.Input("Going to").FillAsync("192.168.60.0/33");
        await window.Page.GetByText("'192.168.60.0/33'").First.WaitForAsync();
        await window.Input("Going to").FillAsync("192.168.60.0/24");
        await window.Page.GetByText("New TCP connections through 'wg0' have their segment size lowered").WaitForAsync();
        await window.Picture("tunnel-network-edit");
        await window.Button("Save").ClickAsync();
        await window.Page.GetByText("masquerade: the address of the device").WaitForAsync();
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Run("nft", "list", "ruleset") is var rules && rules.Contains("masquerade", StringComparison.Ordinal) && rules.Contains("maxseg", StringComparison.Ordinal), "NAT and segment size in nftables");

        await window.Button("Change NAT, MTU and names").ClickAsync();
        await window.Button("Remove the rule 192.168.60.0/24").ClickAsync();
        await window.Input("MTU").FillAsync("1380");
        await window.Page.GetByText("The MTU of 'wg0' goes from").WaitForAsync();
        await window.Button("Save").ClickAsync();
        await window.Page.GetByText("1380 bytes, as set").WaitForAsync();
        await Eventually.True(async () => !(await dashboard.Lab.GatewayHost.Run("nft", "list", "ruleset")).Contains("masquerade", StringComparison.Ordinal), "NAT being gone");
        Assert.Contains("mtu 1380", await dashboard.Lab.GatewayHost.Ip("link show wg0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forwarding_IsSetEnforcedAndLeftOnThePage()
    {
        const string Forwarding = "net.ipv4.ip_forward";
        await using var window = await dashboard.Open();
        await window.GoTo("/interfaces");
        var row = window.Page.Locator(".interface-host .switch").Filter(new LocatorFilterOptions { HasText = Forwarding });
        await window.Choose(row.Locator(".mud-select.input"), "off");
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl(Forwarding) == "0", "forwarding off");
        await Assertions.Expect(row).ToContainTextAsync("Off: peers reach this host and nothing behind it.");
        await dashboard.Lab.GatewayHost.SetSysctl(Forwarding, "1");
        await Assertions.Expect(row).ToContainTextAsync("Wanted here: off. It is on now", new LocatorAssertionsToContainTextOptions { Timeout = 30_000 });
        await window.Picture("interfaces-host-drift");
        await row.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { NameRegex = SetAgain() }).ClickAsync();
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl(Forwarding) == "0", "forwarding off again");

        await window.GoTo("/interfaces?open=eth1");
        var mark = window.Page.Locator(".device-settings .switch").Filter(new LocatorFilterOptions { HasText = "src_valid_mark" });
        await window.Choose(mark.Locator(".mud-select.input"), "on");
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl("net.ipv4.conf.eth1.src_valid_mark") == "1", "src_valid_mark on eth1");
        await window.Picture("interfaces-device");

        await window.Button("Put everything back").ClickAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Put everything back" }).ClickAsync();
        await Eventually.True(async () => await dashboard.Lab.GatewayHost.Sysctl(Forwarding) == "1" && await dashboard.Lab.GatewayHost.Sysctl("net.ipv4.conf.eth1.src_valid_mark") == "0", "what was found at first");
    }

    [Fact]
    public async Task WgQuickFiles_ArePreviewedImportedAndExported()
    {
        using var files = new TemporaryDirectory();
        var key = (await dashboard.Lab.U.Run("wg", "genkey")).Trim();
        var peer = (await dashboard.Lab.U.Run("sh", "-c", "wg genkey | wg pubkey")).Trim();
        var file = Path.Combine(files.Path, "old0.conf");
        await File.WriteAllTextAsync(file, $"[Interface]\nPrivateKey = {key}\nListenPort = 51999\nAddress = 10.77.0.1/24\nPostUp = iptables -t nat -A POSTROUTING -j MASQUERADE\n\n# Client: laptop\n[Peer]\nPublicKey = {peer}\nAllowedIPs = 10.77.0.2/32\n");
        await using var window = await dashboard.Open();
        await window.GoTo("/tunnels");
        await window.Button("Import").ClickAsync();
        await window.Page.Locator("#import-files").SetInputFilesAsync(file);
        await window.Page.GetByText("tunnel old0").WaitForAsync();
        await window.Page.GetByRole(AriaRole.Listitem).GetByText("peer laptop", new LocatorGetByTextOptions { Exact = true }).First.WaitForAsync();
        await window.Page.GetByText("NAT: PATCH").WaitForAsync();
        await window.Picture("import-preview");
        // A preview makes nothing.
        Assert.Single((await dashboard.Lab.Api.Get("tunnels"))["items"]!.AsArray());
        await window.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Import", Exact = true }).ClickAsync();
        await window.Page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "old0" }).WaitForAsync();

        var download = await window.Page.RunAndWaitForDownloadAsync(() => window.Button("Export").ClickAsync());
        await using var zip = await ZipFile.OpenReadAsync(await download.PathAsync());
        Assert.Contains("old0.conf", zip.Entries.Select(e => e.FullName));
        Assert.Contains("old0/laptop.conf", zip.Entries.Select(e => e.FullName));
        await dashboard.Lab.Api.Delete("tunnels/old0");
    }

    [Fact]
    public async Task ChosenPeers_AreInTheAddress_AndChangedTogether()
    {
        foreach (var name in new[] { "bulk-a", "bulk-b" }) await dashboard.Lab.Api.Post("tunnels/wg0/peers", new { name });
        await using var window = await dashboard.Open();
        await window.GoTo("/peers?search=bulk");
        await window.Page.GetByLabel("Select bulk-a").CheckAsync();
        await Eventually.True(() => SelectedInAddress().IsMatch(window.Page.Url), "the chosen peer in the address");
        await window.GoTo(window.Page.Url);
        await window.Page.GetByText("1 selected").WaitForAsync();
        Assert.True(await window.Page.GetByLabel("Select bulk-a").IsCheckedAsync());
        Assert.False(await window.Page.GetByLabel("Select bulk-b").IsCheckedAsync());
        await window.Page.GetByLabel("Select all that match").CheckAsync();
        await Eventually.True(() => window.Page.Url.EndsWith("selected=all", StringComparison.Ordinal), "all that match in the address");
        await window.Picture("peers-selected");
        await window.Page.GetByRole(AriaRole.Toolbar).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Delete" }).ClickAsync();
        await window.Page.GetByText("Delete 2 peers?").WaitForAsync();
        await window.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Delete", Exact = true }).ClickAsync();
        await window.Page.GetByText("No peer matches").WaitForAsync();
        Assert.DoesNotContain("selected", window.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeysRotatedOnThePage_BothWorkUntilTheNewOneIsUsed_AndALinkGivesTheConfigOnce()
    {
        await using var window = await dashboard.Open();
        await window.GoTo($"/peers/{dashboard.PeerId}");
        var before = (await dashboard.Lab.Api.Get($"peers/{dashboard.PeerId}"))["publicKey"]!.GetValue<string>();
        await window.Button("Rotate keys").ClickAsync();
        await window.Page.GetByText("Both keys of peer 'host-u' work until").WaitForAsync();
        await window.Picture("peer-rotate");
        await window.Button("Rotate").ClickAsync();
        await window.Page.GetByText("Previous public key, works too").WaitForAsync();
        await window.Page.GetByText(before).WaitForAsync();
        await window.Page.GetByText("changed: other clients than ours need the new file").WaitForAsync();
        // The client with the key before is still there.
        Assert.Equal(2, (await dashboard.Lab.U.Ping("192.168.53.1", count: 2)).Received);

        await window.Button("Make a link").ClickAsync();
        var url = await window.Page.Locator(".made-link code").InnerTextAsync();
        await window.Picture("peer-rotated");
        var taken = await dashboard.Lab.GatewayHost.Run("curl", "-sS", "-X", "POST", url);
        Assert.Contains("PrivateKey", taken, StringComparison.Ordinal);
        Assert.DoesNotContain("PrivateKey", await dashboard.Lab.GatewayHost.Run("curl", "-sS", "-X", "POST", url), StringComparison.Ordinal);
        await dashboard.Connect(taken);
        await window.Page.GetByText("Previous public key, works too").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Hidden });
    }

    [Fact]
    public async Task PeersPage_HasItsFlowsDropsAndHandshakes()
    {
        await dashboard.Lab.U.Ping("192.168.53.1", count: 2);
        await using var window = await dashboard.Open();
        await window.GoTo($"/peers/{dashboard.PeerId}");
        var flows = window.Page.Locator("section.card").Filter(new LocatorFilterOptions { Has = window.Page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "Who it talks to" }) });
        await flows.GetByText("→ 192.168.53.1", new LocatorGetByTextOptions { Exact = false }).First.WaitForAsync();
        await window.Page.GetByText("Peer host-u has connected from").First.WaitForAsync();
        // A source that is not its own is dropped here, and shown here.
        await dashboard.Lab.U.Ip("addr replace 192.168.30.99/32 dev wg-u");
        await dashboard.Lab.U.Ping("192.168.53.1", count: 2, more: ["-I", "192.168.30.99"]);
        await window.Page.GetByText("source not allowed").First.WaitForAsync();
        await dashboard.Lab.U.Ip("addr del 192.168.30.99/32 dev wg-u");
    }

    [GeneratedRegex("^Set to off again")]
    private static partial Regex SetAgain();

    [GeneratedRegex("selected=[A-Za-z0-9_-]{22}$")]
    private static partial Regex SelectedInAddress();
}
