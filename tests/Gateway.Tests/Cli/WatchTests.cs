using System.CommandLine;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Cli;
using Gateway.Cli.Watch;
using Gateway.Engine;
using Gateway.Testing;
using Xunit;

namespace Gateway.Tests.Cli;

public sealed class WatchTests
{
    [Theory]
    [InlineData("flows", "destination", "192.168.60.101")]
    [InlineData("drops", "destination", "10.9.8.0/24")]
    [InlineData("peers", "name", "host-u")]
    [InlineData("packets", "peer", "host-u")]
    [InlineData("events", "kind", "tunnel-up")]
    public async Task Watch_AsJson_PrintsWhatPasses(string stream, string member, string expected)
    {
        await using var host = await TestHost.StartAsync();
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        var peer = await host.Post("tunnels/tun0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24", installOn = "client" });
        var tokenFile = Path.Combine(host.Directory, "token");
        await File.WriteAllTextAsync(tokenFile, TestHost.Token);
        using var sending = new Timer(_ =>
        {
            foreach (var destination in (string[])["192.168.60.101", "10.9.8.7"])
                host.Ports.Socket!.Arrive(TestPackets.Udp("192.168.53.99", destination, new byte[10]), UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090")));
        }, null, 0, 100);
        using var stop = new CancellationTokenSource();
        await using var output = new Until($"\"{member}\":\"{expected}\"");
        var parsed = Program.BuildRoot().Parse(["watch", stream, "--json", "--url", host.Client.BaseAddress!.ToString(), "--token-file", tokenFile]);
        Assert.Empty(parsed.Errors);
        var running = parsed.InvokeAsync(new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop.Token);
        var line = await output.Seen.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.NotNull(JsonNode.Parse(line));
        Assert.False(running.IsCompleted);
        await stop.CancelAsync();
        Assert.Equal(ExitCodes.Ok, await running.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Watch_WithABadFilterOrToken_EndsWithASentence()
    {
        await using var host = await TestHost.StartAsync();
        var tokenFile = Path.Combine(host.Directory, "token");
        await File.WriteAllTextAsync(tokenFile, TestHost.Token);
        string[] where = ["--url", host.Client.BaseAddress!.ToString(), "--token-file", tokenFile];
        using var errors = new StringWriter();
        Assert.Equal(ExitCodes.Failed, await Program.RunAsync(["watch", "flows", "pear=1", .. where], errors));
        Assert.Contains("'pear' is no field", errors.ToString(), StringComparison.Ordinal);
        await File.WriteAllTextAsync(tokenFile, "not-the-token-of-it");
        Assert.Equal(ExitCodes.Failed, await Program.RunAsync(["watch", "flows", .. where], errors));
        Assert.Contains("does not know this token", errors.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://unix:/run/gateway.sock", ExitCodes.Usage, "not over the Unix socket /run/gateway.sock")]
    [InlineData("http://127.0.0.1:1", ExitCodes.Failed, "There is no gateway at http://127.0.0.1:1")]
    public async Task Watch_WhereItCannotConnect_SaysSoAndEndsWithItsCode(string url, int code, string sentence)
    {
        using var directory = new TemporaryDirectory();
        var tokenFile = Path.Combine(directory.Path, "token");
        await File.WriteAllTextAsync(tokenFile, TestHost.Token);
        using var errors = new StringWriter();
        Assert.Equal(code, await Program.RunAsync(["watch", "flows", "--url", url, "--token-file", tokenFile], errors));
        Assert.Contains(sentence, errors.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1500, "1.5 KB")]
    [InlineData(2_340_000, "2.3 MB")]
    [InlineData(7e9, "7.0 GB")]
    public void Bytes_OfAnySize_AreReadable(double bytes, string expected) => Assert.Equal(expected, WatchTables.Bytes(bytes));

    /// <summary>Completes with the first line that has a text.</summary>
    private sealed class Until(string text) : StringWriter
    {
        private readonly TaskCompletionSource<string> _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Seen => _seen.Task;

        public override Encoding Encoding => Encoding.UTF8;

        public override Task WriteLineAsync(string? value)
        {
            if (value?.Contains(text, StringComparison.Ordinal) ?? false) _seen.TrySetResult(value);
            return Task.CompletedTask;
        }
    }
}
