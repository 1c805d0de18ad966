using System.Net;
using System.Text.Json.Nodes;
using Gateway.Engine.Ports;
using Gateway.Linux.Nftables;
using Xunit;

namespace Gateway.Tests;

/// <summary>NAT and MSS clamping: what the API takes, and that the table follows it; what it does to packets is in the namespace tests.</summary>
public sealed class NatTests
{
    [Fact]
    public async Task Nat_SetChangedAndTakenAway_TheTableFollows()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Null(host.Rules.Table);

        var set = await host.Patch("tunnels/wg0", new { nat = new object[] { new { prefix = "0.0.0.0/0" }, new { prefix = "192.168.60.0/24", to = "none" }, new { prefix = "10.0.0.0/8", to = "203.0.113.5" } }, clampMss = true });

        Assert.Equal("masquerade", set["nat"]![0]!["to"]!.GetValue<string>());
        Assert.True(set["clampMss"]!.GetValue<bool>());
        var rules = Rules(host.Rules.Table!);
        // The longest prefix first, as the first rule that fits decides.
        Assert.Equal(["accept", "snat", "masquerade", "mangle", "mangle"], rules.Select(r => r["expr"]!.AsArray()[^1]!.AsObject().First().Key));
        Assert.All(rules.Take(3), r => Assert.Equal("wg0", r["expr"]![0]!["match"]!["right"]!.GetValue<string>()));

        await host.Patch("tunnels/wg0", new { nat = (object?)null, clampMss = false });
        Assert.Null(host.Rules.Table);
    }

    [Fact]
    public async Task Nat_UnrelatedChange_DoesNotRunNftAgain()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Patch("tunnels/wg0", new { clampMss = true });
        var before = host.Rules.Documents.Count;
        await host.Post("tunnels/wg0/peers", new { name = "u" });
        await host.Patch("tunnels/wg0", new { mtu = 1380 });
        Assert.Equal(before, host.Rules.Documents.Count);
    }

    [Fact]
    public async Task Nat_OfAPatternTunnel_NamesTheRealDevice()
    {
        await using var host = await TestHost.StartAsync();
        var tunnel = await host.Post("tunnels", new { name = "zhang%d", addresses = new[] { "192.168.53.1/24" }, clampMss = true });
        await Eventually.True(() => Task.FromResult(host.Rules.Table is not null), "the table");
        var device = (await host.Get($"tunnels/{Uri.EscapeDataString(tunnel["name"]!.GetValue<string>())}"))["device"]!.GetValue<string>();
        Assert.DoesNotContain('%', device);
        Assert.Equal(device, Rules(host.Rules.Table!)[0]["expr"]![0]!["match"]!["right"]!.GetValue<string>());
    }

    [Fact]
    public async Task Nat_SomebodyFlushesAllRules_IsPutBack()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Patch("tunnels/wg0", new { nat = new[] { new { prefix = "0.0.0.0/0", to = "masquerade" } } });
        var wanted = host.Rules.Table;
        host.Rules.Change(null);
        await Eventually.True(() => Task.FromResult(host.Rules.Table == wanted), "the table being put back");
        Assert.Contains(host.Log.Lines, line => line.Contains("Somebody changed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nat_NftRefuses_IsShownWithItsWordsAndRemedy()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        host.Rules.Refusal = new PortException("The program nft is not installed here: apt-get install nftables.", "Install it.");

        var set = await host.Patch("tunnels/wg0", new { clampMss = true });

        Assert.Contains("apt-get install nftables", set["problems"]![0]!["cause"]!.GetValue<string>(), StringComparison.Ordinal);
        var status = await host.Get("status");
        Assert.Contains("apt-get install nftables", status["revision"]!["difference"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotEqual(status["revision"]!["wanted"]!.GetValue<long>(), status["revision"]!["applied"]!.GetValue<long>());
        // The next change tries again, and without a wish nothing is missed.
        await host.Patch("tunnels/wg0", new { clampMss = false });
        Assert.Null((await host.Get("status"))["revision"]!["difference"]);
    }

    [Fact]
    public async Task Restart_OfAGatewayThatWasKilled_ReplacesItsTable()
    {
        using var directory = new TemporaryDirectory();
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            await host.Wg0();
            await host.Patch("tunnels/wg0", new { clampMss = true });
        }

        await using var again = await TestHost.StartAsync(directory.Path, prepare: h => h.Rules.Change("left over"));
        Assert.NotEqual("left over", again.Rules.Table);
        Assert.Equal(2, Rules(again.Rules.Table!).Length);
    }

    [Theory]
    [InlineData("""{"nat":[{"prefix":"192.168.60.1/24"}]}""", "nat[0].prefix")]
    [InlineData("""{"nat":[{"to":"masquerade"}]}""", "nat[0].prefix")]
    [InlineData("""{"nat":[{"prefix":"0.0.0.0/0"},{"prefix":"0.0.0.0/0"}]}""", "nat[1].prefix")]
    [InlineData("""{"nat":[{"prefix":"0.0.0.0/0","to":"eth0"}]}""", "nat[0].to")]
    [InlineData("""{"nat":[{"prefix":"::/0","to":"203.0.113.5"},{"prefix":"10.0.0.0/8","to":"10.0.0.0/8"}]}""", "nat[0].to", "nat[1].to")]
    public async Task Nat_RulesBroken_AreNamedAtOnce(string body, params string[] fields)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Equal(fields, await host.Fields(HttpMethod.Patch, "tunnels/wg0", body, HttpStatusCode.UnprocessableEntity));
        Assert.Null(host.Rules.Table);
    }

    [Fact]
    public async Task Nat_UnknownMember_IsMalformed()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Equal(["nat"], await host.Fields(HttpMethod.Patch, "tunnels/wg0", """{"nat":[{"prefix":"0.0.0.0/0","device":"eth0"}]}""", HttpStatusCode.BadRequest));
    }

    [Fact]
    public void Render_WithoutWishes_TakesTheTableAwayAndMakesNone()
    {
        var commands = JsonNode.Parse(OwnTable.Render([]))!["nftables"]!.AsArray();
        Assert.Equal(["add", "delete"], commands.Select(c => c!.AsObject().First().Key));
    }

    private static JsonObject[] Rules(string document) =>
        [.. JsonNode.Parse(document)!["nftables"]!.AsArray().Select(c => c!["add"]?["rule"]).OfType<JsonObject>()];
}
