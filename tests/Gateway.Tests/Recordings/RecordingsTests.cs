using System.Net;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Features.Events;
using Gateway.Features.Recordings;
using Gateway.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Recordings;

public sealed class RecordingsTests
{
    [Fact]
    public async Task Frozen_IsListedShownAndDownloaded_WithHeadersOnly()
    {
        // Even where payload may be seen live.
        await using var host = await TestHost.StartAsync(settings: ["--Gateway:ShowPayload", "true"]);
        var (tunnel, peer) = await PlainAsync(host);
        var id = await FreezeAsync(host, tunnel, peer);
        var listed = Assert.Single((await host.Get("recordings?peer=host-u"))["items"]!.AsArray())!;
        Assert.Equal((id, "host-u", "one-way-flow", 2), (listed["id"]!.GetValue<long>(), listed["peer"]!.GetValue<string>(), listed["kind"]!.GetValue<string>(), listed["count"]!.GetValue<int>()));
        Assert.Empty((await host.Get("recordings?peer=nobody"))["items"]!.AsArray());

        var packets = (await host.Get($"recordings/{id}"))["packets"]!.AsArray();
        Assert.Equal(["passed", "destination not allowed"], packets.Select(packet => packet!["verdict"]!.GetValue<string>()));
        Assert.Equal("IP 192.168.53.99.1111 > 192.168.60.101.2222: UDP, length 10", packets[0]!["summary"]!.GetValue<string>());
        Assert.Equal(28, Convert.FromBase64String(packets[0]!["data"]!.GetValue<string>()).Length);

        using var answer = await host.Ask(HttpMethod.Get, $"recordings/{id}/pcapng");
        var file = System.Text.Encoding.Latin1.GetString(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.StartsWith("\u000a\u000d\u000d\u000a", file, StringComparison.Ordinal);
        Assert.Contains("peer host-u, from it, dropped: destination not allowed", file, StringComparison.Ordinal);
        Assert.Contains("tun0", file, StringComparison.Ordinal);
        Assert.DoesNotContain("password", file, StringComparison.Ordinal);
        Assert.Contains((await host.Get("audit?action=packet.recording"))["items"]!.AsArray(), entry => entry!["subject"]!.GetValue<string>() == "host-u");
        await host.Get("recordings/999", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task MoreThanAreKept_TheOldestGo()
    {
        await using var host = await TestHost.StartAsync();
        var (tunnel, peer) = await PlainAsync(host);
        var first = await FreezeAsync(host, tunnel, peer);
        for (var i = 0; i < FlightKeeper.MaxKept; i++) await FreezeAsync(host, tunnel, peer);
        await host.Get($"recordings/{first}", HttpStatusCode.NotFound);
        await host.Get($"recordings/{first + 1}");
    }

    [Fact]
    public async Task SwitchedOff_KeepsNothing()
    {
        await using var host = await TestHost.StartAsync(settings: ["--Gateway:RecordedPeers", "0"]);
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        await host.Post("tunnels/tun0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } });
        var dataPlane = host.Services.GetRequiredService<DataPlane>();
        var tunnel = dataPlane.GetTunnels()[0];
        var peer = dataPlane.GetPeers(tunnel.Id)[0];
        host.Ports.Socket!.Arrive(TestPackets.Udp("192.168.53.99", "192.168.53.98", new byte[10]), UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090")));
        await Eventually.True(() => Task.FromResult(dataPlane.GetPeer(tunnel.Id, peer.Id)!.ReceivedPackets == 1), "the packet");
        Assert.Null(await host.Services.GetRequiredService<FlightKeeper>().FreezeAsync(tunnel, OfPeer(peer), TestContext.Current.CancellationToken));
    }

    private static async Task<long> FreezeAsync(TestHost host, TunnelStatus tunnel, PeerStatus peer) =>
        (await host.Services.GetRequiredService<FlightKeeper>().FreezeAsync(tunnel, OfPeer(peer), TestContext.Current.CancellationToken))!.Value;

    private static GatewayEvent OfPeer(PeerStatus peer) => new(EventKinds.OneWayFlow, EventSeverities.Warning, "It never answers.") { PeerId = peer.Id, Peer = peer.Name };

    /// <summary>A plain tunnel with a peer that has sent one packet to where it may and one to where it may not.</summary>
    private static async Task<(TunnelStatus Tunnel, PeerStatus Peer)> PlainAsync(TestHost host)
    {
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        var id = (await host.Post("tunnels/tun0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } }))["id"]!.GetValue<string>();
        await host.Post($"peers/{id}/routes", new { prefix = "192.168.60.0/24", installOn = "client" });
        var dataPlane = host.Services.GetRequiredService<DataPlane>();
        var tunnel = dataPlane.GetTunnels()[0];
        var from = UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090"));
        host.Ports.Socket!.Arrive(TestPackets.Udp("192.168.53.99", "192.168.60.101", "a password"u8, 1111, 2222), from);
        await Eventually.True(() => Task.FromResult(dataPlane.GetLastPackets(tunnel.Id, Guid.Parse(id)).Length == 1), "the first packet");
        host.Ports.Socket.Arrive(TestPackets.Udp("192.168.53.99", "192.168.77.1", "a password"u8, 1111, 2222), from);
        await Eventually.True(() => Task.FromResult(dataPlane.GetLastPackets(tunnel.Id, Guid.Parse(id)).Length == 2), "the second");
        return (tunnel, dataPlane.GetPeers(tunnel.Id)[0]);
    }
}
