using System.Net;
using System.Net.Sockets;

namespace Gateway.Netns.Tests.Harness;

/// <summary>The host, started as its own process in a namespace, with its own data directory. It can be killed and started again on the same data.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    public const string Token = "netns-tests-bootstrap-token-0123456789abcdef";

    private readonly Host _host;
    private readonly TemporaryDirectory _directory = new();
    private Child? _child;

    public GatewayProcess(Host host)
    {
        _host = host;
        Api = new Api(SocketPath, Token);
    }

    public Api Api { get; }

    /// <summary>What is started: the build beside these tests unless told otherwise.</summary>
    public string Executable { get; set; } = Binaries.Gateway;

    public string DataDirectory => Path.Combine(_directory.Path, "data");

    /// <summary>What it logged since it was last started.</summary>
    public string Log => _child?.Output ?? "";

    public int ProcessId => _child?.Id ?? throw new InvalidOperationException("the gateway is not running");

    public string SocketPath => Path.Combine(_directory.Path, "api.sock");

    /// <summary>Starts it and returns when it says that it is ready.</summary>
    public async Task Start()
    {
        if (_child is not null) await _child.DisposeAsync();
        File.Delete(SocketPath);
        _child = new Child(_host.Inside(Executable, "--urls", $"http://127.0.0.1:8080;http://unix:{SocketPath}"), new Dictionary<string, string>
        {
            ["Gateway__DataDirectory"] = DataDirectory,
            ["Gateway__Bootstrap__ApiToken"] = Token,
        });
        await Eventually.True(async () => _child.HasExited || await IsReady(), "the gateway being ready", TimeSpan.FromSeconds(60));
        if (_child.HasExited) throw new InvalidOperationException($"the gateway ended: {Log}");
    }

    /// <summary>kill -9: nothing is said goodbye to.</summary>
    public Task Kill() => _child?.Kill() ?? Task.CompletedTask;

    /// <summary>An orderly stop.</summary>
    public Task<int> Stop() => _child?.Stop() ?? Task.FromResult(0);

    public async ValueTask DisposeAsync()
    {
        if (_child is not null) await _child.DisposeAsync();
        Api.Dispose();
        _directory.Dispose();
    }

    private async Task<bool> IsReady()
    {
        try
        {
            return (await Api.Ask(HttpMethod.Get, "/readyz")).Status == HttpStatusCode.OK;
        }
        catch (HttpRequestException exception) when (exception.InnerException is SocketException)
        {
            return false;
        }
    }
}
