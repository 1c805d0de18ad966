using System.Net;
using Gateway.Engine.Ports;
using Xunit;

namespace Gateway.Tests;

public sealed class TunnelsTests
{
    [Fact]
    public async Task Tunnel_Created_IsUpAndListed()
    {
        await using var host = await TestHost.StartAsync();
        var made = await host.Wg0("192.168.53.1/24,fd53::1/64");
        Assert.Equal("up", made["state"]!.GetValue<string>());
        Assert.Equal("wg0", made["device"]!.GetValue<string>());
        Assert.Equal(44, made["publicKey"]!.GetValue<string>().Length);
        Assert.Equal(1, made["revision"]!.GetValue<long>());
        var listed = (await host.Get("tunnels"))["items"]!.AsArray();
        Assert.Equal(made["id"]!.ToString(), Assert.Single(listed)!["id"]!.ToString());
        Assert.Equal(["192.168.53.1/24", "fd53::1/64"], host.Ports.Device!.Settings!.Addresses.Select(a => a.ToString()));
        var status = await host.Get("status");
        Assert.Equal((1, 1), (status["revision"]!["wanted"]!.GetValue<int>(), status["revision"]!["applied"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Tunnel_Patched_MergesAndKeepsTheRest()
    {
        await using var host = await TestHost.StartAsync();
        var made = await host.Wg0();
        var patched = await host.Patch("tunnels/wg0", new { mtu = 1380, endpoint = (string?)null });
        Assert.Equal(1380, patched["mtu"]!.GetValue<int>());
        Assert.Null(patched["endpoint"]);
        Assert.Equal(51820, patched["listenPort"]!.GetValue<int>());
        Assert.Equal(made["publicKey"]!.ToString(), patched["publicKey"]!.ToString());
        Assert.Equal(1380, host.Ports.Device!.Mtu);
    }

    [Fact]
    public async Task Tunnel_ChangedSinceRead_Is412()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        using var read = await host.Ask(HttpMethod.Get, "tunnels/wg0");
        var etag = read.Headers.ETag!.ToString();
        await host.Patch("tunnels/wg0", new { mtu = 1400 });
        using var late = await host.Ask(HttpMethod.Patch, "tunnels/wg0", new { mtu = 1300 }, ifMatch: etag);
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
        using var lateDelete = await host.Ask(HttpMethod.Delete, "tunnels/wg0", ifMatch: etag);
        Assert.Equal(HttpStatusCode.PreconditionFailed, lateDelete.StatusCode);
        using var again = await host.Ask(HttpMethod.Get, "tunnels/wg0");
        using var fresh = await host.Ask(HttpMethod.Patch, "tunnels/wg0", new { mtu = 1300 }, ifMatch: again.Headers.ETag!.ToString());
        Assert.Equal(HttpStatusCode.OK, fresh.StatusCode);
    }

    [Fact]
    public async Task Tunnel_Deleted_IsGoneWithItsPeers()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "u" });
        await host.Delete("tunnels/wg0");
        await host.Get("tunnels/wg0", HttpStatusCode.NotFound);
        Assert.Empty((await host.Get("peers"))["items"]!.AsArray());
        Assert.Empty((await host.Get("status"))["tunnels"]!.AsArray());
    }

    [Theory]
    [InlineData("""{"name":"a-name-that-is-much-too-long"}""", "name")]
    [InlineData("""{"name":"no/slash"}""", "name")]
    [InlineData("""{"name":".."}""", "name")]
    [InlineData("""{"name":"a b"}""", "name")]
    [InlineData("""{"name":"a%s"}""", "name")]
    [InlineData("""{"name":"a%d%d"}""", "name")]
    [InlineData("""{"name":"all"}""", "name")]
    [InlineData("""{}""", "name")]
    [InlineData("""{"name":"wg0","mtu":575}""", "mtu")]
    [InlineData("""{"name":"wg0","mtu":9001}""", "mtu")]
    [InlineData("""{"name":"wg0","mtu":1279,"addresses":["fd53::1/64"]}""", "mtu")]
    [InlineData("""{"name":"wg0","listenPort":65536}""", "listenPort")]
    [InlineData("""{"name":"wg0","transport":"udp"}""", "transport")]
    [InlineData("""{"name":"wg0","layer":"ethernet"}""", "layer")]
    [InlineData("""{"name":"wg0","layer":"atm"}""", "layer")]
    [InlineData("""{"name":"wg0","addresses":["192.168.53.1"]}""", "addresses[0]")]
    [InlineData("""{"name":"wg0","addresses":["192.168.53.1/33"]}""", "addresses[0]")]
    [InlineData("""{"name":"wg0","addresses":["192.168.53/24"]}""", "addresses[0]")]
    [InlineData("""{"name":"wg0","addresses":["10.0.0.1/8","224.0.0.1/24"]}""", "addresses[1]")]
    [InlineData("""{"name":"wg0","endpoint":"10.0.2.8"}""", "endpoint")]
    [InlineData("""{"name":"wg0","endpoint":"1.2.3:51820"}""", "endpoint")]
    [InlineData("""{"name":"wg0","endpoint":"vpn.example.org:0"}""", "endpoint")]
    public async Task Tunnel_BreakingARule_Is422NamingTheField(string body, string field)
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal([field], await host.Fields(HttpMethod.Post, "tunnels", body, HttpStatusCode.UnprocessableEntity));
        Assert.Empty((await host.Get("tunnels"))["items"]!.AsArray());
        Assert.Equal(0, (await host.Get("status"))["revision"]!["wanted"]!.GetValue<int>());
    }

    [Fact]
    public async Task Tunnel_BreakingManyRules_NamesThemAll()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(["name", "transport", "listenPort", "addresses[1]", "mtu", "endpoint"], await host.Fields(HttpMethod.Post, "tunnels",
            """{"name":"a b","transport":"x","listenPort":-1,"addresses":["10.0.0.1/8","x"],"mtu":1,"endpoint":"x"}""", HttpStatusCode.UnprocessableEntity));
    }

    [Theory]
    [InlineData("""{"name":"wg0","colour":"red","sise":1}""", "colour", "sise")]
    [InlineData("""{"name":"wg0","mtu":"1420","addresses":"10.0.0.1/8"}""", "mtu", "addresses")]
    [InlineData("""{"name":"wg0","name":"wg1"}""", "body")]
    [InlineData("""{"name":"wg0",""", "body")]
    [InlineData("""[1]""", "body")]
    [InlineData("", "body")]
    public async Task Tunnel_MalformedBody_Is400NamingTheMembers(string body, params string[] fields)
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(fields, await host.Fields(HttpMethod.Post, "tunnels", body, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Tunnel_BodyOfAnotherType_Is415()
    {
        await using var host = await TestHost.StartAsync();
        using var answer = await host.Ask(HttpMethod.Post, "tunnels", "name=wg0", mediaType: "application/x-www-form-urlencoded");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
    }

    [Fact]
    public async Task Tunnel_NamedLikeADeviceOfTheHost_Is409AndNotSaved()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(["name"], await host.Fields(HttpMethod.Post, "tunnels", """{"name":"eth0"}""", HttpStatusCode.Conflict));
        Assert.Empty((await host.Get("tunnels"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Tunnel_AddressTaken_Is409NamingTheOther()
    {
        await using var host = await TestHost.StartAsync();
        await host.Post("tunnels", new { name = "wg0", listenPort = 0, addresses = new[] { "192.168.53.1/24", "fd53::1/64" } });
        Assert.Equal(["addresses"], await host.Fields(HttpMethod.Post, "tunnels", new { name = "wg1", listenPort = 0, addresses = new[] { "fd53:0::1/128" } }, HttpStatusCode.Conflict));
        await host.Post("tunnels", new { name = "wg2", listenPort = 0, addresses = new[] { "192.168.54.1/24" } });
        Assert.Equal(["addresses"], await host.Fields(HttpMethod.Patch, "tunnels/wg2", new { addresses = new[] { "192.168.53.1/32" } }, HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Tunnel_NameOrPortTaken_Is409NamingTheOther()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Equal(["name", "listenPort"], await host.Fields(HttpMethod.Post, "tunnels", new { name = "wg0", listenPort = 51820 }, HttpStatusCode.Conflict));
        await host.Post("tunnels", new { name = "wg1", listenPort = 0 });
        await host.Post("tunnels", new { name = "wg2", listenPort = 0 });
        Assert.Equal(["listenPort"], await host.Fields(HttpMethod.Patch, "tunnels/wg1", new { listenPort = 51820 }, HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Tunnel_ChangingWhatIsFixed_Is422()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Equal(["name", "transport", "layer"],
            await host.Fields(HttpMethod.Patch, "tunnels/wg0", new { name = "wg1", transport = "plain", layer = "ethernet" }, HttpStatusCode.UnprocessableEntity));
    }

    [Fact]
    public async Task Tunnel_DeviceRefused_IsSavedAndToldWithCauseAndRemedy()
    {
        await using var host = await TestHost.StartAsync();
        host.Ports.DeviceFailure = new PortException("UDP port 51820 is in use.", "Stop what uses it.");
        var made = await host.Wg0();
        Assert.Equal(("failed", "UDP port 51820 is in use.", "Stop what uses it."),
            (made["state"]!.GetValue<string>(), made["cause"]!.GetValue<string>(), made["remedy"]!.GetValue<string>()));
        var revision = (await host.Get("status"))["revision"]!;
        Assert.Equal((1, 0), (revision["wanted"]!.GetValue<int>(), revision["applied"]!.GetValue<int>()));
        Assert.Contains("51820 is in use", revision["difference"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.Anonymous.GetAsync("/readyz")).StatusCode);
        host.Ports.DeviceFailure = null;
        await Eventually.True(async () => (await host.Anonymous.GetAsync("/readyz")).IsSuccessStatusCode, "the tunnel healing");
    }

    [Fact]
    public async Task Tunnel_Plain_SaysThatItHasNoSecurity()
    {
        await using var host = await TestHost.StartAsync();
        var made = await host.Post("tunnels", new { name = "zhang%d", transport = "plain", layer = "ethernet", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        Assert.Contains("no encryption", made["warning"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Null(made["publicKey"]);
        Assert.Equal("zhang0", made["device"]!.GetValue<string>());
        Assert.Contains("no encryption", (await host.Get("status"))["warnings"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("zhang%d", (await host.Get("tunnels/zhang%25d"))["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Tunnels_Paged_ComeOnceEach()
    {
        await using var host = await TestHost.StartAsync();
        for (var i = 0; i < 5; i++) await host.Post("tunnels", new { name = $"wg{i}" });
        var names = new List<string>();
        string? cursor = null;
        do
        {
            var page = await host.Get($"tunnels?limit=2{(cursor is null ? "" : "&cursor=" + cursor)}");
            names.AddRange(page["items"]!.AsArray().Select(t => t!["name"]!.GetValue<string>()));
            cursor = page["nextCursor"]?.GetValue<string>();
        }
        while (cursor is not null);
        Assert.Equal(["wg0", "wg1", "wg2", "wg3", "wg4"], names.Order());
        Assert.Equal(["limit", "cursor"], await host.Fields(HttpMethod.Get, "tunnels?limit=0&cursor=*", null, HttpStatusCode.BadRequest));
        await host.Get("tunnels?limit=x", HttpStatusCode.BadRequest);
    }
}
