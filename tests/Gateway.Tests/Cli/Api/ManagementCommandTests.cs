using System.IO.Compression;
using Gateway.Cli;
using Xunit;

namespace Gateway.Tests.Cli.Api;

/// <summary>The commands for keys, kernel settings, files in and out, and probes.</summary>
public sealed class ManagementCommandTests
{
    private const string ServerKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
    private const string SomePeer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
    private static readonly string[] Wg0 = ["tunnel", "add", "wg0", "--listen-port", "51820", "--address", "192.168.53.1/24", "--endpoint", "10.0.2.8:51820"];

    [Fact]
    public async Task Rotate_GivesANewKeyAndItsConfig_AndKeepsTheOldOneForTheGraceTime()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        await cli.TextAsync("peer", "add", "alice");
        var before = await cli.JsonAsync("peer", "show", "alice");

        var said = await cli.TextAsync("peer", "rotate", "alice", "--grace", "3600", "--output", cli.Path("alice.conf"));

        Assert.Contains("Gave peer alice a new key.", said, StringComparison.Ordinal);
        var after = await cli.JsonAsync("peer", "show", "alice");
        Assert.NotEqual(before["publicKey"]!.GetValue<string>(), after["publicKey"]!.GetValue<string>());
        Assert.Equal(before["publicKey"]!.GetValue<string>(), after["previousPublicKey"]!.GetValue<string>());
        Assert.Contains("PrivateKey = ", await File.ReadAllTextAsync(cli.Path("alice.conf")), StringComparison.Ordinal);
        Assert.Contains("graceSeconds", await cli.RefusedAsync(ExitCodes.Usage, "peer", "rotate", "alice", "--grace", "99999999"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_IsShownSetAndRestored()
    {
        const string Forwarding = "ipv4/ip_forward";
        await using var cli = await CliSession.StartAsync();
        var found = cli.Host.Kernel.Read(Forwarding);
        Assert.Contains("net.ipv4.ip_forward", await cli.TextAsync("host", "show"), StringComparison.Ordinal);
        await cli.TextAsync("host", "set", "--ipv4-forwarding", found == 1 ? "false" : "true");
        await Eventually.True(() => Task.FromResult(cli.Host.Kernel.Read(Forwarding) != found), "the switch being set");
        await cli.TextAsync("host", "restore");
        await Eventually.True(() => Task.FromResult(cli.Host.Kernel.Read(Forwarding) == found), "the switch being put back");
    }

    [Fact]
    public async Task Import_PreviewsAndTakesADirectory_AndExportWritesItAgain()
    {
        await using var cli = await CliSession.StartAsync();
        Directory.CreateDirectory(cli.Path("old"));
        await File.WriteAllTextAsync(cli.Path("old/wg7.conf"), $"[Interface]\nPrivateKey = {ServerKey}\nAddress = 10.7.0.1/24\nListenPort = 51827\nPostUp = sysctl -w net.ipv4.ip_forward=1\n\n# Client: laptop\n[Peer]\nPublicKey = {SomePeer}\nAllowedIPs = 10.7.0.2/32\n");

        Assert.Contains("laptop", await cli.TextAsync("import", cli.Path("old"), "--preview"), StringComparison.Ordinal);
        Assert.Empty((await cli.Api.Tunnels.ListAsync()).Value!.Items);
        var said = await cli.TextAsync("import", cli.Path("old"), "--endpoint", "vpn.example.org:51827");
        Assert.Contains("Made 2 things: wg7, laptop.", said, StringComparison.Ordinal);
        Assert.Contains("Ignored: wg7.conf:5: PostUp", said, StringComparison.Ordinal);
        Assert.Contains("Skipped:", await cli.TextAsync("import", cli.Path("old")), StringComparison.Ordinal);

        await cli.TextAsync("export", cli.Path("all.zip"), "--tunnel", "wg7");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(cli.Path("all.zip")));
        await using var zip = await ZipFile.OpenReadAsync(cli.Path("all.zip"));
        Assert.Equal(["wg7.conf", "wg7/laptop.conf"], zip.Entries.Select(entry => entry.FullName));
        Assert.Contains("wg8", await cli.RefusedAsync(ExitCodes.NotFound, "export", cli.Path("none.zip"), "--tunnel", "wg8"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probe_ThatIsNotAnswered_SaysSoAndEndsWith7()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        await cli.TextAsync("peer", "add", "alice", "--address", "192.168.53.99/32");
        var (code, output, _) = await cli.RunAsync("probe", "alice", "192.168.53.1", "--tcp", "22");
        Assert.Equal(7, code);
        Assert.Contains("Nothing came back", output, StringComparison.Ordinal);
    }
}
