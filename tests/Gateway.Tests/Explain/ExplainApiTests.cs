using System.Net;
using Xunit;

namespace Gateway.Tests.Explain;

public sealed class ExplainApiTests
{
    [Fact]
    public async Task Explain_OfAPeerByName_ShowsTheHopsInOrder()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "alice", addresses = new[] { "192.168.53.99/32" } });
        var explanation = await host.Post("explain", new { peer = "alice", destination = "192.168.60.101" }, HttpStatusCode.OK);
        // The peer has no client route.
        Assert.Equal("destination", explanation["culprit"]!.GetValue<string>());
        Assert.Equal("drops", explanation["verdict"]!.GetValue<string>());
        Assert.Equal("192.168.53.99", explanation["packet"]!["source"]!.GetValue<string>());
        Assert.Equal("icmp", explanation["packet"]!["protocol"]!.GetValue<string>());
        var hop = explanation["hops"]!.AsArray().Single(h => h!["id"]!.GetValue<string>() == "destination")!;
        Assert.Equal("asked-engine", hop["basis"]!.GetValue<string>());
        Assert.Equal("192.168.60.101", host.KernelEvidence.Asked!.Packet.Destination.ToString());

        // The remedy is made with the requests that it names, and the hop passes.
        var call = hop["remedies"]![0]!["apply"]![0]!;
        using var applied = await host.Ask(new HttpMethod(call["method"]!.GetValue<string>()), call["path"]!.GetValue<string>(), call["body"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.Created, applied.StatusCode);
        var after = await host.Post("explain", new { peer = "wg0/alice", destination = "192.168.60.101", protocol = "tcp", port = 22 }, HttpStatusCode.OK);
        Assert.Equal("passes", after["hops"]!.AsArray().Single(h => h!["id"]!.GetValue<string>() == "destination")!["verdict"]!.GetValue<string>());
        Assert.Equal(22, after["packet"]!["port"]!.GetValue<int>());
    }

    [Fact]
    public async Task Explain_OfAnExpiredPeer_LetsItInAgain_AndTakesThatBack()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var id = (await host.Post("tunnels/wg0/peers", new { name = "alice", addresses = new[] { "192.168.53.99/32" } }))["id"]!.GetValue<string>();
        await host.Patch($"peers/{id}", new { expiresAt = "2026-01-01T00:00:00Z" });
        var session = (await host.Post("explain", new { peer = "alice", destination = "192.168.53.1" }, HttpStatusCode.OK))["hops"]!.AsArray().Single(h => h!["id"]!.GetValue<string>() == "session")!;
        Assert.Contains("expired", session["reason"]!.GetValue<string>(), StringComparison.Ordinal);
        foreach (var (calls, expected) in new[] { ("apply", (string?)null), ("undo", "2026-01-01T00:00:00+00:00") })
        {
            var call = session["remedies"]![0]![calls]![0]!;
            using var done = await host.Ask(new HttpMethod(call["method"]!.GetValue<string>()), call["path"]!.GetValue<string>(), call["body"]!.GetValue<string>());
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
            Assert.Equal(expected, (await host.Get($"peers/{id}"))["expiresAt"]?.GetValue<string>());
        }
    }

    [Fact]
    public async Task Handshakes_OfAStranger_AreListedInWords()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        // An initiation that was made for another key: its mac1 does not fit.
        var message = new byte[148];
        message[0] = 1;
        host.Ports.Socket!.Arrive(message, Gateway.Engine.UdpEndpoint.From(IPEndPoint.Parse("203.0.113.5:4242")));
        await Eventually.True(async () => (await host.Get("handshakes?tunnel=wg0"))["items"]!.AsArray().Count == 1, "the refused handshake");
        var row = (await host.Get("handshakes"))["items"]![0]!;
        Assert.Equal("203.0.113.5", row["source"]!.GetValue<string>());
        Assert.Contains("another public key", row["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(1, row["counts"]!["made for another public key than ours (mac1)"]!.GetValue<int>());
        await host.Get("handshakes?tunnel=nope", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Explain_OfABrokenRequest_NamesEveryField()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(["peer", "destination", "source", "port"], await host.Fields(HttpMethod.Post, "explain", new { peer = "nobody", destination = "10.0.0.0/8", source = "x", protocol = "tcp" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["peer", "destination", "protocol"], await host.Fields(HttpMethod.Post, "explain", new { protocol = "gre" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["port"], await host.Fields(HttpMethod.Post, "explain", new { port = "22" }, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Explain_OfANameThatTwoTunnelsHave_AsksWhich()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels", new { name = "wg1", listenPort = 51821, addresses = new[] { "192.168.54.1/24" } });
        foreach (var tunnel in (string[])["wg0", "wg1"]) await host.Post($"tunnels/{tunnel}/peers", new { name = "alice" });
        Assert.Equal(["peer"], await host.Fields(HttpMethod.Post, "explain", new { peer = "alice", destination = "192.168.60.101" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal("wg1", (await host.Post("explain", new { peer = "wg1/alice", destination = "192.168.60.101" }, HttpStatusCode.OK))["packet"]!["tunnel"]!.GetValue<string>());
    }
}
