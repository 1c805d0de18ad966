using System.Net;
using System.Net.Sockets;
using Gateway.Linux.Netlink;
using Gateway.Linux.Nftables;
using Gateway.Linux.Settings;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Linux;

/// <summary>
/// What an explanation asks the kernel. Namespace <c>gw</c>: eth0 10.0.2.8/24, fd00:2::8/64 and eth1 192.168.60.1/24, both veth with their other
/// end in the same namespace; forwarding on, no default route.
/// </summary>
public sealed class KernelLookupsTests : IAsyncLifetime
{
    private const string V = "192.168.60.101";

    private Host _gw = null!;

    public async ValueTask InitializeAsync()
    {
        _gw = await Host.Create("gw");
        await _gw.Ip("link add eth0 type veth peer name peer0");
        await _gw.Ip("link add eth1 type veth peer name peer1");
        await _gw.Ip("addr add 10.0.2.8/24 dev eth0");
        await _gw.Ip("addr add fd00:2::8/64 dev eth0 nodad");
        await _gw.Ip("addr add 192.168.60.1/24 dev eth1");
        foreach (var device in new[] { "eth0", "peer0", "eth1", "peer1" }) await _gw.Ip($"link set {device} up");
        await _gw.SetSysctl("net.ipv4.ip_forward", "1");
        foreach (var device in new[] { "all", "default", "eth0", "eth1" }) await _gw.SetSysctl($"net.ipv4.conf.{device}.rp_filter", "0");
    }

    public ValueTask DisposeAsync() => _gw.DisposeAsync();

    [Fact]
    public void Route_OfAForwardedPacket_NamesTheEntryThatDecides()
    {
        var answer = Ask(V, "10.0.2.7", "eth0");
        Assert.Equal(IPNetwork.Parse("192.168.60.0/24"), answer.Entry!.Prefix);
        Assert.Equal(Index("eth1"), answer.Route!.LinkIndex);
        Assert.Equal(254u, answer.Route.Table);
    }

    [Fact]
    public async Task Route_OfAPolicyRulesTable_NamesThatTable()
    {
        await _gw.Ip("route add default via 10.0.2.254 dev eth0 table 100");
        await _gw.Ip("rule add from 192.168.60.0/24 lookup 100 priority 100");
        var answer = Ask("203.0.113.7", V, "eth1");
        Assert.Equal(100u, answer.Entry!.Table);
        Assert.Equal(IPAddress.Parse("10.0.2.254"), answer.Route!.Gateway);
        var rule = _gw.In(() => KernelLookups.ReadRules(AddressFamily.InterNetwork)).Single(r => r.Priority == 100);
        Assert.True(rule is { Table: 100, Source: { } from } && from == IPNetwork.Parse("192.168.60.0/24"), rule.ToString());
    }

    [Fact]
    public async Task Route_Refused_KeepsTheKernelsErrno()
    {
        Assert.Equal(101, Ask("203.0.113.7", "10.0.2.7", "eth0").Error);
        await _gw.Ip("route add unreachable 203.0.113.7");
        Assert.Equal(113, Ask("203.0.113.7", "10.0.2.7", "eth0").Error);
        await _gw.Ip("route add prohibit 203.0.113.8");
        Assert.Equal(13, Ask("203.0.113.8", "10.0.2.7", "eth0").Error);
        await _gw.SetSysctl("net.ipv4.conf.eth0.rp_filter", "1");
        Assert.True(Ask(V, "192.168.30.99", "eth0").Error is 22 or 18);
        await _gw.SetSysctl("net.ipv4.conf.eth0.rp_filter", "0");
        await _gw.SetSysctl("net.ipv4.conf.eth0.forwarding", "0");
        Assert.Equal(113, Ask(V, "10.0.2.7", "eth0").Error);
        Assert.False(_gw.In(() => KernelSettings.ReadIpv4Forwarding("eth0")));
        Assert.True(_gw.In(() => KernelSettings.ReadIpv4Forwarding("eth1")));
    }

    [Fact]
    public void Route_OfIpv6_IsAskedLikewise()
    {
        var answer = _gw.In(() => KernelLookups.LookUpRoute(new RouteQuestion(IPAddress.Parse("fd00:2::7"))));
        Assert.Equal(IPNetwork.Parse("fd00:2::/64"), answer.Entry!.Prefix);
        Assert.Equal(101, _gw.In(() => KernelLookups.LookUpRoute(new RouteQuestion(IPAddress.Parse("fd99::1")))).Error);
    }

    [Fact]
    public async Task Neighbour_IsTold_WithItsState()
    {
        Assert.Null(_gw.In(() => KernelLookups.FindNeighbour(IPAddress.Parse(V), Index("eth1"))));
        await _gw.Ip($"neigh add {V} lladdr 02:00:00:00:00:01 dev eth1 nud permanent");
        Assert.Equal(new KernelNeighbour(NeighbourState.Permanent, "02:00:00:00:00:01"), _gw.In(() => KernelLookups.FindNeighbour(IPAddress.Parse(V), Index("eth1"))));
        await _gw.Try("ping", "-c", "1", "-W", "0.1", "192.168.60.55");
        Assert.True(_gw.In(() => KernelLookups.FindNeighbour(IPAddress.Parse("192.168.60.55"), Index("eth1")))!.State is NeighbourState.Incomplete or NeighbourState.Failed);
    }

    [Fact]
    public async Task Counters_Grow_WithWhatTheyCount()
    {
        var before = _gw.In(KernelCounters.Read);
        Assert.NotNull(before["TcpExt.IPReversePathFilter"]);
        Assert.NotNull(before["Ip.InAddrErrors"]);
        Assert.NotNull(before["Ip6.OutNoRoutes"]);
        await _gw.Try("ping", "-c", "1", "-W", "0.1", "127.0.0.1");
        Assert.Contains("Ip.OutRequests", _gw.In(KernelCounters.Read).GrowthSince(before).Keys);
    }

    [Fact]
    public async Task Ruleset_OfTheHost_IsReadAndAsked()
    {
        Assert.Empty(Read().Chains);
        await _gw.Run("nft", "table inet filter { set bad { type inet_service; elements = { 23, 25 }; }; chain forward { type filter hook forward priority 5; policy accept; iifname \"eth0\" tcp dport @bad counter drop comment \"no telnet\"; }; }");
        var rules = Read();
        var verdict = FirewallEvaluator.Evaluate(rules, "forward", new FirewallPacket
        {
            Source = IPAddress.Parse("10.0.2.7"),
            Destination = IPAddress.Parse(V),
            Protocol = 6,
            DestinationPort = 23,
            InputDevice = "eth0",
            OutputDevice = "eth1",
        });
        Assert.Equal(FirewallOutcome.Drop, verdict.Outcome);
        Assert.True(verdict.Chain is { Priority: 5, DropsByPolicy: false } chain && chain.Name == new NftChainName("inet", "filter", "forward"), verdict.ToString());
        Assert.StartsWith("iifname \"eth0\" tcp dport @bad counter packets", verdict.Rule!.Text, StringComparison.Ordinal);
        Assert.Equal("no telnet", verdict.Rule.Comment);

        Ruleset Read() => _gw.In(() => Ruleset.Read(out var problem) ?? throw new InvalidOperationException(problem));
    }

    private int Index(string device) => _gw.In(() => KernelNetwork.ReadLinks().Single(l => l.Name == device).Index);

    private RouteAnswer Ask(string destination, string source, string input)
    {
        var index = Index(input);
        return _gw.In(() => KernelLookups.LookUpRoute(new RouteQuestion(IPAddress.Parse(destination)) { Source = IPAddress.Parse(source), InputLinkIndex = index }));
    }
}
