using System.Net;
using Gateway.Contracts.Live;
using Gateway.Engine.Ports;
using Gateway.Features.Events;
using Gateway.Live;
using Gateway.Security;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Events;

public sealed class EventLogTests
{
    [Fact]
    public async Task Event_Raised_ReachesWatchersAndTheListAndSurvivesARestart()
    {
        using var directory = new TemporaryDirectory();
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            var log = host.Services.GetRequiredService<EventLog>();
            Assert.True(log.Watch(new EventsQuery { Filter = "kind=test" }, default).Succeeded(out var stream, out _));
            await using var updates = stream.GetAsyncEnumerator();
            Assert.True(await updates.MoveNextAsync());
            Assert.Empty(updates.Current.Events);
            log.Raise(new GatewayEvent("test", EventSeverities.Warning, "It happened.")
            {
                Tunnel = "wg0",
                Peer = "alice",
                Remedy = "Nothing to do.",
                Evidence = new Dictionary<string, string> { ["count"] = "3" },
            });
            Assert.True(await updates.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
            var row = Assert.Single(updates.Current.Events);
            Assert.Equal(("It happened.", "Nothing to do.", "3"), (row.Text, row.Remedy, row.Evidence["count"]));
        }

        await using var again = await TestHost.StartAsync(directory.Path);
        var listed = Assert.Single((await again.Get("events?kind=test&peer=alice&filter=severity%3Dwarning"))["items"]!.AsArray())!;
        Assert.Equal("It happened.", listed["text"]!.GetValue<string>());
        Assert.Empty((await again.Get("events?kind=test&peer=bob"))["items"]!.AsArray());
        Assert.Equal(["filter", "limit"], await again.Fields(HttpMethod.Get, "events?filter=x%3D1&limit=0", null, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task List_PagedNewestFirst_GivesEachEventOnce()
    {
        await using var host = await TestHost.StartAsync();
        var log = host.Services.GetRequiredService<EventLog>();
        for (var i = 0; i < 5; i++) log.Raise(new GatewayEvent("test", EventSeverities.Info, $"Number {i}."));
        await Eventually.True(async () => (await host.Get("events?kind=test"))["items"]!.AsArray().Count == 5, "the events");
        var texts = new List<string>();
        for (var cursor = ""; cursor is not null;)
        {
            var page = await host.Get($"events?kind=test&limit=2&cursor={cursor}");
            texts.AddRange(page["items"]!.AsArray().Select(row => row!["text"]!.GetValue<string>()));
            cursor = page["nextCursor"]?.GetValue<string>();
        }

        Assert.Equal(["Number 4.", "Number 3.", "Number 2.", "Number 1.", "Number 0."], texts);
    }

    [Fact]
    public async Task Watcher_Slow_LosesTheOldestAndIsToldHowMany()
    {
        await using var host = await TestHost.StartAsync();
        var log = host.Services.GetRequiredService<EventLog>();
        Assert.True(log.Watch(new EventsQuery { Filter = "kind=test", Past = 0 }, default).Succeeded(out var stream, out _));
        await using var updates = stream.GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        const int Raised = 2500;
        for (var i = 0; i < Raised; i++) log.Raise(new GatewayEvent("test", EventSeverities.Info, $"Number {i}."));
        await Eventually.True(async () => (await host.Get("events?filter=%22Number%202499%22"))["items"]!.AsArray().Count == 1, "the last event");
        var (seen, skipped) = (new List<string>(), 0L);
        while (seen.Count == 0 || seen[^1] != "Number 2499.")
        {
            Assert.True(await updates.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
            seen.AddRange(updates.Current.Events.Select(row => row.Text));
            skipped += updates.Current.Skipped;
        }

        Assert.True(skipped >= Raised - 1000 - seen.Count);
        Assert.InRange(seen.Count + skipped, Raised, Raised + 5);
    }

    [Fact]
    public async Task Tunnel_ThatFailsAndComesBack_IsToldWithCauseAndRemedy()
    {
        await using var host = await TestHost.StartAsync();
        host.Ports.DeviceFailure = new PortException("The device cannot be made.", "Load the module tun.", 19);
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        await Eventually.True(async () => (await host.Get("events?kind=tunnel-failed&severity=error"))["items"]!.AsArray() is [{ } failed] && failed["remedy"]!.GetValue<string>() == "Load the module tun.", "the failure");
        host.Ports.DeviceFailure = null;
        await Eventually.True(async () => (await host.Get("events?kind=tunnel-up"))["items"]!.AsArray() is [{ } up] && up["text"]!.GetValue<string>() == "Tunnel tun0 is up again.", "the tunnel");
        await Eventually.True(async () => (await host.Get("events?kind=revision-applied"))["items"]!.AsArray().Count > 0, "the revision");
    }

    [Fact]
    public async Task Hub_Events_AreStreamedWithPermissionAlone()
    {
        await using var host = await TestHost.StartAsync();
        using var scope = host.Services.CreateScope();
        var feed = scope.ServiceProvider.GetRequiredService<LiveFeed>();
        Assert.NotNull(feed.Events(new EventsQuery(), default).Failure);
        scope.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.System);
        Assert.Null(feed.Events(new EventsQuery(), default).Failure);
        Assert.NotNull(feed.Events(new EventsQuery { Past = -1 }, default).Failure);
    }
}
