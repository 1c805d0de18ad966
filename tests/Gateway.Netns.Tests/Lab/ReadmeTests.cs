using System.Diagnostics;
using System.Text.Json.Nodes;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>The README's three requests with curl and a token, and a standard client with the file as it came.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task TunnelInThreeRequests_WireGuardGoUsesTheFile_AndTheClientRouteIsEnforcedHere()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await Curl(lab, "POST", "tunnels", """{"name":"wg0","listenPort":51820,"addresses":["192.168.53.1/24"],"endpoint":"10.0.2.8:51820"}""");
        var peer = (await Curl(lab, "POST", "tunnels/wg0/peers", """{"name":"host-u","addresses":["192.168.53.99/32"]}"""))["id"]!.GetValue<string>();
        var route = (await Curl(lab, "POST", $"peers/{peer}/routes", """{"prefix":"192.168.60.0/24","installOn":"client"}"""))["id"]!.GetValue<string>();
        using var files = new TemporaryDirectory();
        var file = Path.Combine(files.Path, "hostu.conf");
        await File.WriteAllTextAsync(file, await CurlText(lab, "GET", $"peers/{peer}/config"));
        // wg-quick itself, which starts wireguard-go where the kernel has no WireGuard; it reads the file as it came.
        await lab.U.Run("env", "WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go", "wg-quick", "up", file);
        try
        {
            await lab.U.Reaches(ThreeHosts.VAddress);
            var before = await Drops(lab, peer);

            await CurlText(lab, "DELETE", $"routes/{route}");
            // The answer comes once the engine has the change.
            var clock = Stopwatch.StartNew();
            Assert.Equal(0, (await lab.U.Ping(ThreeHosts.VAddress, count: 1, wait: "1")).Received);
            Assert.True(await Drops(lab, peer) > before, $"not counted as destination not allowed after {clock.Elapsed}");

            await Curl(lab, "POST", $"peers/{peer}/routes", """{"prefix":"192.168.60.0/24","installOn":"client"}""");
            await lab.U.Reaches(ThreeHosts.VAddress);
        }
        finally
        {
            await lab.U.Try("wg-quick", "down", file);
        }
    }

    private static async Task<long> Drops(ThreeHosts lab, string peer) =>
        (await Curl(lab, "GET", $"peers/{peer}"))["drops"]!["destination not allowed"]?.GetValue<long>() ?? 0;

    private static async Task<JsonNode> Curl(ThreeHosts lab, string method, string path, string? body = null) => JsonNode.Parse(await CurlText(lab, method, path, body))!;

    private static Task<string> CurlText(ThreeHosts lab, string method, string path, string? body = null) => lab.GatewayHost.Run(
    [
        "curl", "-sS", "--fail-with-body", "-X", method, "-H", $"Authorization: Bearer {GatewayProcess.Token}", "-H", "Content-Type: application/json",
        .. body is null ? (string[])[] : ["-d", body], $"http://127.0.0.1:8080/api/v1/{path}",
    ]);
}
