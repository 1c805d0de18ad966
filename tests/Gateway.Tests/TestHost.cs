using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Engine.Ports;
using Gateway.Features.Explain.Gathering;
using Gateway.Features.Explain.Probes;
using Gateway.Features.Lab;
using Gateway.Hosting;
using Gateway.Reconcile;
using Gateway.Testing;
using Gateway.Tests.Lab;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Gateway.Tests;

/// <summary>The whole host on a loopback port with a real SQLite file; devices, UDP and kernel settings are in memory.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    public const string Token = "a-token-for-the-tests";
    private readonly bool _ownsDirectory;
    private WebApplication? _app;

    private TestHost(string directory, bool ownsDirectory) => (Directory, _ownsDirectory) = (directory, ownsDirectory);

    public string Directory { get; }

    public FakeKernel Kernel { get; } = new();

    public FakeRules Rules { get; } = new();

    public FakeRoutes Routes { get; } = new();

    public FakeKernelEvidence KernelEvidence { get; } = new();

    public FakeLabHosts Lab { get; } = new();

    public MemoryPorts Ports { get; } = new(new MemoryNetwork(), IPAddress.Loopback);

    public LogCollector Log { get; } = new();

    /// <summary>What else the host is to be built with; set in <c>prepare</c>.</summary>
    public Action<WebApplicationBuilder>? Configure { get; set; }

    public Uri Address { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    public HttpClient Anonymous { get; private set; } = null!;

    public IServiceProvider Services => _app!.Services;

    public static async Task<TestHost> StartAsync(string? directory = null, string? token = Token, Action<TestHost>? prepare = null, params string[] settings)
    {
        var path = directory ?? System.IO.Directory.CreateTempSubdirectory("gateway-test-").FullName;
        var host = new TestHost(path, directory is null);
        prepare?.Invoke(host);
        try
        {
            await host.RunAsync(token, settings);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>In the middle of a lab: with all that the API has anywhere.</summary>
    public static Task<TestHost> StartInLabAsync() => StartAsync(settings: ["--Gateway:Lab", Path.GetTempPath()]);

    public async Task<JsonNode> Get(string path, HttpStatusCode expected = HttpStatusCode.OK) => await Send(HttpMethod.Get, path, null, expected);

    public async Task<JsonNode> Post(string path, object body, HttpStatusCode expected = HttpStatusCode.Created) => await Send(HttpMethod.Post, path, body, expected);

    public async Task<JsonNode> Patch(string path, object body, HttpStatusCode expected = HttpStatusCode.OK) => await Send(HttpMethod.Patch, path, body, expected);

    public async Task Delete(string path) => await Send(HttpMethod.Delete, path, null, HttpStatusCode.NoContent);

    public async Task<HttpResponseMessage> Ask(HttpMethod method, string path, object? body = null, string? ifMatch = null, string? mediaType = null, string? accept = null)
    {
        using var request = new HttpRequestMessage(method, path.StartsWith('/') ? path : $"/api/v1/{path}");
        if (body is string text) request.Content = new StringContent(text, Encoding.UTF8, mediaType ?? "application/json");
        else if (body is not null) request.Content = JsonContent.Create(body, mediaType: mediaType is null ? null : new MediaTypeHeaderValue(mediaType));
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return await Client.SendAsync(request);
    }

    /// <summary>The fields that a problem names.</summary>
    public async Task<string[]> Fields(HttpMethod method, string path, object? body, HttpStatusCode expected)
    {
        var problem = await Send(method, path, body, expected);
        Assert.NotEmpty(problem["detail"]!.GetValue<string>());
        return [.. problem["errors"]!.AsArray().Select(e => e!["field"]!.GetValue<string>())];
    }

    public Task<JsonNode> Wg0(string addresses = "192.168.53.1/24") =>
        Post("tunnels", new { name = "wg0", transport = "wireguard", layer = "ip", listenPort = 51820, addresses = addresses.Split(','), mtu = 1420, endpoint = "10.0.2.8:51820" });

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Ports.Dispose();
        if (_ownsDirectory) System.IO.Directory.Delete(Directory, recursive: true);
    }

    public async Task StopAsync()
    {
        Client?.Dispose();
        Anonymous?.Dispose();
        if (_app is null) return;
        await _app.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    private async Task RunAsync(string? token, string[] settings)
    {
        string[] args = ["--urls", "http://127.0.0.1:0", "--Gateway:DataDirectory", Directory, .. settings];
        if (token is not null) args = [.. args, "--Gateway:Bootstrap:ApiToken", token];
        _app = await GatewayHost.BuildAsync(args, builder =>
        {
            builder.Logging.ClearProviders().AddProvider(Log).SetMinimumLevel(LogLevel.Trace);
            builder.Services.AddSingleton<ITunnelPorts>(Ports).AddSingleton<IKernelSettings>(Kernel).AddSingleton<IPacketRules>(Rules).AddSingleton<IKernelRoutes>(Routes)
                .AddSingleton<IKernelEvidence>(KernelEvidence).AddSingleton<IHostChecker>(KernelEvidence).AddSingleton<IProbeSenses>(KernelEvidence).AddSingleton<ILabHosts>(Lab);
            builder.Services.Configure<PasswordHasherOptions>(hasher => hasher.IterationCount = 1000); // Fast, for passwords that protect nothing.
            Configure?.Invoke(builder);
        });
        await _app.StartAsync();
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Address = new Uri(address);
        Client = new HttpClient { BaseAddress = Address };
        Anonymous = new HttpClient { BaseAddress = Address };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token ?? (await File.ReadAllTextAsync(Path.Combine(Directory, "api-token"))).Trim());
        await Eventually.True(async () => (await Anonymous.GetAsync("/readyz")).IsSuccessStatusCode, "the host being ready");
    }

    private async Task<JsonNode> Send(HttpMethod method, string path, object? body, HttpStatusCode expected)
    {
        using var answer = await Ask(method, path, body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == expected, $"{method} {path}: {(int)answer.StatusCode} instead of {(int)expected}: {text} {string.Join('\n', Log.Lines.Where(l => l.StartsWith("Error", StringComparison.Ordinal)))}");
        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }
}

/// <summary>Waits for what comes about by itself.</summary>
internal static class Eventually
{
    public static async Task True(Func<Task<bool>> condition, string what)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            if (deadline.IsCancellationRequested) throw new TimeoutException($"Waited 30 s for {what}.");
            await Task.Delay(20);
        }
    }
}

/// <summary>Keeps all log lines, to be searched for what must not be there.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Collecting(categoryName, Lines);

    public void Dispose()
    {
    }

    private sealed class Collecting(string category, ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{logLevel} {category} {formatter(state, exception)} {exception}");
    }
}
