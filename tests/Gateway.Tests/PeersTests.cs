using System.Net;
using Xunit;

namespace Gateway.Tests;

public sealed class PeersTests
{
    private const string Key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

    [Fact]
    public async Task Peer_WithoutKey_GetsKeysAddressAndConfig()
    {
        await using var host = await TestHost.StartAsync();
        var tunnel = await host.Wg0("192.168.53.1/24,fd53::1/64");
        var peer = await host.Post("tunnels/wg0/peers", new { name = "host-u", keepaliveSeconds = 25 });
        Assert.Equal(["192.168.53.2/32", "fd53::2/128"], peer["addresses"]!.AsArray().Select(a => a!.GetValue<string>()));
        Assert.Equal("never", peer["state"]!.GetValue<string>());
        Assert.True(peer["hasPresharedKey"]!.GetValue<bool>());
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24" });
        using var answer = await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config");
        var config = await answer.Content.ReadAsStringAsync();
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
        Assert.Matches("(?m)^PrivateKey = .{44}$", config);
        Assert.Matches("(?m)^PresharedKey = .{44}$", config);
        Assert.Contains($"PublicKey = {tunnel["publicKey"]}\n", config, StringComparison.Ordinal);
        Assert.Contains("Address = 192.168.53.2/32, fd53::2/128\nMTU = 1420\n", config, StringComparison.Ordinal);
        Assert.Contains("AllowedIPs = 192.168.53.0/24, fd53::/64, 192.168.60.0/24\nEndpoint = 10.0.2.8:51820\nPersistentKeepalive = 25\n", config, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peer_WithGivenKey_GetsNoSecretsItDidNotBring()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u", publicKey = Key, addresses = new[] { "192.168.53.99" } });
        Assert.False(peer["hasPresharedKey"]!.GetValue<bool>());
        Assert.False(peer["hasPrivateKey"]!.GetValue<bool>());
        Assert.Equal("192.168.53.99/32", peer["addresses"]![0]!.GetValue<string>());
        using var config = await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config");
        Assert.DoesNotMatch("(?m)^PrivateKey", await config.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Peer_Patched_KeepsItsPresharedKeyUntilNullIsSent()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var patched = await host.Patch($"peers/{peer["id"]}", new { name = "v", addresses = new[] { "192.168.53.7/32" } });
        Assert.True(patched["hasPresharedKey"]!.GetValue<bool>());
        Assert.True(patched["hasPrivateKey"]!.GetValue<bool>());
        Assert.Equal("192.168.53.7/32", Assert.Single(patched["addresses"]!.AsArray())!.GetValue<string>());
        patched = await host.Patch($"peers/{peer["id"]}", new { presharedKey = (string?)null });
        Assert.False(patched["hasPresharedKey"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Peer_AddressesAndGatewayRoutes_BecomeAllowedIpsAndKernelRoutes()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u", addresses = new[] { "192.168.53.99/32", "192.168.30.99/32" } });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.71.0/24", installOn = "gateway", kernelRoute = false });
        var client = await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24", installOn = "client" });
        Assert.Equal(["192.168.30.99/32", "192.168.70.0/24"], host.Ports.Device!.Settings!.Routes.Select(r => r.ToString()).Order());
        Assert.Equal(3, (await host.Get($"peers/{peer["id"]}/routes"))["items"]!.AsArray().Count);
        await host.Delete($"routes/{client["id"]}");
        Assert.Equal(2, (await host.Get("routes"))["items"]!.AsArray().Count);
        await host.Delete($"peers/{peer["id"]}");
        Assert.Empty(host.Ports.Device.Settings!.Routes);
        Assert.Empty((await host.Get("routes"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Peer_OwningWhatAnotherOwns_Is409NamingBoth()
    {
        await using var host = await TestHost.StartAsync();
        var tunnel = await host.Wg0();
        var first = await host.Post("tunnels/wg0/peers", new { name = "first", publicKey = Key, addresses = new[] { "192.168.53.99/32" } });
        await host.Post($"peers/{first["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        var problem = await host.Post("tunnels/wg0/peers", new { name = "first", publicKey = Key, addresses = new[] { "192.168.53.99" } }, HttpStatusCode.Conflict);
        Assert.Equal(["name", "publicKey", "addresses[0]"], problem["errors"]!.AsArray().Select(e => e!["field"]!.GetValue<string>()));
        var second = await host.Post("tunnels/wg0/peers", new { name = "second" });
        problem = await host.Post($"peers/{second["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" }, HttpStatusCode.Conflict);
        Assert.Contains("'second'", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("'first'", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        await host.Post($"peers/{second["id"]}/routes", new { prefix = "192.168.53.99/32", installOn = "gateway" }, HttpStatusCode.Conflict);
        // Nested is no conflict: the longest prefix wins. Nor is one destination for many clients.
        await host.Post($"peers/{second["id"]}/routes", new { prefix = "192.168.70.128/25", installOn = "gateway" });
        await host.Post($"peers/{first["id"]}/routes", new { prefix = "192.168.60.0/24" });
        await host.Post($"peers/{second["id"]}/routes", new { prefix = "192.168.60.0/24" });
        Assert.Equal(["publicKey"], await host.Fields(HttpMethod.Post, "tunnels/wg0/peers",
            new { name = "self", publicKey = tunnel["publicKey"]!.GetValue<string>() }, HttpStatusCode.UnprocessableEntity));
    }

    [Theory]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name":"a\nb"}""", "name")]
    [InlineData("""{"name":"u","publicKey":"abc"}""", "publicKey")]
    [InlineData("""{"name":"u","publicKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}""", "publicKey")]
    [InlineData("""{"name":"u","presharedKey":"abc"}""", "presharedKey")]
    [InlineData("""{"name":"u","addresses":["192.168.53.99/24"]}""", "addresses[0]")]
    [InlineData("""{"name":"u","addresses":["192.168.53.1"]}""", "addresses[0]")]
    [InlineData("""{"name":"u","addresses":["::/0"]}""", "addresses[0]")]
    [InlineData("""{"name":"u","addresses":["hello"]}""", "addresses[0]")]
    [InlineData("""{"name":"u","endpoint":"nowhere"}""", "endpoint")]
    [InlineData("""{"name":"u","endpoint":"-x.org:1"}""", "endpoint")]
    [InlineData("""{"name":"u","keepaliveSeconds":65536}""", "keepaliveSeconds")]
    [InlineData("""{"name":"u","expiresAt":"2001-01-01T00:00:00Z"}""", "expiresAt")]
    public async Task Peer_BreakingARule_Is422NamingTheField(string body, string field)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Equal([field], await host.Fields(HttpMethod.Post, "tunnels/wg0/peers", body, HttpStatusCode.UnprocessableEntity));
    }

    [Theory]
    [InlineData("""{}""", "prefix")]
    [InlineData("""{"prefix":"192.168.60.1/24"}""", "prefix")]
    [InlineData("""{"prefix":"nonsense"}""", "prefix")]
    [InlineData("""{"prefix":"192.168.60.0/24","installOn":"moon"}""", "installOn")]
    [InlineData("""{"prefix":"192.168.60.0/24","kernelRoute":true}""", "kernelRoute")]
    [InlineData("""{"prefix":"0.0.0.0/0","installOn":"gateway"}""", "prefix")]
    public async Task Route_BreakingARule_Is422NamingTheField(string body, string field)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        Assert.Equal([field], await host.Fields(HttpMethod.Post, $"peers/{peer["id"]}/routes", body, HttpStatusCode.UnprocessableEntity));
    }

    [Fact]
    public async Task Peer_OnPlain_HasNoKeysAndIsToldHowToConnect()
    {
        await using var host = await TestHost.StartAsync();
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" }, endpoint = "10.0.2.8:9090" });
        Assert.Equal(["publicKey", "presharedKey"], await host.Fields(HttpMethod.Post, "tunnels/tun0/peers", new { name = "u", publicKey = Key, presharedKey = Key }, HttpStatusCode.UnprocessableEntity));
        var peer = await host.Post("tunnels/tun0/peers", new { name = "u", addresses = new[] { "192.168.53.99/32" } });
        Assert.Null(peer["publicKey"]);
        var problem = await host.Get($"peers/{peer["id"]}/config", HttpStatusCode.Conflict);
        Assert.Contains("gateway connect --plain 10.0.2.8:9090 --address 192.168.53.99/32 --route 192.168.53.0/24", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peers_FullPrefix_IsAConflictThatNamesIt()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0("192.168.53.1/30");
        await host.Post("tunnels/wg0/peers", new { name = "a" });
        var problem = await host.Post("tunnels/wg0/peers", new { name = "b" }, HttpStatusCode.Conflict);
        Assert.Contains("192.168.53.0/30", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peers_ManyAtOnce_GetDifferentAddressesAndNoneIsLost()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var made = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => host.Post("tunnels/wg0/peers", new { name = $"p{i}" })));
        Assert.Equal(40, made.Select(p => p["addresses"]![0]!.GetValue<string>()).Distinct().Count());
        Assert.Equal(41, (await host.Get("status"))["revision"]!["wanted"]!.GetValue<int>());
        Assert.Equal(40, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        var page = await host.Get("tunnels/wg0/peers?limit=25");
        var rest = await host.Get($"tunnels/wg0/peers?limit=25&cursor={page["nextCursor"]}");
        Assert.Equal((25, 15), (page["items"]!.AsArray().Count, rest["items"]!.AsArray().Count));
        Assert.Null(rest["nextCursor"]);
    }

    [Fact]
    public async Task Peer_Expired_IsNoLongerLetIn()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "u", expiresAt = DateTimeOffset.Parse("2100-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture) });
        Assert.Equal(1, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        var soon = TimeProvider.System.GetUtcNow().AddSeconds(1);
        await host.Post("tunnels/wg0/peers", new { name = "v", expiresAt = soon });
        await Eventually.True(async () => (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>() == 1 && TimeProvider.System.GetUtcNow() > soon, "the expiry");
    }
}
