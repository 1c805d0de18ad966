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
