using System.Net;
using Gateway.Engine;
using Gateway.Features.Events;
using Gateway.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Events;

/// <summary>What nobody reports is noticed: a peer that falls silent, one that moves, a setting changed by somebody else.</summary>
public sealed class EngineEventsTests
{
    [Fact]
    public async Task Peer_NotHeardForThreeMinutes_IsGoneAndToldOnce()
    {
        await using var host = await TestHost.StartAsync();
        var peer = Guid.Parse(await Plain(host));
        var tunnel = host.Services.GetRequiredService<DataPlane>().GetTunnels().Single().Id;
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddHours(1));
        using var events = Watching(host, time);
        await events.StartAsync(default);

        events.Observe(new DataPlaneEvent(DataPlaneEventKind.SessionEstablished, tunnel, peer, null));
        await Has(host, "peer-connected", 1);
        await Until(host, time, "peer-gone");

        var gone = (await host.Get("events?kind=peer-gone"))["items"]!.AsArray();
        Assert.Equal("Peer host-u has not been heard for three minutes.", Assert.Single(gone)!["text"]!.GetValue<string>());
        events.Observe(new DataPlaneEvent(DataPlaneEventKind.SessionEstablished, tunnel, peer, null));
        await Has(host, "peer-reconnected", 1);
        await events.StopAsync(default);
    }

    [Fact]
    public async Task Endpoint_Moved_IsToldWithBothPlaces()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        var packet = TestPackets.Udp("192.168.53.99", "192.168.60.101", new byte[10]);
        host.Ports.Socket!.Arrive(packet, UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090")));
        await Eventually.True(async () => (await host.Get("peers"))["items"]![0]!["lastEndpoint"]?.GetValue<string>() == "10.0.2.7:9090", "the first place");
        host.Ports.Socket!.Arrive(packet, UdpEndpoint.From(IPEndPoint.Parse("10.0.2.9:7777")));
        await Has(host, "endpoint-moved", 1);
        var moved = (await host.Get("events?kind=endpoint-moved"))["items"]![0]!;
        Assert.Equal("Peer host-u has moved from 10.0.2.7:9090 to 10.0.2.9:7777.", moved["text"]!.GetValue<string>());
        Assert.Equal(("10.0.2.7:9090", "10.0.2.9:7777"), (moved["evidence"]!["from"]!.GetValue<string>(), moved["evidence"]!["to"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Setting_ChangedBySomebodyElse_IsToldOnceWithTheWayBack()
    {
        await using var host = await TestHost.StartAsync();
        await host.Patch("interfaces/eth0", new { rpFilter = "strict" });
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var events = Watching(host, time);
        await events.StartAsync(default);
        host.Kernel.Change("ipv4/conf/eth0/rp_filter", 2);

        await Until(host, time, "kernel-drift");
        for (var i = 0; i < 3; i++) time.Advance(EngineEvents.LookEvery);

        var drift = Assert.Single((await host.Get("events?kind=kernel-drift"))["items"]!.AsArray())!;
        Assert.Equal("Somebody changed net.ipv4.conf.eth0.rp_filter to 2; wanted is 1.", drift["text"]!.GetValue<string>());
        Assert.StartsWith("sysctl -w net.ipv4.conf.eth0.rp_filter=1", drift["remedy"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("warning", drift["severity"]!.GetValue<string>());
        await events.StopAsync(default);
    }

    /// <summary>Another look at the same engine and kernel, on a clock that the test moves.</summary>
    private static EngineEvents Watching(TestHost host, TimeProvider time) => ActivatorUtilities.CreateInstance<EngineEvents>(host.Services, time);

    private static async Task Until(TestHost host, FakeTimeProvider time, string kind) => await Eventually.True(async () =>
    {
        time.Advance(EngineEvents.LookEvery);
        return (await host.Get($"events?kind={kind}"))["items"]!.AsArray().Count > 0;
    }, $"an event {kind}");

    private static Task Has(TestHost host, string kind, int count) =>
        Eventually.True(async () => (await host.Get($"events?kind={kind}"))["items"]!.AsArray().Count == count, $"{count} of {kind}");

    private static async Task<string> Plain(TestHost host)
    {
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        var peer = await host.Post("tunnels/tun0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24", installOn = "client" });
        return peer["id"]!.GetValue<string>();
    }
}
