using System.Text.Json.Nodes;
using Gateway.Cli;
using Gateway.Contracts.Client;
using Xunit;

namespace Gateway.Tests.Cli.Api;

/// <summary>The command line against a host in memory, its token in a file.</summary>
internal sealed class CliSession : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private CliSession(TestHost host) => Host = host;

    public TestHost Host { get; }

    public GatewayClient Api => new(Host.Client);

    public string Url => Host.Client.BaseAddress!.ToString();

    public string TokenFile => Path("api-token");

    public static async Task<CliSession> StartAsync(params string[] settings)
    {
        var session = new CliSession(await TestHost.StartAsync(settings: settings));
        await File.WriteAllTextAsync(session.TokenFile, TestHost.Token + "\n");
        return session;
    }

    public string Path(string name) => System.IO.Path.Combine(_directory.Path, name);

    /// <summary>Runs a command and answers what came of it.</summary>
    public async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await Program.RunAsync([.. args, "--url", Url, "--token-file", TokenFile], errors, output);
        Assert.DoesNotContain(TestHost.Token, output.ToString() + errors, StringComparison.Ordinal);
        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>Runs a command that succeeds and answers its text.</summary>
    public async Task<string> TextAsync(params string[] args)
    {
        var (code, output, errors) = await RunAsync(args);
        Assert.True(code == 0, $"{string.Join(' ', args)}: {code} {output} {errors}");
        return output;
    }

    /// <summary>Runs a command that succeeds and answers its JSON.</summary>
    public async Task<JsonNode> JsonAsync(params string[] args) => JsonNode.Parse(await TextAsync([.. args, "--json"]))!;

    /// <summary>Runs a command that fails and answers what it said.</summary>
    public async Task<string> RefusedAsync(int code, params string[] args)
    {
        var result = await RunAsync(args);
        Assert.True(result.Code == code, $"{string.Join(' ', args)}: {result.Code} instead of {code}: {result.Output} {result.Errors}");
        return result.Errors;
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _directory.Dispose();
    }
}
