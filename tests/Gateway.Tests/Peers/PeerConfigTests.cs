using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>Configs as files and pictures, one-time links, and what taking one leaves behind.</summary>
public sealed class PeerConfigTests
{
    [Theory]
    [InlineData(null, "text/plain")]
    [InlineData("*/*", "text/plain")]
    [InlineData("image/svg+xml", "image/svg+xml")]
    [InlineData("image/png", "image/png")]
    [InlineData("image/*;q=0.5, text/plain;q=0.1", "image/svg+xml")]
    [InlineData("text/html, image/png;q=0.2, */*;q=0.1", "image/png")]
    public async Task Config_Negotiated_ComesInThatForm(string? accept, string expected)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "host-u" });
        using var answer = await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config", accept: accept);
        Assert.Equal(expected, answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        var content = await answer.Content.ReadAsByteArrayAsync();
        if (expected == "image/png") Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], content[..4]);
        else Assert.StartsWith(expected == "text/plain" ? "# host-u" : "<svg", Encoding.UTF8.GetString(content), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_InNoFormThatIsThere_Is406()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        using var answer = await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config", accept: "application/pdf");
        Assert.Equal(HttpStatusCode.NotAcceptable, answer.StatusCode);
    }

    [Fact]
    public async Task Config_WithoutItsKeyOrTooLong_IsNoPicture()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var given = await host.Post("tunnels/wg0/peers", new { name = "given", publicKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=" });
        using var withoutKey = await host.Ask(HttpMethod.Get, $"peers/{given["id"]}/config", accept: "image/png");
        Assert.Equal(HttpStatusCode.Conflict, withoutKey.StatusCode);
        var large = await host.Post("tunnels/wg0/peers", new { name = "large" });
        for (var i = 0; i < 160; i++) await host.Post($"peers/{large["id"]}/routes", new { prefix = $"172.16.{i}.128/25" });
        using var tooLong = await host.Ask(HttpMethod.Get, $"peers/{large["id"]}/config", accept: "image/svg+xml");
        Assert.Equal(HttpStatusCode.Conflict, tooLong.StatusCode);
        using var file = await host.Ask(HttpMethod.Get, $"peers/{large["id"]}/config");
        Assert.Equal(HttpStatusCode.OK, file.StatusCode);
    }

    [Fact]
    public async Task Config_OfATunnelWithDnsAndKeepalive_HasThem()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Patch("tunnels/wg0", new { dnsServers = new[] { "192.168.60.53", "fd60::53" }, searchDomains = new[] { "corp.example.org" }, keepaliveSeconds = 21, firewallMark = 51820 });
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        Assert.Equal(21, peer["keepaliveSeconds"]!.GetValue<int>());
        var config = await Text(host, peer);
        Assert.Contains("DNS = 192.168.60.53, fd60::53, corp.example.org\n", config, StringComparison.Ordinal);
        Assert.Contains("PersistentKeepalive = 21\n", config, StringComparison.Ordinal);
        Assert.Equal(51820, (await host.Get("tunnels/wg0"))["firewallMark"]!.GetValue<long>());
    }

    [Theory]
    [InlineData(1500, 1500, 1420)]
    [InlineData(9000, 9000, 1420)]
    [InlineData(1492, 1500, 1412)]
    [InlineData(1500, 1400, 1320)]
    [InlineData(600, 1500, 1280)]
    public async Task Mtu_LeftOut_IsWorkedOutFromThePathAndShownSo(int byDefaultRoute, int towardsPeer, int expected)
    {
        await using var host = await TestHost.StartAsync(prepare: h =>
        {
            h.Routes.DefaultMtu = byDefaultRoute;
            h.Routes.Mtus["203.0.113.5"] = towardsPeer;
        });
        await host.Post("tunnels", new { name = "wg0", addresses = new[] { "192.168.53.1/24" }, listenPort = 51820 });
        var peer = await host.Post("tunnels/wg0/peers", new { name = "branch", endpoint = "203.0.113.5:51820" });
        // A change of the tunnel looks at the path anew.
        var tunnel = await host.Patch("tunnels/wg0", new { keepaliveSeconds = 5 });
        Assert.Equal((expected, true), (tunnel["mtu"]!.GetValue<int>(), tunnel["mtuAutomatic"]!.GetValue<bool>()));
        Assert.Equal(expected, host.Ports.Device!.Settings!.Mtu);
        Assert.Contains($"MTU = {expected}\n", await Text(host, peer), StringComparison.Ordinal);
        tunnel = await host.Patch("tunnels/wg0", new { mtu = 1400 });
        Assert.Equal((1400, false), (tunnel["mtu"]!.GetValue<int>(), tunnel["mtuAutomatic"]!.GetValue<bool>()));
    }

    [Fact]
    public async Task Config_ChangedSinceDownload_ShowsUntilTakenAgain()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        Assert.False(await Changed());
        await Text(host, peer);
        Assert.False(await Changed());
        await host.Patch($"peers/{peer["id"]}", new { notes = "nothing that a config has" });
        Assert.False(await Changed());
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24" });
        Assert.True(await Changed());
        await Text(host, peer);
        Assert.False(await Changed());
        await host.Patch("tunnels/wg0", new { endpoint = "vpn.example.org:51820" });
        Assert.True(await Changed());

        async Task<bool> Changed() => (await host.Get($"peers/{peer["id"]}"))["configChanged"]!.GetValue<bool>();
    }

    [Fact]
    public async Task Config_OfAPeerThatDropsItsKey_HasItOnce()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u", dropKeyAfterDownload = true });
        Assert.True(peer["hasPrivateKey"]!.GetValue<bool>());
        Assert.Matches("(?m)^PrivateKey = ", await Text(host, peer));
        Assert.DoesNotMatch("(?m)^PrivateKey = ", await Text(host, peer));
        peer = await host.Get($"peers/{peer["id"]}");
        Assert.False(peer["hasPrivateKey"]!.GetValue<bool>());
        Assert.False(peer["configChanged"]!.GetValue<bool>());
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        Assert.Null((await db.Peers.SingleAsync()).ProtectedPrivateKey);
        Assert.Equal(2, await db.Audit.CountAsync(e => e.Action == "peer.config" && e.Subject == "u"));
    }

    [Fact]
    public async Task Link_Posted_GivesTheConfigOnceToAnybody()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var (link, path) = await MakeLink(host, peer);
        // Mail scanners and previews look; that uses nothing up.
        using (var head = await host.Anonymous.SendAsync(new HttpRequestMessage(HttpMethod.Head, path))) Assert.NotEqual(HttpStatusCode.OK, head.StatusCode);
        using (var look = await host.Anonymous.GetAsync(path)) Assert.DoesNotContain("PrivateKey", await look.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(link["id"]!.GetValue<string>(), Assert.Single((await host.Get($"peers/{peer["id"]}/links")).AsArray())!["id"]!.GetValue<string>());

        using var taken = await host.Anonymous.PostAsync(path, null);
        var text = await taken.Content.ReadAsStringAsync();
        using var again = await host.Anonymous.PostAsync(path, null);

        Assert.Matches("(?m)^PrivateKey = ", text);
        Assert.Equal("u.conf", taken.Content.Headers.ContentDisposition!.FileName);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        Assert.Empty((await host.Get($"peers/{peer["id"]}/links")).AsArray());
        Assert.DoesNotContain(host.Log.Lines, line => line.Contains(path.Split('/')[^1], StringComparison.Ordinal));
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        var entry = await db.Audit.SingleAsync(e => e.Action == "link.use");
        Assert.Equal(("one-time link of bootstrap", "127.0.0.1"), (entry.Actor, entry.From));
    }

    [Fact]
    public async Task Link_InABrowser_ShowsAButtonThenFileAndPicture()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "host-u" });
        var (_, path) = await MakeLink(host, peer);
        host.Anonymous.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        var page = await host.Anonymous.GetStringAsync(path);
        Assert.Contains("<form method=\"post\"", page, StringComparison.Ordinal);
        Assert.Contains("host-u", page, StringComparison.Ordinal);
        using var taken = await host.Anonymous.PostAsync(path, null);
        page = await taken.Content.ReadAsStringAsync();
        Assert.Contains("xml;base64,", page, StringComparison.Ordinal);
        Assert.Contains("download=\"host-u.conf\"", page, StringComparison.Ordinal);
        using var dead = await host.Anonymous.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, dead.StatusCode);
        Assert.Contains("Ask whoever sent it", await dead.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Link_DeletedOrOfADeletedPeer_IsDead()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var (first, firstPath) = await MakeLink(host, peer);
        var (_, secondPath) = await MakeLink(host, peer);
        await host.Delete($"peers/{peer["id"]}/links/{first["id"]}");
        using var revoked = await host.Anonymous.PostAsync(firstPath, null);
        await host.Delete($"peers/{peer["id"]}");
        using var orphaned = await host.Anonymous.PostAsync(secondPath, null);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (revoked.StatusCode, orphaned.StatusCode));
    }

    [Fact]
    public async Task Link_WithAnImpossibleTime_Is422()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        Assert.Equal(["expiresInSeconds"], await host.Fields(HttpMethod.Post, $"peers/{peer["id"]}/links", new { expiresInSeconds = 1 }, HttpStatusCode.UnprocessableEntity));
    }

    private static async Task<(JsonNode Link, string Path)> MakeLink(TestHost host, JsonNode peer)
    {
        var link = await host.Post($"peers/{peer["id"]}/links", new { expiresInSeconds = 3600 });
        return (link, new Uri(link["url"]!.GetValue<string>()).AbsolutePath);
    }

    private static async Task<string> Text(TestHost host, JsonNode peer)
    {
        using var answer = await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config");
        return await answer.Content.ReadAsStringAsync();
    }
}
