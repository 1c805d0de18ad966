using System.Diagnostics;
using Gateway.Cli;
using Gateway.Cli.Device;
using Xunit;

namespace Gateway.Tests.Cli;

/// <summary>Arguments: what is refused, with which words and which exit code.</summary>
public sealed class CommandLineTests
{
    private static async Task<(int Code, string Error)> Run(params string[] args)
    {
        using var errors = new StringWriter();
        return (await Program.RunAsync(args, errors), errors.ToString());
    }

    [Theory]
    [InlineData("Unrecognized command or argument 'conect'", "conect")]
    [InlineData("--plain HOST:PORT", "connect")]
    [InlineData("exclude each other", "connect", "x.conf", "--plain", "10.0.2.8:9090")]
    [InlineData("--tap goes with --plain only", "connect", "x.conf", "--tap")]
    [InlineData("Unknown option --bogus", "connect", "--plain", "10.0.2.8:9090", "--bogus")]
    [InlineData("--plain \"10.0.2.8\" is no endpoint", "connect", "--plain", "10.0.2.8")]
    [InlineData("--address \"192.168.53.99\" is no address with its prefix length", "connect", "--plain", "10.0.2.8:9090", "--address", "192.168.53.99")]
    [InlineData("--route \"192.168.60.0/33\" is no prefix", "connect", "--plain", "10.0.2.8:9090", "--route", "192.168.60.0/33")]
    [InlineData("--mtu \"575\" is out of range; 576 to 65535", "connect", "--plain", "10.0.2.8:9090", "--mtu", "575")]
    [InlineData("--listen-port \"70000\" is out of range", "connect", "--plain", "10.0.2.8:9090", "--listen-port", "70000")]
    [InlineData("--name \"a/b\" is no device name", "connect", "--plain", "10.0.2.8:9090", "--name", "a/b")]
    [InlineData("/does/not/exist.conf does not exist", "connect", "/does/not/exist.conf")]
    [InlineData("\"waytoolongdevicename\" is no device name", "device", "waytoolongdevicename")]
    [InlineData("Unknown option -x", "device", "-x")]
    [InlineData("NAME", "device")]
    public async Task Arguments_ThatAreWrong_AreToldAndExitWith2(string words, params string[] args)
    {
        var (code, error) = await Run(args);
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_WithMistakes_ListsAllWithTheirLines()
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}-much-too-long.conf");
        await File.WriteAllTextAsync(path, "[Interface]\nMTU = 1\nBogus = 2\n");
        try
        {
            var (code, error) = await Run("connect", path);
            Assert.Equal(ExitCodes.Usage, code);
            Assert.Contains($"{path}:1: ", error, StringComparison.Ordinal);
            Assert.Contains($"{path}:2: ", error, StringComparison.Ordinal);
            Assert.Contains($"{path}:3: ", error, StringComparison.Ordinal);
            Assert.Contains("--name", error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task File_ThatNeverEnds_IsRefused() => Assert.Contains("larger than 16 MiB", (await Run("connect", "/dev/zero")).Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("/opt/gateway/wireguard-go", null, "wg0", "device wg0")]
    [InlineData("/opt/gateway/wireguard-go", null, "-f wg0", "device -f wg0")]
    [InlineData("wireguard-go", null, "--version", "--version")]
    [InlineData("/usr/bin/gateway", "gateway", "wg0", "device wg0")]
    [InlineData("gateway", "/usr/bin/gateway", "wg0", "device wg0")]
    [InlineData("gateway", "gateway", "device wg0", "device wg0")]
    [InlineData("gateway", "gateway", "connect", "connect")]
    [InlineData("gateway", "gateway", "--help", "--help")]
    [InlineData("gateway", "wireguard-go", "wg0", "wg0")]
    [InlineData("gateway", null, "wg0", "wg0")]
    [InlineData(null, "gateway", "wg0", "wg0")]
    public void CallInWireguardGosPlace_IsTheDeviceCommand(string? invoked, string? implementation, string args, string expected) =>
        Assert.Equal(expected.Split(' '), CalledAsDevice.Rewrite(args.Split(' '), invoked, name => name == "WG_QUICK_USERSPACE_IMPLEMENTATION" ? implementation : null));

    [Fact]
    public async Task Help_NamesTheExitCodes()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(Program).Assembly.Location, "connect", "--help"]) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("Exit codes:", output, StringComparison.Ordinal);
    }
}
