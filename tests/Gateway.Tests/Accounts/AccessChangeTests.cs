using System.Net;
using System.Net.WebSockets;
using System.Security.Claims;
using System.Text;
using Gateway.Components;
using Gateway.Contracts.Live;
using Gateway.Security;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>
/// Who loses access loses what runs: API, hub streams, circuits. Time stands still in these tests but for the five seconds that each change gets.
/// </summary>
public sealed class AccessChangeTests
{
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));

    public static TheoryData<string> Losses => ["demoted", "disabled", "deleted", "sessions ended", "second factor reset", "signed out"];

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task Session_LosesAccess_LosesItsStreamAndItsCircuitsConnection(string how)
    {
        await using var host = await StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "operator");
        using var alice = browser;
        await using var hub = await HubAsync(host, "Cookie", browser.CookieHeader);
        using var circuit = await CircuitConnectionAsync(host, browser.CookieHeader);
        var before = _time.GetUtcNow();

        if (how == "demoted") await host.Patch($"users/{id}", new { role = "viewer" });
        else if (how == "disabled") await host.Patch($"users/{id}", new { disabled = true });
        else if (how == "deleted") await host.Delete($"users/{id}");
        else if (how == "sessions ended") await host.Delete($"users/{id}/sessions");
        else if (how == "second factor reset") await host.Delete($"users/{id}/second-factor");
        else Assert.Equal(HttpStatusCode.Redirect, (await browser.Submit("/account/sign-out")).Status);

        await CutAsync(hub.Lost);
        await CutAsync(ClosedAsync(circuit));
        Assert.True(_time.GetUtcNow() - before <= Promised);
        Assert.Equal(how == "demoted" ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, await browser.Call(HttpMethod.Get, "status"));
        Assert.Equal(how == "demoted" ? HttpStatusCode.Forbidden : HttpStatusCode.Unauthorized, await browser.Call(HttpMethod.Post, "tunnels/x/peers", new { }));
    }

    [Theory]
    [InlineData("revoked")]
    [InlineData("narrowed")]
    [InlineData("owner disabled")]
    public async Task Token_LosesAccess_LosesItsStream(string how)
    {
        await using var host = await StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "operator");
        using var alice = browser;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/profile/tokens") { Content = System.Net.Http.Json.JsonContent.Create(new { name = "t", scopes = new[] { "read", "explain" } }) };
        var token = System.Text.Json.Nodes.JsonNode.Parse((await browser.Send(request)).Html)!;
        await using var hub = await HubAsync(host, "Authorization", $"Bearer {token["token"]}");

        if (how == "revoked") await host.Delete($"tokens/{token["id"]}");
        else if (how == "narrowed") await host.Patch($"tokens/{token["id"]}", new { scopes = new[] { "explain" } });
        else await host.Patch($"users/{id}", new { disabled = true });

        await CutAsync(hub.Lost);
        host.Client.DefaultRequestHeaders.Authorization = new("Bearer", token["token"]!.GetValue<string>());
        await host.Get("status", how == "narrowed" ? HttpStatusCode.Forbidden : HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Token_Expires_LosesItsStreamAtThatTime()
    {
        await using var host = await StartAsync();
        var token = await host.Post("tokens", new { name = "t", scopes = new[] { "read" }, expiresAt = _time.GetUtcNow().AddMinutes(10) });
        await using var hub = await HubAsync(host, "Authorization", $"Bearer {token["token"]}");
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.False(hub.Lost.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(1));
        await hub.Lost.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Token_Revoked_LosesEveryKindOfStreamAndCapture()
    {
        await using var host = await StartAsync("--Gateway:Lab", Path.GetTempPath());
        var token = await host.Post("tokens", new { name = "t", scopes = new[] { "read", "packets" } });
        var bearer = $"Bearer {token["token"]}";
        await using var connection = new HubConnectionBuilder().WithUrl(new Uri(host.Address, "/hubs/live"), o => o.Headers.Add("Authorization", bearer)).Build();
        await connection.StartAsync();
        string[] kinds = ["Overview", "Peers", "Flows", "Drops", "Events", "Packets", "LabPackets"];
        Assert.Equal(kinds.Order(), typeof(Gateway.Live.LiveHub).GetMethods().Where(m => m.ReturnType.Name.StartsWith("IAsyncEnumerable", StringComparison.Ordinal)).Select(m => m.Name).Order());
        var running = kinds.ToDictionary(kind => kind, kind => DrainAsync(connection.StreamAsyncCore<System.Text.Json.JsonElement>(kind, kind is "Overview" or "Peers" or "LabPackets" ? [] : [null])));
        foreach (var form in new[] { "packets", "packets.pcapng" }) running.Add(form, DownloadAsync(form));
        Assert.True(await connection.StreamAsync<OverviewUpdate>("Overview").GetAsyncEnumerator().MoveNextAsync());
        Assert.DoesNotContain(running.Values, r => r.IsCompleted);
        var before = _time.GetUtcNow();

        await host.Delete($"tokens/{token["id"]}");

        _time.Advance(Promised / 2);
        foreach (var (kind, ended) in running)
        {
            await ended.WaitAsync(Deadline);
            Assert.True(ended.IsCompletedSuccessfully, kind);
        }

        Assert.True(_time.GetUtcNow() - before <= Promised);

        async Task DownloadAsync(string form)
        {
            using var client = new HttpClient { BaseAddress = host.Address, DefaultRequestHeaders = { { "Authorization", bearer } } };
            using var answer = await client.GetAsync($"/api/v1/{form}", HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var buffer = new byte[4096];
            await using var body = await answer.Content.ReadAsStreamAsync();
            try
            {
                while (await body.ReadAsync(buffer) > 0)
                {
                }
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                // Cut.
            }
        }

        static async Task DrainAsync(IAsyncEnumerable<System.Text.Json.JsonElement> stream)
        {
            try
            {
                await foreach (var _ in stream)
                {
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or System.Net.WebSockets.WebSocketException or InvalidOperationException)
            {
                // The connection was cut.
            }
        }
    }

    [Fact]
    public async Task Backup_Restored_WhoIsNotInItLosesTheirStream()
    {
        await using var host = await StartAsync();
        using var backup = await host.Ask(HttpMethod.Post, "backup", new { passphrase = AccountSteps.Password });
        var token = await host.Post("tokens", new { name = "t", scopes = new[] { "read" } });
        await using var hub = await HubAsync(host, "Authorization", $"Bearer {token["token"]}");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/restore") { Content = new ByteArrayContent(await backup.Content.ReadAsByteArrayAsync()) };
        request.Content.Headers.ContentType = new("application/octet-stream");
        request.Headers.Add("Gateway-Passphrase", Uri.EscapeDataString(AccountSteps.Password));
        Assert.Equal(HttpStatusCode.OK, (await host.Client.SendAsync(request)).StatusCode);
        await CutAsync(hub.Lost);
    }

    [Fact]
    public async Task OtherPeople_KeepTheirStream()
    {
        await using var host = await StartAsync();
        var (alice, first) = await host.SignedInUser("alice", "operator");
        var (_, second) = await host.SignedInUser("bob", "viewer");
        await using var hub = await HubAsync(host, "Cookie", second.CookieHeader);
        await host.Patch($"users/{alice}", new { disabled = true });
        _time.Advance(Promised);
        await hub.NextAsync();
        Assert.False(hub.Lost.IsCompleted);
        first.Dispose();
        second.Dispose();
    }

    [Fact]
    public async Task Circuit_AccessChanges_ItsServicesKnowAtOnceAndItsPageIsTold()
    {
        await using var host = await StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "operator");
        browser.Dispose();
        await using var scope = host.Services.CreateAsyncScope();
        var caller = scope.ServiceProvider.GetRequiredService<Caller>();
        var state = (ServerAuthenticationStateProvider)scope.ServiceProvider.GetRequiredService<AuthenticationStateProvider>();
        var session = await SessionOf(host, id);
        state.SetAuthenticationState(Task.FromResult(new AuthenticationState(new ClaimsPrincipal(new AccessIdentity(session, "test")))));
        using var circuit = ActivatorUtilities.CreateInstance<CircuitCaller>(scope.ServiceProvider);
        await circuit.OnCircuitOpenedAsync(null!, CancellationToken.None);
        Assert.True(caller.May(Permission.ChangePeers));

        await AfterChangeAsync(() => host.Patch($"users/{id}", new { role = "viewer" }));
        Assert.True(caller.May(Permission.Read));
        Assert.False(caller.May(Permission.ChangePeers));

        var last = await AfterChangeAsync(() => host.Patch($"users/{id}", new { disabled = true }));
        Assert.Equal(Permission.None, caller.Identity.Permissions);
        Assert.False(last.User.Identity?.IsAuthenticated);

        async Task<AuthenticationState> AfterChangeAsync(Func<Task> change)
        {
            var told = new TaskCompletionSource<Task<AuthenticationState>>(TaskCreationOptions.RunContinuationsAsynchronously);
            void Tell(Task<AuthenticationState> next) => told.TrySetResult(next);
            state.AuthenticationStateChanged += Tell;
            await change();
            var next = await (await told.Task.WaitAsync(Deadline));
            state.AuthenticationStateChanged -= Tell;
            return next;
        }
    }

    private Task<TestHost> StartAsync(params string[] settings) => TestHost.StartAsync(prepare: h => h.Configure = b => b.Services.AddSingleton<TimeProvider>(_time), settings: settings);

    private async Task CutAsync(Task ended)
    {
        Assert.False(ended.IsCompleted && _time.GetUtcNow() == DateTimeOffset.UnixEpoch.AddYears(60));
        if (!ended.IsCompleted) _time.Advance(Promised / 2);
        await ended.WaitAsync(Deadline);
    }

    private static async Task<CallerIdentity> SessionOf(TestHost host, Guid user)
    {
        await using var db = await host.Services.GetRequiredService<Microsoft.EntityFrameworkCore.IDbContextFactory<Data.GatewayDbContext>>().CreateDbContextAsync();
        var session = db.Sessions.Single(s => s.UserId == user);
        return (await host.Services.GetRequiredService<Credentials>().OfSessionAsync(session.Id, IPAddress.Loopback, CancellationToken.None))!;
    }

    private async Task<Watcher> HubAsync(TestHost host, string header, string value)
    {
        var connection = new HubConnectionBuilder().WithUrl(new Uri(host.Address, "/hubs/live"), o => o.Headers.Add(header, value)).Build();
        var watcher = new Watcher(connection, _time);
        await watcher.StartAsync();
        return watcher;
    }

    private static async Task<ClientWebSocket> CircuitConnectionAsync(TestHost host, string cookie)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", cookie);
        await socket.ConnectAsync(new UriBuilder(host.Address) { Scheme = "ws", Path = "/_blazor" }.Uri, CancellationToken.None);
        await socket.SendAsync(Encoding.UTF8.GetBytes("{\"protocol\":\"blazorpack\",\"version\":1}\u001e"), WebSocketMessageType.Text, true, CancellationToken.None);
        var buffer = new byte[256];
        var answer = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
        Assert.Equal("{}\u001e", Encoding.UTF8.GetString(buffer, 0, answer.Count));
        return socket;
    }

    private static async Task ClosedAsync(ClientWebSocket socket)
    {
        var buffer = new byte[4096];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (WebSocketException)
        {
            // Cut without a closing handshake.
        }
    }

    /// <summary>Watches the overview over the hub until it is lost.</summary>
    private sealed class Watcher(HubConnection connection, FakeTimeProvider time) : IAsyncDisposable
    {
        private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private IAsyncEnumerator<OverviewUpdate>? _updates;

        public Task Lost => _lost.Task;

        public async Task StartAsync()
        {
            connection.Closed += _ =>
            {
                _lost.TrySetResult();
                return Task.CompletedTask;
            };
            await connection.StartAsync();
            _updates = connection.StreamAsync<OverviewUpdate>("Overview").GetAsyncEnumerator();
            Assert.True(await _updates.MoveNextAsync());
        }

        public async Task NextAsync()
        {
            var next = _updates!.MoveNextAsync().AsTask();
            while (!next.IsCompleted)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await Task.WhenAny(next, Task.Delay(50));
            }

            Assert.True(await next);
        }

        public async ValueTask DisposeAsync() => await connection.DisposeAsync();
    }
}
