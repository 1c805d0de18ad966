using System.Net;
using Gateway.Engine;
using Gateway.Engine.Probes;
using Gateway.Features.Explain;
using Gateway.Features.Explain.Probes;
using Xunit;

namespace Gateway.Tests.Explain;

public sealed class ProbeApiTests
{
    [Fact]
    public async Task Probe_FromAnAddressThatIsNotThePeers_IsRefusedAndSendsNothing()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "alice", addresses = new[] { "192.168.53.99/32" } });
        await host.Post("tunnels/wg0/peers", new { name = "bob", addresses = new[] { "192.168.53.98/32" } });
        Assert.Equal(["source"], await host.Fields(HttpMethod.Post, "probes", new { peer = "alice", source = "192.168.53.98", destination = "192.168.53.1" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["destination"], await host.Fields(HttpMethod.Post, "probes", new { peer = "alice", destination = "192.168.60.101" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["peer", "destination"], await host.Fields(HttpMethod.Post, "probes", new { }, HttpStatusCode.UnprocessableEntity));
    }

    [Fact]
    public async Task Probe_WithoutAnAnswer_SaysWhereAndIsOnRecord()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "alice", addresses = new[] { "192.168.53.99/32" } });
        var result = await host.Post("probes", new { peer = "alice", destination = "192.168.53.1", protocol = "tcp", port = 22 }, HttpStatusCode.OK);
        Assert.Equal("lost", result["outcome"]!.GetValue<string>());
        Assert.NotEmpty(result["observations"]!.AsArray());
        Assert.Contains("Nothing came back", result["summary"]!.GetValue<string>(), StringComparison.Ordinal);
        using var scope = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.CreateScope(host.Services);
        var contexts = (Microsoft.EntityFrameworkCore.IDbContextFactory<Gateway.Data.GatewayDbContext>)scope.ServiceProvider.GetService(typeof(Microsoft.EntityFrameworkCore.IDbContextFactory<Gateway.Data.GatewayDbContext>))!;
        await using var db = await contexts.CreateDbContextAsync();
        Assert.Contains(db.Audit.ToList(), entry => entry.Action == "probe.send" && entry.Subject == "wg0/alice");
    }

    [Fact]
    public void Limits_OfOnePeer_EndAfterAFew()
    {
        using var limits = new ProbeLimits();
        var peer = Guid.NewGuid();
        var taken = 0;
        for (var i = 0; i < 20; i++)
        {
            using var permit = limits.TryEnter(peer);
            if (permit.IsAcquired) taken++;
        }

        Assert.InRange(taken, 5, 19);
        using var first = limits.TryEnter(Guid.NewGuid());
        using var second = limits.TryEnter(Guid.NewGuid());
        Assert.True(first.IsAcquired);
        Assert.False(second.IsAcquired);
    }

    [Theory]
    [InlineData("192.168.53.99", "192.168.60.101", 1)]
    [InlineData("192.168.53.99", "192.168.60.101", 6)]
    [InlineData("192.168.53.99", "192.168.60.101", 17)]
    [InlineData("fd53::99", "fd60::101", 58)]
    [InlineData("fd53::99", "fd60::101", 6)]
    public void Packet_OfEachKind_IsSoundAndItsMirrorIsTheAnswer(string source, string destination, byte protocol)
    {
        var key = new ProbeKey(InetAddress.From(IPAddress.Parse(source)), InetAddress.From(IPAddress.Parse(destination)), protocol, 61_234, protocol is 6 or 17 ? (ushort)23 : (ushort)61_234);
        var packet = ProbePacket.Opening(key);
        Assert.True(key.IsProbe(packet));
        Assert.False(key.IsAnsweredBy(packet));
        var back = new ProbeKey(key.Destination, key.Source, protocol, key.DestinationPort, key.SourcePort);
        Assert.True(key.IsAnsweredBy(ProbePacket.Opening(back)));
        Assert.False((key with { SourcePort = 61_235, DestinationPort = protocol is 6 or 17 ? (ushort)23 : (ushort)61_235 }).IsAnsweredBy(ProbePacket.Opening(back)));
        var parsed = (PacketDotNet.IPPacket)PacketDotNet.Packet.ParsePacket(PacketDotNet.LinkLayers.Raw, packet).PayloadPacket;
        Assert.Equal(source, parsed.SourceAddress.ToString());
        if (parsed.PayloadPacket is PacketDotNet.TcpPacket tcp) Assert.True(tcp.ValidTcpChecksum);
        if (parsed.PayloadPacket is PacketDotNet.UdpPacket udp) Assert.True(udp.ValidUdpChecksum);
    }

    [Fact]
    public void IcmpError_ThatQuotesTheProbe_IsItsAnswer()
    {
        var key = new ProbeKey(InetAddress.From(IPAddress.Parse("192.168.53.99")), InetAddress.From(IPAddress.Parse("192.168.60.101")), 6, 61_234, 23);
        byte[] error = [0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 192, 168, 60, 1, 192, 168, 53, 99, 3, 13, 0, 0, 0, 0, 0, 0, .. ProbePacket.Opening(key)[..28]];
        Assert.True(key.IsAnsweredBy(error));
        Assert.False((key with { SourcePort = 61_235 }).IsAnsweredBy(error));
        Assert.Equal("refused", ProbeReading.Read(error, key).Outcome);
        Assert.Equal("192.168.60.1", ProbeReading.Read(error, key).From.ToString());
        for (var length = 0; length < error.Length; length++) Assert.False(key.IsAnsweredBy(error.AsSpan(0, length)));
    }

    [Theory]
    [InlineData("inet filter forward rule tcp dport 23 drop (verdict drop)", false, "firewall")]
    [InlineData("inet filter forward rule tcp sport 23 drop (verdict drop)", true, "answer-firewall")]
    public void Verdict_WithTheTracesWord_IsObserved(string line, bool answer, string diedAt)
    {
        var sight = new Sight(line, answer, answer, answer, new Dictionary<string, long>(), new Dictionary<string, int>(), []);
        var verdict = ProbeVerdict.Judge(sight, Features.Explain.Reasoning.Reasoner.Explain(MadeUpEvidence.Healthy()));
        Assert.Equal((diedAt, "observed"), (verdict.DiedAt, verdict.Basis));
    }

    [Fact]
    public void Verdict_OfAPacketThatLeft_IsNotInTheGateway()
    {
        var sight = new Sight(null, false, true, false, new Dictionary<string, long>(), new Dictionary<string, int>(), []);
        var e = MadeUpEvidence.Healthy() with { Traffic = new TrafficEvidence(MadeUpEvidence.Unanswered(), null, null), HostCheck = new HostCheck(true, null, null) };
        Assert.Equal("way-back", ProbeVerdict.Judge(sight, Features.Explain.Reasoning.Reasoner.Explain(e)).DiedAt);
    }
}
