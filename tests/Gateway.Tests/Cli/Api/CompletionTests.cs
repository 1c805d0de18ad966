using System.Diagnostics;
using Gateway.Cli;
using Xunit;

namespace Gateway.Tests.Cli.Api;

/// <summary>How a line may go on, as the shells ask for it.</summary>
public sealed class CompletionTests
{
    [Fact]
    public async Task Suggestions_AreCommandsWordsAndNamesOfTheApi()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync("tunnel", "add", "wg0", "--address", "192.168.53.1/24");
        await cli.TextAsync("peer", "add", "alice");
        await cli.TextAsync("peer", "add", "bob");

        Assert.Contains("list", await SuggestAsync("tunnel "));
        Assert.Equal(["plain", "wireguard"], (await SuggestAsync("tunnel add x --transport ")).Order());
        Assert.Contains("wg0", await SuggestAsync($"tunnel show --url {cli.Url} --token-file {cli.TokenFile} w"));
        var peers = await SuggestAsync($"peer show --url {cli.Url} --token-file {cli.TokenFile} ");
        Assert.Contains("alice", peers);
        Assert.Contains("bob", peers);
        Assert.DoesNotContain("alice", await SuggestAsync($"peer show --url http://127.0.0.1:1 --token-file {cli.TokenFile} "));
    }

    [Fact]
    public async Task Bash_CompletesWithTheScript()
    {
        using var script = new StringWriter();
        Assert.Equal(0, await Program.RunAsync(["completion", "bash"], TextWriter.Null, script));
        var test = $$"""
            gateway() { dotnet '{{typeof(Program).Assembly.Location}}' "$@"; }
            {{script}}
            COMP_LINE='gateway tunnel s'; COMP_POINT=16; COMP_WORDS=(gateway tunnel s); COMP_CWORD=2
            _gateway
            echo "${COMPREPLY[@]}"
            """;
        using var bash = Process.Start(new ProcessStartInfo("bash", ["--norc"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await bash.StandardInput.WriteAsync(test);
        bash.StandardInput.Close();
        var output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        Assert.Equal(["set", "show"], output.Trim().Split(' ').Order());
    }

    private static async Task<string[]> SuggestAsync(string line)
    {
        using var output = new StringWriter();
        Assert.Equal(0, await Program.RunAsync([$"[suggest:{line.Length}]", line], TextWriter.Null, output));
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
