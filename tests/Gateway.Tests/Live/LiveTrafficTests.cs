using System.Net;
using System.Text.Json.Nodes;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Live;
using Gateway.Security;
using Gateway.Testing;
using Gateway.Web;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Live;

/// <summary>
/// What the feed, the hub and the API show of traffic through a plain tunnel, whose packets a test can write by hand:
/// <code>
/// host-u 192.168.53.99 at 10.0.2.7:9090  ──  tun0 192.168.53.98 (in memory)  ──  192.168.60.101
/// </code>
/// </summary>
public sealed class LiveTrafficTests
{
    private static readonly UdpEndpoint FromU = UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090"));

    [Fact]
    public async Task Flows_OfAPassingConversation_ShowBothDirectionsAndWhoBegan()
    {
        await using var host = await TestHost.StartAsync();
        var peer = await Plain(host);
        Arrive(host, TestPackets.Tcp("192.168.53.99", "192.168.60.101", 1, 0x02, [], 40_000, 443));
        await FirstFlow(host, "", flow => flow.PacketsFromPeer == 1 && flow.State == "syn-sent");
        host.Ports.Device!.SendPacket(TestPackets.Tcp("192.168.60.101", "192.168.53.99", 1, 0x12, [], 443, 40_000));
        await FirstFlow(host, "", flow => flow.PacketsToPeer == 1 && flow.State == "syn-received");
        Arrive(host, TestPackets.Tcp("192.168.53.99", "192.168.60.101", 2, 0x10, new byte[100], 40_000, 443));
        var flow = await FirstFlow(host, "peer=host-u proto=tcp dst in 192.168.60.0/24 and bytes > 100", flow => flow.PacketsFromPeer == 2);
        Assert.Equal(("192.168.53.99", 40_000, "192.168.60.101", 443, "https"), (flow.Source, flow.SourcePort, flow.Destination, flow.DestinationPort, flow.Service));
        Assert.Equal((180, 40, "established", true), (flow.BytesFromPeer, flow.BytesToPeer, flow.State, flow.StartedByPeer));
        Assert.Equal(Guid.Parse(peer), flow.PeerId);
        Assert.True(flow.RoundTripToOtherMs > 0);
        Assert.True(flow.RoundTripToPeerMs > 0);
    }

    [Fact]
    public async Task FlowsResource_FilteredSortedAndPaged_GivesEachFlowOnce()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        for (ushort port = 1; port <= 5; port++) Arrive(host, TestPackets.Udp("192.168.53.99", "192.168.60.101", new byte[port * 10], 1000, port));
        await FirstFlow(host, "port=5", _ => true);
        var page = await host.Get("flows?prefix=192.168.60.0/24&protocol=udp&peer=host-u&sort=-bytes&limit=2");
        Assert.Equal([5, 4], Ports(page));
        page = await host.Get($"flows?prefix=192.168.60.0/24&sort=-bytes&limit=2&cursor={page["nextCursor"]}");
        Assert.Equal([3, 2], Ports(page));
        page = await host.Get($"flows?sort=-bytes&limit=2&cursor={page["nextCursor"]}");
        Assert.Equal([1], Ports(page));
        Assert.Null(page["nextCursor"]);
        Assert.Equal([3], Ports(await host.Get("flows?port=3")));
        Assert.Equal(["filter", "sort", "limit"], await host.Fields(HttpMethod.Get, "flows?filter=pear%3D1&sort=size&limit=0", null, HttpStatusCode.BadRequest));
        using var anonymous = await host.Anonymous.GetAsync("/api/v1/flows");
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);

        static IEnumerable<int> Ports(JsonNode page) => page["items"]!.AsArray().Select(flow => flow!["destinationPort"]!.GetValue<int>());
    }

    [Fact]
    public async Task Drops_OfAForeignSource_ShowPeerPrefixReasonAndHeadersWithoutPayload()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        var secret = "a password"u8.ToArray();
        for (var i = 0; i < 3; i++) Arrive(host, TestPackets.Udp("192.168.53.99", "10.9.8.7", secret, 1111, 53));
        var feed = Feed(host);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.True(feed.Drops(new DropsQuery { Filter = "peer=host-u dst in 10.9.8.0/24" }, deadline.Token).Succeeded(out var updates, out _));
        DropRow? drop = null;
        await foreach (var update in updates)
        {
            drop = update.Drops.FirstOrDefault(row => row.Packets == 3);
            if (drop is not null) break;
        }

        Assert.NotNull(drop);
        Assert.Equal(("destination not allowed", "in", "10.9.8.0/24"), (drop.Reason, drop.Way, drop.Destination));
        Assert.Equal("IP 192.168.53.99.1111 > 10.9.8.7.53: UDP, length 10", drop.Sample!.Summary);
        Assert.Equal((28, 38), (drop.Sample.Data.Length, drop.Sample.Bytes));
        var listed = await host.Get("drops?peer=host-u&port=53&protocol=udp&prefix=10.0.0.0/8");
        Assert.Equal("destination not allowed", Assert.Single(listed["items"]!.AsArray())!["reason"]!.GetValue<string>());
        Assert.Empty((await host.Get("drops?filter=packets%3E100"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Hub_FromOutside_StreamsWhatIsDocumented()
    {
        await using var host = await TestHost.StartAsync();
        var peer = await Plain(host);
        await using var hub = await Connect(host);
        Arrive(host, TestPackets.Udp("192.168.53.99", "192.168.60.101", new byte[10]));
        Arrive(host, TestPackets.Udp("192.168.53.99", "10.9.8.7", new byte[10]));
        var overview = await First<OverviewUpdate>(hub, update => update.Tunnels.Any(tunnel => tunnel is { State: "up", ReceivedBytes: > 0 }), nameof(LiveHub.Overview));
        Assert.Equal(1, overview.PeersByState["receive-only"]);
        var peers = await First<PeersUpdate>(hub, update => update.IsComplete, nameof(LiveHub.Peers));
        Assert.Equal(Guid.Parse(peer), Assert.Single(peers.Peers).Id);
        var flows = await First<FlowsUpdate>(hub, update => update.Matching == 1, nameof(LiveHub.Flows), new FlowsQuery { Filter = "proto=udp" });
        Assert.Equal("192.168.60.101", flows.Flows[0].Destination);
        var drops = await First<DropsUpdate>(hub, update => update.Matching == 1, nameof(LiveHub.Drops), [null]);
        Assert.Equal("10.9.8.0/24", drops.Drops[0].Destination);
    }

    [Fact]
    public async Task Hub_WithoutToken_OrWithABadFilter_SaysNo()
    {
        await using var host = await TestHost.StartAsync();
        await using var nobody = new HubConnectionBuilder().WithUrl(new Uri(host.Client.BaseAddress!, LiveHub.Path)).Build();
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => nobody.StartAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        await using var hub = await Connect(host);
        var wrong = await Assert.ThrowsAsync<HubException>(() => First<FlowsUpdate>(hub, _ => true, nameof(LiveHub.Flows), new FlowsQuery { Filter = "pear=1" }));
        Assert.Contains("'pear' is no field", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PeersStream_AfterTheFirst_HasOnlyWhatChanged()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        await host.Post("tunnels/tun0/peers", new { name = "quiet", addresses = new[] { "192.168.53.50/32" } });
        var feed = Feed(host);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.True(feed.PeerChanges(deadline.Token).Succeeded(out var stream, out _));
        await using var changes = stream.GetAsyncEnumerator();
        Assert.True(await changes.MoveNextAsync());
        Assert.Equal(2, changes.Current.Peers.Count);
        Arrive(host, TestPackets.Udp("192.168.53.99", "192.168.60.101", new byte[10]));
        Assert.True(await changes.MoveNextAsync());
        Assert.False(changes.Current.IsComplete);
        Assert.Equal("host-u", Assert.Single(changes.Current.Peers).Name);
        await host.Delete($"peers/{(await host.Get("peers"))["items"]!.AsArray().Single(p => p!["name"]!.GetValue<string>() == "quiet")!["id"]}");
        while (changes.Current.Removed.Count == 0) Assert.True(await changes.MoveNextAsync());
        Assert.Single(changes.Current.Removed);
    }

    [Fact]
    public async Task Feed_ForSomebodyWhoMayNotRead_IsRefused_AndEndsForWhoMayNoLonger()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        Assert.Equal(FailureKind.Forbidden, Feed(host, Permission.None).Flows(new FlowsQuery(), default).Failure!.Kind);
        Assert.Equal(FailureKind.Forbidden, Feed(host, Permission.None).Overview(default).Failure!.Kind);
        using var scope = host.Services.CreateScope();
        var caller = scope.ServiceProvider.GetRequiredService<Caller>();
        caller.Become(CallerIdentity.System);
        Assert.True(scope.ServiceProvider.GetRequiredService<LiveFeed>().Flows(new FlowsQuery(), default).Succeeded(out var stream, out _));
        await using var flows = stream.GetAsyncEnumerator();
        Assert.True(await flows.MoveNextAsync());
        caller.Become(CallerIdentity.Nobody);
        Assert.False(await flows.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
    }

    private static async Task<string> Plain(TestHost host)
    {
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        var peer = await host.Post("tunnels/tun0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24", installOn = "client" });
        return peer["id"]!.GetValue<string>();
    }

    private static void Arrive(TestHost host, byte[] packet) => host.Ports.Socket!.Arrive(packet, FromU);

    /// <summary>The feed as a page of somebody who may read sees it.</summary>
    private static LiveFeed Feed(TestHost host, Permission permissions = Permission.Read)
    {
        var scope = host.Services.CreateScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(new CallerIdentity(CallerIdentity.UserKind, null, "somebody", permissions, null));
        return scope.ServiceProvider.GetRequiredService<LiveFeed>();
    }

    private static async Task<FlowRow> FirstFlow(TestHost host, string filter, Func<FlowRow, bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.True(Feed(host).Flows(new FlowsQuery { Filter = filter }, deadline.Token).Succeeded(out var updates, out var failure), failure?.Detail);
        await foreach (var update in updates)
        {
            if (update.Flows.FirstOrDefault(condition) is { } found) return found;
        }

        throw new TimeoutException($"No such flow: {filter}");
    }

    private static async Task<HubConnection> Connect(TestHost host)
    {
        var hub = new HubConnectionBuilder().WithUrl(new Uri(host.Client.BaseAddress!, LiveHub.Path), options => options.AccessTokenProvider = () => Task.FromResult<string?>(TestHost.Token)).Build();
        await hub.StartAsync();
        return hub;
    }

    private static async Task<T> First<T>(HubConnection hub, Func<T, bool> condition, string stream, params object?[] arguments)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await foreach (var update in hub.StreamAsyncCore<T>(stream, arguments, deadline.Token))
        {
            if (condition(update)) return update;
        }

        throw new TimeoutException($"Nothing of the kind on {stream}.");
    }
}
