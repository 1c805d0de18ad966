using System.IO.Compression;
using System.Net;
using Gateway.Engine;
using Gateway.Features.Transfer;
using Xunit;

namespace Gateway.Tests.Transfer;

public sealed class ImportTests
{
    // Keys that nobody uses.
    private const string ServerKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
    private const string SomePeer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

    [Theory]
    [InlineData("# Client: laptop (0198c3f2-1111-7000-8000-000000000000)\n[Peer]\n", "laptop")]
    [InlineData("### begin laptop ###\n[Peer]\n", "laptop")]
    [InlineData("### end other ###\n### begin laptop ###\n[Peer]\n", "laptop")]
    [InlineData("### Client laptop\n[Peer]\n", "laptop")]
    [InlineData("[Peer]\n#Name# = laptop\n", "laptop")]
    [InlineData("# ID:           abc\n# Name:         laptop\n# Email:        \n[Peer]\n", "laptop")]
    [InlineData("[Peer]\n# friendly_name = laptop\n", "laptop")]
    [InlineData("# laptop\n[Peer]\n", "laptop")]
    [InlineData("[Peer]\n", null)]
    [InlineData("# one\n# two\n[Peer]\n", null)]
    [InlineData("# Client: yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n[Peer]\n", null)]
    public void Name_AsOthersWriteIt_IsFound(string section, string? expected)
    {
        var text = $"# Server\n[Interface]\nPrivateKey = {ServerKey}\nPreUp = \n\n{section}PublicKey = {SomePeer}\nAllowedIPs = 10.8.0.2/32\n";
        Assert.True(WgQuickFile.TryParse(text, out var file, out var errors), string.Join(' ', errors));
        Assert.Equal(expected, ImportNames.Find(file.Peers[0].Comments));
    }

    [Fact]
    public void Name_BehindTheLastKey_BelongsToItsOwnPeer()
    {
        var text = $"[Interface]\nPrivateKey = {ServerKey}\n[Peer]\nPublicKey = {SomePeer}\nAllowedIPs = 10.8.0.2/32\n#Name# = first\n\n# Client: second (1)\n[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\nAllowedIPs = 10.8.0.3/32\n";
        Assert.True(WgQuickFile.TryParse(text, out var file, out _));
        Assert.Equal(["first", "second"], file.Peers.Select(p => ImportNames.Find(p.Comments)));
    }

    [Fact]
    public async Task PeerThatPiVpnSwitchedOff_IsTakenSwitchedOffAndNoted()
    {
        await using var host = await TestHost.StartAsync();
        var server = $"[Interface]\nPrivateKey = {ServerKey}\nAddress = 10.8.0.1/24\n### begin phone ###\n[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\nAllowedIPs = 10.8.0.3/32\n### end phone ###\n"
            + $"#[disabled] ### begin laptop ###\n#[disabled] [Peer]\n#[disabled] PublicKey = {SomePeer}\n#[disabled] AllowedIPs = 10.8.0.2/32\n#[disabled] ### end laptop ###\n";
        var answer = await host.Post("import", new { files = new[] { new { name = "wg0.conf", text = server } } }, HttpStatusCode.OK);
        var peers = (await host.Get("peers?sort=name"))["items"]!.AsArray();
        Assert.Equal([("laptop", false), ("phone", true)], peers.Select(p => (p!["name"]!.GetValue<string>(), p["enabled"]!.GetValue<bool>())));
        Assert.Contains(answer["ignored"]!.AsArray(), line => line!["line"]!.GetValue<int>() == 10 && line["equivalent"]!.GetValue<string>().StartsWith("It is switched off in the file", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ServerFile_Previewed_ChangesNothingAndListsItsCommandsWithEquivalents()
    {
        await using var host = await TestHost.StartAsync();
        var server = $"""
            [Interface]
            PrivateKey = {ServerKey}
            Address = 10.8.0.1/24
            ListenPort = 51820
            PostUp = iptables -t nat -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE; iptables -A FORWARD -i wg0 -j ACCEPT
            PostUp = sysctl -w net.ipv4.ip_forward=1
            PostDown = touch /tmp/ran-{Environment.ProcessId}
            SaveConfig = true

            # Client: laptop (1)
            [Peer]
            PublicKey = {SomePeer}
            AllowedIPs = 10.8.0.2/32, 192.168.70.0/24
            """;
        var body = new { files = new[] { new { name = "wg0.conf", text = server } }, endpoint = "203.0.113.5:51820" };

        var preview = await host.Post("import/preview", body, HttpStatusCode.OK);
        Assert.True(preview["preview"]!.GetValue<bool>());
        Assert.Equal(["tunnel.create", "peer.create", "route.create"], preview["changes"]!.AsArray().Select(c => c!["action"]!.GetValue<string>()));
        Assert.DoesNotContain(ServerKey, preview.ToJsonString(), StringComparison.Ordinal);
        Assert.Empty((await host.Get("tunnels"))["items"]!.AsArray());
        var ignored = preview["ignored"]!.AsArray().ToDictionary(i => i!["line"]!.GetValue<int>(), i => i!["equivalent"]!.GetValue<string>());
        Assert.Contains("\"nat\"", ignored[5], StringComparison.Ordinal);
        Assert.Contains("firewall", ignored[5], StringComparison.Ordinal);
        Assert.Contains("ipv4Forwarding", ignored[6], StringComparison.Ordinal);
        Assert.Contains("Nothing here", ignored[7], StringComparison.Ordinal);
        Assert.Contains("client's file", ignored[11], StringComparison.Ordinal);

        await host.Post("import", body, HttpStatusCode.OK);
        var tunnel = await host.Get("tunnels/wg0");
        Assert.Equal(("203.0.113.5:51820", 51820), (tunnel["endpoint"]!.GetValue<string>(), tunnel["listenPort"]!.GetValue<int>()));
        var peer = (await host.Get("peers"))["items"]![0]!;
        Assert.Equal(("laptop", "10.8.0.2/32", false), (peer["name"]!.GetValue<string>(), peer["addresses"]![0]!.GetValue<string>(), peer["hasPrivateKey"]!.GetValue<bool>()));
        Assert.Equal("192.168.70.0/24", (await host.Get("routes"))["items"]![0]!["prefix"]!.GetValue<string>());
        Assert.False(File.Exists($"/tmp/ran-{Environment.ProcessId}"));

        // Once more: everything is there.
        var again = await host.Post("import", body, HttpStatusCode.OK);
        Assert.Empty(again["changes"]!.AsArray());
        Assert.Equal(2, again["skipped"]!.AsArray().Count);
    }

    [Fact]
    public async Task Export_ImportedElsewhere_GivesTheSameConfigs()
    {
        var files = new List<object>();
        string before;
        await using (var host = await TestHost.StartAsync())
        {
            await host.Wg0();
            await host.Patch("tunnels/wg0", new { dnsServers = new[] { "192.168.53.1" }, searchDomains = new[] { "example.org" } });
            foreach (var name in new[] { "host-u", "a much longer name", "a much longer name 2" })
            {
                var peer = await host.Post("tunnels/wg0/peers", new { name, keepaliveSeconds = 25 });
                await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24" });
            }

            var behind = await host.Post("tunnels/wg0/peers", new { name = "site" });
            await host.Post($"peers/{behind["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
            before = await Configs(host);
            using var zip = new ZipArchive(new MemoryStream(await host.Client.GetByteArrayAsync("/api/v1/export?tunnel=wg0")));
            foreach (var entry in zip.Entries)
            {
                using var reader = new StreamReader(await entry.OpenAsync());
                files.Add(new { name = entry.FullName, text = await reader.ReadToEndAsync() });
            }

            Assert.Equal(5, files.Count);
        }

        await using var other = await TestHost.StartAsync();
        var made = await other.Post("import", new { files }, HttpStatusCode.OK);
        Assert.Equal(before, await Configs(other));
        Assert.Empty(made["ignored"]!.AsArray());
        Assert.Equal("192.168.70.0/24", (await other.Get("routes"))["items"]!.AsArray().Single(r => r!["installOn"]!.GetValue<string>() == "gateway")!["prefix"]!.GetValue<string>());
    }

    [Fact]
    public async Task Import_WithMistakes_NamesThemAllAndMakesNothing()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(["files[0].text", "files[0].text", "files[1].name", "endpoint"], await host.Fields(HttpMethod.Post, "import",
            new { files = new object[] { new { name = "wg0.conf", text = "[Interface]\nAddress = nowhere\n" }, new { text = "" } }, endpoint = "?" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["files"], await host.Fields(HttpMethod.Post, "import", new { }, HttpStatusCode.UnprocessableEntity));
        // A name that a device cannot have, and a client of nobody.
        Assert.Equal(["files[0]"], await host.Fields(HttpMethod.Post, "import",
            new { files = new[] { new { name = "a name that no device has.conf", text = $"[Interface]\nPrivateKey = {ServerKey}\nListenPort = 1\n" } } }, HttpStatusCode.Conflict));
        Assert.Equal(["files[0]"], await host.Fields(HttpMethod.Post, "import",
            new { files = new[] { new { name = "u.conf", text = $"[Interface]\nPrivateKey = {ServerKey}\n[Peer]\nPublicKey = {SomePeer}\nEndpoint = 192.0.2.1:1\nAllowedIPs = 0.0.0.0/0\n" } } }, HttpStatusCode.Conflict));
        Assert.Empty((await host.Get("tunnels"))["items"]!.AsArray());
    }

    private static async Task<string> Configs(TestHost host)
    {
        var configs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var peer in (await host.Get("peers"))["items"]!.AsArray())
            configs.Add(peer!["name"]!.GetValue<string>(), await host.Client.GetStringAsync($"/api/v1/peers/{peer["id"]}/config"));
        return string.Concat(configs.Values);
    }
}
