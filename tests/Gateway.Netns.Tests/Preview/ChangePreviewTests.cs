using System.Text.Json.Nodes;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Xunit;

namespace Gateway.Netns.Tests.Preview;

/// <summary>A change tried says of real traffic what making it then shows.</summary>
public sealed class ChangePreviewTests
{
    [Fact]
    public async Task ClientRoute_TheDryRunSaysWhatBreaksAndWhatPasses_AndSoItIs()
    {
        await using var lab = await ThreeHosts.WithGateway();
        using var files = new TemporaryDirectory();
        await lab.Api.Post("tunnels", new { name = "wg0", listenPort = 51820, addresses = new[] { "192.168.53.1/24" }, endpoint = $"{ThreeHosts.GatewayOutside}:51820" });
        var peer = (await lab.Api.Post("tunnels/wg0/peers", new { name = "host-u", addresses = new[] { "192.168.53.2/32" } }))["id"]!.GetValue<string>();
        var route = (await lab.Api.Post($"peers/{peer}/routes", new { prefix = "192.168.60.0/24" }))["id"]!.GetValue<string>();
        // A client that does not follow changes keeps sending where it may not go any more.
        var config = string.Join('\n', (await lab.Api.Config(peer)).Split('\n').Where(line => !line.StartsWith("# Follow", StringComparison.Ordinal)));
        var file = Path.Combine(files.Path, "wg-u.conf");
        await File.WriteAllTextAsync(file, config);
        await using var client = lab.U.Start(Binaries.Cli, "connect", file);
        await lab.U.Reaches(ThreeHosts.VAddress);
        await lab.U.Reaches("192.168.53.1");

        var plan = await Try(lab, HttpMethod.Delete, $"routes/{route}");
        var breaks = Assert.Single(plan["breaks"]!["largest"]!.AsArray())!;
        Assert.Equal((ThreeHosts.VAddress, "icmp", "host-u"), (breaks["destination"]!.GetValue<string>(), breaks["protocol"]!.GetValue<string>(), breaks["peer"]!.GetValue<string>()));
        Assert.Contains("host-u may not reach 192.168.60.101", breaks["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(0, plan["beginsToPass"]!["flows"]!.GetValue<int>());

        // Forwarding off stops it too, the tunnel's own address not; the kernel's way back through wg0 keeps a strict filter from it.
        Assert.Equal(ThreeHosts.VAddress, Assert.Single((await Try(lab, HttpMethod.Patch, "host", new { ipv4Forwarding = false }))["breaks"]!["largest"]!.AsArray())!["destination"]!.GetValue<string>());
        Assert.Equal(0, (await Try(lab, HttpMethod.Patch, "interfaces/wg0", new { rpFilter = "strict" }))["breaks"]!["flows"]!.GetValue<int>());
        Assert.Equal(2, (await Try(lab, HttpMethod.Patch, $"peers/{peer}", new { enabled = false }))["breaks"]!["flows"]!.GetValue<int>());
        Assert.True((await lab.U.Ping(ThreeHosts.VAddress, count: 1)).Received == 1, "a try changes nothing");

        await lab.Api.Delete($"routes/{route}");
        Assert.Equal(0, (await lab.U.Ping(ThreeHosts.VAddress, count: 3)).Received);
        plan = await Try(lab, HttpMethod.Post, $"peers/{peer}/routes", new { prefix = "192.168.60.0/24" });
        Assert.Equal(0, plan["breaks"]!["flows"]!.GetValue<int>());
        var begins = Assert.Single(plan["beginsToPass"]!["largest"]!.AsArray())!;
        Assert.Equal(ThreeHosts.VAddress, begins["destination"]!.GetValue<string>());
        await lab.Api.Post($"peers/{peer}/routes", new { prefix = "192.168.60.0/24" });
        await lab.U.Reaches(ThreeHosts.VAddress);
    }

    private static async Task<JsonNode> Try(ThreeHosts lab, HttpMethod method, string path, object? body = null)
    {
        var answer = await lab.Api.Ask(method, $"{path}?dryRun=true", body);
        Assert.True((int)answer.Status == 200, answer.Text);
        return answer.Json;
    }
}
