using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>What a real process says when something is not as it must be: one sentence that names the remedy, and what ran runs on.</summary>
public sealed class BadInputTests
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Gateway_WithoutNetAdmin_SaysWhichCapabilityAndEnds()
    {
        await using var host = await Host.Create("gw");
        var text = await EndsUnable(host, "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--");
        Assert.Contains("CAP_NET_ADMIN", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gateway_WithoutTunDevice_NamesItAndEnds()
    {
        await using var host = await Host.Create("gw");
        var text = await EndsUnable(host, "unshare", "--mount", "/bin/sh", "-c", "mount -t tmpfs none /dev/net && exec \"$@\"", "sh");
        Assert.Contains("/dev/net/tun", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gateway_DataDirectoryReadOnly_NamesItAndEnds()
    {
        await using var host = await Host.Create("gw");
        using var directory = new TemporaryDirectory();
        var text = await EndsUnable(host, directory, "unshare", "--mount", "/bin/sh", "-c", $"mount -t tmpfs -o ro none {directory.Path} && exec \"$@\"", "sh");
        Assert.Contains(directory.Path, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gateway_ApiPortInUse_NamesThePortAndEnds()
    {
        await using var host = await Host.Create("gw");
        await using var other = host.Start("/usr/bin/python3", "-c", "import socket,time; s=socket.socket(); s.bind(('127.0.0.1',8080)); s.listen(); print('ready',flush=True); time.sleep(600)");
        await other.Says("ready");
        var text = await EndsUnable(host);
        Assert.Contains("8080", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tunnel_PortInUseByAnotherProgram_SaysSoAndComesUpWhenItIsFree()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var other = lab.GatewayHost.Start("/usr/bin/python3", "-c", "import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('0.0.0.0',51820)); print('ready',flush=True); time.sleep(600)");
        await other.Says("ready");

        var answer = await lab.Api.Ask(HttpMethod.Post, "tunnels", new { name = "wg0", listenPort = 51820, addresses = new[] { "192.168.53.1/24" } });

        // Saved, and told what stands in the way: the other program may leave the port at any time.
        Assert.Contains("51820", answer.Text, StringComparison.Ordinal);
        Assert.Contains("in use", answer.Text, StringComparison.OrdinalIgnoreCase);
        await other.Kill();
        await Eventually.True(async () => (await lab.Api.Get("tunnels/wg0"))["state"]!.GetValue<string>() == "up", "the tunnel coming up", TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task Tunnel_SecondOnTheSamePort_IsAConflictAndTheFirstPassesOn()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);

        var answer = await lab.Api.Ask(HttpMethod.Post, "tunnels", new { name = "wg1", listenPort = 51820, addresses = new[] { "192.168.55.1/24" } });

        Assert.Equal(409, (int)answer.Status);
        Assert.Contains("listenPort", answer.Text, StringComparison.Ordinal);
        Assert.Equal(404, (int)(await lab.Api.Ask(HttpMethod.Get, "tunnels/wg1")).Status);
        await lab.U.Reaches(ThreeHosts.VAddress);
    }

    [Theory]
    [InlineData("a-name-that-is-much-too-long", 4)]
    [InlineData("no/slash", 4)]
    [InlineData("..", 4)]
    public async Task Tunnel_NameTheKernelRefuses_Is4xxNamingTheField(string name, int hundreds)
    {
        await using var lab = await ThreeHosts.WithGateway();

        var answer = await lab.Api.Ask(HttpMethod.Post, "tunnels", new { name, addresses = new[] { "192.168.53.1/24" } });

        Assert.Equal(hundreds, (int)answer.Status / 100);
        Assert.Equal("name", answer.Json["errors"]![0]!["field"]!.GetValue<string>());
    }

    [Fact]
    public async Task Tunnel_NamedLikeADevice_IsAConflictUnlessItIsAPersistentTun()
    {
        await using var lab = await ThreeHosts.WithGateway();
        foreach (var name in new[] { "eth0", "lo" })
        {
            var answer = await lab.Api.Ask(HttpMethod.Post, "tunnels", new { name });
            Assert.Equal(409, (int)answer.Status);
            Assert.Equal("name", answer.Json["errors"]![0]!["field"]!.GetValue<string>());
            Assert.Equal(404, (int)(await lab.Api.Ask(HttpMethod.Get, $"tunnels/{name}")).Status);
        }

        await lab.GatewayHost.Ip("tuntap add waiting mode tun");
        Assert.Equal("up", (await lab.Api.Post("tunnels", new { name = "waiting" }))["state"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("--port", "9000")]
    [InlineData("serve")]
    [InlineData("--urls")]
    public async Task Gateway_ArgumentThatIsNone_NamesItAndEndsWith2(params string[] arguments)
    {
        await using var child = new Child([Binaries.Gateway, .. arguments]);
        Assert.Equal(2, await child.Ends(StartDeadline));
        Assert.Contains(arguments[0], child.Output, StringComparison.Ordinal);
        Assert.Single(child.Output.Trim().Split('\n'));
    }

    [Fact]
    public async Task Gateway_LogLines_BeginWithDateAndTimeAndSayNothingOfARefusedToken()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await lab.GatewayHost.Run("curl", "-s", "-o", "/dev/null", "http://127.0.0.1:8080/api/v1/peers");
        await lab.GatewayHost.Run("curl", "-s", "-o", "/dev/null", "-H", "Authorization: Bearer nonsense", "http://127.0.0.1:8080/api/v1/peers");
        Assert.Equal(0, await lab.Gateway.Stop());
        Assert.All(lab.Gateway.Log.Trim().Split('\n'), line => Assert.Matches(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line));
        Assert.DoesNotContain("uthoriz", lab.Gateway.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("uthentic", lab.Gateway.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_WithoutNetAdmin_SaysWhichCapabilityAndEnds()
    {
        await using var host = await Host.Create("u");
        await using var child = host.Start("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--", Binaries.Cli, "connect", "--plain", "10.0.2.8:9090", "--address", "192.168.53.99/24");
        Assert.NotEqual(0, await child.Ends(StartDeadline));
        Assert.Contains("CAP_NET_ADMIN", child.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_UnknownKeyInTheFile_NamesFileAndLine()
    {
        await using var host = await Host.Create("u");
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "bad.conf");
        await File.WriteAllTextAsync(file, "[Interface]\nPrivateKey = 6Jj8L2ahyyyMrnYM0IcEEcrhcR1tM5dIq5a5Yh0TcFU=\nAdress = 192.168.53.99/32\n");
        await using var child = host.Start(Binaries.Cli, "connect", file);
        Assert.NotEqual(0, await child.Ends(StartDeadline));
        Assert.Contains("Adress", child.Output, StringComparison.Ordinal);
        Assert.Matches(@"bad\.conf.*\b3\b", child.Output);
    }

    private static async Task<string> EndsUnable(Host host, params string[] through)
    {
        using var directory = new TemporaryDirectory();
        return await EndsUnable(host, directory, through);
    }

    /// <summary>Starts the gateway through a command that takes something from it; it must end by itself, with an error and without a stack trace.</summary>
    private static async Task<string> EndsUnable(Host host, TemporaryDirectory directory, params string[] through)
    {
        await using var child = new Child(host.Inside([.. through, Binaries.Gateway, "--urls", "http://127.0.0.1:8080"]), new Dictionary<string, string>
        {
            ["Gateway__DataDirectory"] = directory.Path,
        });
        Assert.NotEqual(0, await child.Ends(StartDeadline));
        Assert.DoesNotContain("   at ", child.Output, StringComparison.Ordinal);
        return child.Output;
    }
}
