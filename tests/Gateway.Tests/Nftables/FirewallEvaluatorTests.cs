using System.Net;
using Gateway.Linux.Nftables;
using Xunit;

namespace Gateway.Tests.Nftables;

/// <summary>Rules as nft -j writes them (nftables 1.0.6), and what becomes of a packet.</summary>
public sealed class FirewallEvaluatorTests
{
    private static readonly FirewallPacket Telnet = new()
    {
        Source = IPAddress.Parse("192.168.53.99"),
        Destination = IPAddress.Parse("192.168.60.101"),
        Protocol = 6,
        SourcePort = 50_000,
        DestinationPort = 23,
        InputDevice = "wg0",
        OutputDevice = "eth1",
        SourceRouteDevice = "wg0",
    };

    private static readonly FirewallPacket Ping6 = new()
    {
        Source = IPAddress.Parse("fd53::99"),
        Destination = IPAddress.Parse("fd60::101"),
        Protocol = 58,
        IcmpType = 128,
        InputDevice = "wg0",
        OutputDevice = "eth1",
    };

    [Theory]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":23}}""", true)]
    [InlineData("""{"match":{"op":"!=","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":22}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":{"set":[22,{"range":[20,30]}]}}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"th","field":"dport"}},"right":{"set":[22,80]}}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":23}}""", false)]
    [InlineData("""{"match":{"op":"!=","left":{"payload":{"protocol":"udp","field":"dport"}},"right":53}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"192.168.53.0","len":24}}}}""", true)]
    [InlineData("""{"match":{"op":"!=","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"10.0.0.0","len":8}}}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"daddr"}},"right":{"range":["192.168.60.100","192.168.60.110"]}}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip6","field":"daddr"}},"right":"fd60::101"}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"daddr"}},"right":"@inside"}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":"@inside"}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"concat":[{"payload":{"protocol":"ip","field":"saddr"}},{"payload":{"protocol":"tcp","field":"dport"}}]},"right":{"set":[{"concat":["192.168.53.99",23]}]}}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"wg*"}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"oifname"}},"right":{"set":["eth0","wg0"]}}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":{"set":["tcp","udp"]}}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"protocol"}},"right":"icmp"}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"nfproto"}},"right":"ipv4"}}""", true)]
    [InlineData("""{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}}""", false)]
    [InlineData("""{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"new"}}""", true)]
    [InlineData("""{"match":{"op":"in","left":{"ct":{"key":"status"}},"right":"dnat"}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"&":[{"payload":{"protocol":"tcp","field":"flags"}},["syn","rst"]]},"right":"syn"}}""", true)]
    [InlineData("""{"match":{"op":"==","left":{"&":[{"meta":{"key":"mark"}},255]},"right":1}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"fib":{"result":"oif","flags":["saddr","iif"]}},"right":false}}""", false)]
    [InlineData("""{"match":{"op":"==","left":{"fib":{"result":"type","flags":["daddr"]}},"right":"local"}}""", false)]
    [InlineData("""{"match":{"op":">","left":{"meta":{"key":"length"}},"right":1000}}""", false)]
    public void Match_OfATelnetPacket_HoldsAsNftSays(string match, bool holds) =>
        Assert.Equal(holds ? FirewallOutcome.Drop : FirewallOutcome.Accept, Ask(Telnet, Rule(match, """{"drop":null}""")).Outcome);

    [Fact]
    public void Fib_WhereTheRouteBackLeadsElsewhere_Drops()
    {
        var rule = Rule("""{"match":{"op":"==","left":{"fib":{"result":"oif","flags":["saddr","iif"]}},"right":false}}""", """{"drop":null}""");
        Assert.Equal(FirewallOutcome.Drop, Ask(Ping6 with { SourceRouteDevice = "eth0" }, rule).Outcome);
        Assert.Equal(FirewallOutcome.Drop, Ask(Ping6 with { SourceRouteDevice = null }, rule).Outcome);
        Assert.Equal(FirewallOutcome.Accept, Ask(Ping6 with { SourceRouteDevice = "wg0" }, rule).Outcome);
    }

    [Fact]
    public void Icmp6_ByItsName_IsMatched() =>
        Assert.Equal(FirewallOutcome.Reject, Ask(Ping6, Rule("""{"match":{"op":"==","left":{"payload":{"protocol":"icmpv6","field":"type"}},"right":"echo-request"}}""", """{"reject":{"type":"icmpv6","expr":"admin-prohibited"}}""")).Outcome);

    [Fact]
    public void Policy_OfTheChain_DecidesWhatNoRuleDoes()
    {
        var verdict = FirewallEvaluator.Evaluate(Parse(true, []), "forward", Telnet);
        Assert.True(verdict is { Outcome: FirewallOutcome.Drop, Rule: null, Chain.Name.Name: "forward" }, verdict.ToString());
    }

    [Fact]
    public void Answer_OfAnEstablishedConversation_PassesWhereTheRequestDoesNot()
    {
        var rules = Parse(true, [Rule("""{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}}""", """{"accept":null}""")]);
        Assert.Equal(FirewallOutcome.Drop, FirewallEvaluator.Evaluate(rules, "forward", Telnet).Outcome);
        Assert.Equal(FirewallOutcome.Accept, FirewallEvaluator.Evaluate(rules, "forward", Telnet with { IsAnswer = true }).Outcome);
    }

    [Fact]
    public void UnknownMatch_ThatDecides_IsUnknownWithTheRule()
    {
        var verdict = Ask(Telnet, Rule("""{"match":{"op":"==","left":{"meta":{"key":"hour"}},"right":"12:00"}}""", """{"drop":null}"""));
        Assert.Equal(FirewallOutcome.Unknown, verdict.Outcome);
        Assert.Equal(100, verdict.Rule!.Handle);
        Assert.Contains("meta hour", verdict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"accept":null}""")]
    [InlineData("""{"counter":{"packets":0,"bytes":0}}""")]
    public void UnknownMatch_ThatChangesNothing_IsNoDoubt(string verdict) =>
        Assert.Equal(FirewallOutcome.Accept, Ask(Telnet, Rule("""{"limit":{"rate":5,"burst":5,"per":"second"}}""", verdict)).Outcome);

    [Fact]
    public void Jump_ReturnsToTheRuleBehindIt_AndGotoDoesNot()
    {
        Assert.Equal(FirewallOutcome.Drop, Ask(Telnet, Rule("""{"jump":{"target":"empty"}}"""), Rule("""{"drop":null}""")).Outcome);
        Assert.Equal(FirewallOutcome.Accept, Ask(Telnet, Rule("""{"goto":{"target":"empty"}}"""), Rule("""{"drop":null}""")).Outcome);
        var inside = Ask(Telnet, Rule("""{"jump":{"target":"dropping"}}"""));
        Assert.Equal("dropping", inside.Chain!.Name.Name);
    }

    [Fact]
    public void VerdictMap_ChoosesByItsKey() =>
        Assert.Equal(FirewallOutcome.Drop, Ask(Telnet, Rule("""{"vmap":{"key":{"payload":{"protocol":"tcp","field":"dport"}},"data":{"set":[[22,{"accept":null}],[23,{"drop":null}]]}}}""")).Outcome);

    [Fact]
    public void Mark_SetByARule_IsSeenByTheNext() =>
        Assert.Equal(FirewallOutcome.Drop, Ask(Telnet, Rule("""{"mangle":{"key":{"meta":{"key":"mark"}},"value":16}}"""), Rule("""{"match":{"op":"==","left":{"meta":{"key":"mark"}},"right":16}}""", """{"drop":null}""")).Outcome);

    [Fact]
    public void Translation_IsTakenFromTheFirstPacketAlone()
    {
        var rules = Parse(false, [Rule("""{"match":{"op":"==","left":{"meta":{"key":"oifname"}},"right":"eth1"}}""", """{"masquerade":null}""")], type: "nat", hook: "postrouting");
        Assert.Equal("masquerade", Assert.Single(FirewallEvaluator.Evaluate(rules, "postrouting", Telnet).Translations).Kind);
        Assert.Empty(FirewallEvaluator.Evaluate(rules, "postrouting", Telnet with { IsAnswer = true }).Translations);
    }

    [Fact]
    public void Texts_OfNft_AreFoundByHandle()
    {
        const string Texts = """
            table inet filter { # handle 1
            	chain forward { # handle 1
            		type filter hook forward priority filter; policy drop;
            		tcp dport 23 drop # handle 100
            		ip daddr { 10.0.0.1,
            			   10.0.0.2 } accept # handle 101
            	}
            }
            """;
        var rules = Ruleset.Parse(Json(false, [Rule("""{"drop":null}"""), Rule("""{"accept":null}""")], "filter", "forward"), Texts, false, out var problem);
        Assert.Null(problem);
        Assert.Equal(["tcp dport 23 drop", "ip daddr { 10.0.0.1, 10.0.0.2 } accept"], rules!.Chains.Single(c => c.Name.Name == "forward").Rules.Select(r => r.Text));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void Parse_OfWhatNftNeverPrints_SaysSo(string json)
    {
        Assert.Null(Ruleset.Parse(json, "", false, out var problem));
        Assert.NotNull(problem);
    }

    private static FirewallVerdict Ask(FirewallPacket packet, params string[] rules) => FirewallEvaluator.Evaluate(Parse(false, rules), "forward", packet);

    private static string Rule(params string[] statements) => string.Join(',', statements);

    private static Ruleset Parse(bool drops, string[] rules, string type = "filter", string hook = "forward") =>
        Ruleset.Parse(Json(drops, rules, type, hook), "", false, out var problem) ?? throw new InvalidOperationException(problem);

    private static string Json(bool drops, string[] rules, string type, string hook)
    {
        var chain = $$$"""{"chain":{"family":"inet","table":"filter","name":"forward","handle":1,"type":"{{{type}}}","hook":"{{{hook}}}","prio":0,"policy":"{{{(drops ? "drop" : "accept")}}}"}}""";
        var others = """{"chain":{"family":"inet","table":"filter","name":"empty","handle":2}},{"chain":{"family":"inet","table":"filter","name":"dropping","handle":3}},{"rule":{"family":"inet","table":"filter","chain":"dropping","handle":9,"expr":[{"drop":null}]}},{"set":{"family":"inet","table":"filter","name":"inside","type":"ipv4_addr","handle":4,"elem":[{"prefix":{"addr":"10.0.0.0","len":8}},"192.168.60.101"]}}""";
        var listed = rules.Select((rule, i) => $$$"""{"rule":{"family":"inet","table":"filter","chain":"forward","handle":{{{100 + i}}},"expr":[{{{rule}}}]}}""");
        return $$$"""{"nftables":[{"metainfo":{"version":"1.0.6"}},{{{string.Join(',', [chain, others, .. listed])}}}]}""";
    }
}
