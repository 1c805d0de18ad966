using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine.Forensics;
using Gateway.Features.Explain;
using Gateway.Features.Explain.Reasoning;
using Gateway.Linux.Netlink;
using Gateway.Linux.Nftables;
using Gateway.Protocol;
using Xunit;
using static Gateway.Tests.Explain.MadeUpEvidence;

namespace Gateway.Tests.Explain;

public sealed class ReasonerTests
{
    private static readonly IPAddress s_moved = IPAddress.Parse("192.168.30.99");

    [Fact]
    public void Healthy_AllHopsPass_AndTheSummarySaysSo()
    {
        var explanation = Reasoner.Explain(Healthy());
        Assert.All(explanation.Hops, hop => Assert.True(hop.Verdict == Verdicts.Passes, $"{hop.Id}: {hop.Verdict}: {hop.Reason}"));
        Assert.True(explanation is { Verdict: Verdicts.Passes, Culprit: null });
        Assert.Equal(explanation.Hops.Count, explanation.Hops.Select(h => h.Id).Distinct().Count());
    }

    [Fact]
    public void NoTraffic_NothingStopsIt_IsUnknownAndSaysToProbe()
    {
        var explanation = Reasoner.Explain(Healthy() with { Traffic = TrafficEvidence.None, Peer = Healthy().Peer with { LastHandshake = Now.AddHours(-1), LastReceived = Now.AddHours(-1) } });
        Assert.Equal(Verdicts.Unknown, explanation.Verdict);
        Assert.Equal(HopIds.Session, explanation.Culprit);
    }

    [Theory]
    // rp_filter, is there a default route, errno of the request's look-up, the hop.
    [InlineData(0, false, 0, HopIds.AnswerRoute)]
    [InlineData(0, true, 0, HopIds.AnswerRoute)]
    [InlineData(1, false, 22, HopIds.ReversePath)]
    [InlineData(1, true, 18, HopIds.ReversePath)]
    [InlineData(2, false, 22, HopIds.ReversePath)]
    [InlineData(2, true, 0, HopIds.AnswerRoute)]
    public void MovedAddress_ByRpFilterAndDefaultRoute_DiesWhereTheKernelSays(int rpFilter, bool hasDefault, int error, string hop)
    {
        var e = Moved();
        var back = hasDefault ? By(Eth0, "0.0.0.0/0", gateway: "10.0.2.254") : Refused(101, "Network is unreachable (ENETUNREACH)");
        var kernel = e.Kernel! with
        {
            RpFilters = new Dictionary<string, int> { ["all"] = 0, ["wg0"] = rpFilter, ["eth1"] = 0 },
            ToSource = back,
            Answer = back,
            Request = error == 0 ? e.Kernel.Request : Refused(error, "refused"),
        };
        var explanation = Reasoner.Explain(e with { Kernel = kernel });
        Assert.Equal(hop, explanation.Culprit);
        var remedy = explanation.Hops.Single(h => h.Id == hop).Remedies[0];
        Assert.Equal(RemedyKinds.Change, remedy.Kind);
        Assert.Equal(["DELETE", "POST"], remedy.Apply.Select(c => c.Method));
        Assert.Contains("192.168.30.0/24", remedy.Apply[1].Body, StringComparison.Ordinal);
        Assert.Contains("\"kernelRoute\":false", remedy.Undo[1].Body, StringComparison.Ordinal);
    }

    [Fact]
    public void MartianSource_IsNotBlamedOnRpFilter()
    {
        var e = Healthy();
        var explanation = Reasoner.Explain(e with { Kernel = e.Kernel! with { Request = Refused(22, "Invalid argument (EINVAL)"), RpFilters = new Dictionary<string, int> { ["all"] = 0, ["wg0"] = 1 } } });
        Assert.Equal(HopIds.ReversePath, explanation.Culprit);
        Assert.Contains("not because of rp_filter", explanation.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void BlackholeRoute_IsNotBlamedOnRpFilterEither()
    {
        var e = Healthy();
        var barred = new KernelRoute(IPNetwork.Parse("192.168.60.101/32"), null, 0, 254, 0, 3, 6, null);
        var explanation = Reasoner.Explain(e with
        {
            Kernel = e.Kernel! with { Request = Refused(22, "EINVAL"), ToDestination = Refused(22, "EINVAL"), Refusals = [barred], RpFilters = new Dictionary<string, int> { ["all"] = 0, ["wg0"] = 1 } },
        });
        Assert.Equal(HopIds.Route, explanation.Culprit);
        Assert.Equal("ip route del blackhole 192.168.60.101/32", explanation.Hops.Single(h => h.Id == HopIds.Route).Remedies[0].Commands[0]);
    }

    [Fact]
    public void ForwardingOff_ForOneDevice_NamesItsSwitch()
    {
        var e = Healthy();
        var explanation = Reasoner.Explain(e with
        {
            Kernel = e.Kernel! with { Forwards = new Dictionary<string, bool> { ["all"] = true, ["wg0"] = false, ["eth1"] = true }, Request = Refused(113, "EHOSTUNREACH") },
        });
        Assert.Equal(HopIds.Forwarding, explanation.Culprit);
        Assert.Equal("sysctl -w net.ipv4.conf.wg0.forwarding=1", explanation.Hops.Single(h => h.Id == HopIds.Forwarding).Remedies[0].Commands[0]);
    }

    [Theory]
    // What V answers to the gateway: a ping, the port; whether it answered others of the tunnel; whom to look at.
    [InlineData(true, true, false, HopIds.WayBack)]
    [InlineData(true, false, false, HopIds.DestinationHost)]
    [InlineData(false, false, false, HopIds.DestinationHost)]
    [InlineData(true, true, true, HopIds.DestinationHost)]
    [InlineData(null, null, false, HopIds.WayBack)]
    public void AskedAndNotAnswered_IsToldApartByWhatVAnswers(bool? echo, bool? port, bool othersAnswered, string culprit)
    {
        var e = Healthy() with
        {
            Packet = new PacketQuestion(U, V, 6, 23),
            Traffic = new TrafficEvidence(Unanswered(), othersAnswered ? Now.AddSeconds(-1) : Now.AddMinutes(-1), null),
            HostCheck = new HostCheck(echo, port, null),
        };
        var explanation = Reasoner.Explain(e);
        Assert.Equal(Verdicts.Unknown, explanation.Verdict);
        Assert.Equal(culprit, explanation.Culprit);
        if (culprit != HopIds.WayBack) return;
        Assert.Equal("""{"nat":[{"prefix":"192.168.60.0/24","to":"masquerade"}]}""", explanation.Hops.Single(h => h.Id == culprit).Remedies[1].Apply[0].Body);
        Assert.Equal("ip route replace 192.168.53.0/24 via 192.168.60.1", explanation.Hops.Single(h => h.Id == culprit).Remedies[0].Commands[0]);
    }

    [Fact]
    public void Neighbour_ThatFailed_IsNamedBeforeV()
    {
        var e = Healthy();
        Assert.Equal(HopIds.NextHop, Reasoner.Explain(e with { Traffic = new TrafficEvidence(Unanswered(), null, null), Kernel = e.Kernel! with { NextHop = new KernelNeighbour(NeighbourState.Failed, null) } }).Culprit);
    }

    [Fact]
    public void LargePacketsUnanswered_NamesTheMtuWithAChange()
    {
        var e = Healthy();
        var explanation = Reasoner.Explain(e with { Traffic = e.Traffic with { SilentAbove = 1300 } });
        Assert.Equal(HopIds.Mtu, explanation.Culprit);
        Assert.Equal("""{"mtu":1280}""", explanation.Hops.Single(h => h.Id == HopIds.Mtu).Remedies[0].Apply[0].Body);
    }

    [Theory]
    [InlineData(HandshakeResult.BadMac1, "another public key")]
    [InlineData(HandshakeResult.UnknownPeer, "no peer has")]
    public void StrangeHandshakes_FromThePeersAddress_AreInferredToBeItsOwn(HandshakeResult result, string words)
    {
        var e = Healthy();
        var explanation = Reasoner.Explain(e with { Traffic = TrafficEvidence.None, HandshakeSources = [Source(result)], Peer = e.Peer with { LastHandshake = null, LastReceived = null } });
        Assert.Equal(HopIds.Session, explanation.Culprit);
        var hop = explanation.Hops.Single(h => h.Id == HopIds.Session);
        Assert.Equal(Bases.Inferred, hop.Basis);
        Assert.Contains(words, hop.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void StrangeHandshakes_FromElsewhere_AreNotThePeers()
    {
        var e = Healthy();
        Assert.Equal(Verdicts.Passes, Reasoner.Explain(e with { HandshakeSources = [Source(HandshakeResult.BadMac1, "203.0.113.5")] }).Verdict);
    }

    [Fact]
    public void HandshakesAnsweredAndNeverUsed_AreLikelyAPresharedKey()
    {
        var e = Healthy();
        var handshakes = Handshakes() with { Unconfirmed = 3, LastAnsweredAt = Now.AddSeconds(-1) };
        var explanation = Reasoner.Explain(e with { Traffic = TrafficEvidence.None, Peer = e.Peer with { Handshakes = handshakes } });
        Assert.Equal(HopIds.Session, explanation.Culprit);
        Assert.Contains("most likely the pre-shared keys differ", explanation.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void EndpointToAndFro_IsOneConfigurationOnTwoDevices()
    {
        var e = Healthy();
        EndpointMove[] moves = [.. Enumerable.Range(0, 6).Select(i => new EndpointMove(Now.AddSeconds(i - 10), IPEndPoint.Parse(i % 2 == 0 ? "10.0.2.7:40000" : "198.51.100.7:1234")))];
        var explanation = Reasoner.Explain(e with { Peer = e.Peer with { Handshakes = Handshakes() with { EndpointMoves = [.. moves] } } });
        Assert.Equal(HopIds.Session, explanation.Culprit);
        Assert.Contains("two devices use one configuration", explanation.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void KernelNotAsked_IsUnknownWithTheReason()
    {
        var explanation = Reasoner.Explain(Healthy() with { Kernel = null, KernelProblem = "The kernel's route socket cannot be opened.", Traffic = TrafficEvidence.None });
        Assert.Contains(explanation.Hops, h => h.Id == HopIds.Route && h.Verdict == Verdicts.Unknown && h.Reason.Contains("cannot be opened", StringComparison.Ordinal));
        Assert.DoesNotContain(explanation.Hops, h => h.Verdict == Verdicts.Drops);
    }

    [Fact]
    public void RulesNotRead_MakeTheFirewallUnknown_WithThePrivilege()
    {
        var e = Healthy();
        var explanation = Reasoner.Explain(e with { Kernel = e.Kernel! with { Rules = null, RulesProblem = "nft may not read the rules: the process lacks CAP_NET_ADMIN." } });
        Assert.Contains("CAP_NET_ADMIN", explanation.Hops.Single(h => h.Id == HopIds.Firewall).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Dnat_OfTheHostsOwnRules_IsAHopOfItsOwn()
    {
        var e = Healthy();
        Assert.DoesNotContain(Reasoner.Explain(e).Hops, hop => hop.Id == HopIds.DestinationNat);
        var rule = new NftRule(new NftChainName("ip", "nat", "pre"), 7, "ip daddr 192.168.60.101 tcp dport 80 dnat to 192.168.60.50:8080", null, []);
        var explanation = Reasoner.Explain(e with { Packet = new PacketQuestion(U, V, 6, 80), Kernel = e.Kernel! with { RoutedDestination = IPAddress.Parse("192.168.60.50"), DestinationNat = new NatAction("dnat", IPAddress.Parse("192.168.60.50"), 8080, rule) } });
        var hop = explanation.Hops.Single(h => h.Id == HopIds.DestinationNat);
        Assert.Equal(Verdicts.Passes, hop.Verdict);
        Assert.Contains("192.168.60.50:8080", hop.Reason, StringComparison.Ordinal);
        Assert.Contains("table ip nat, chain pre, rule 7", hop.Reason + hop.Evidence[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void ForeignPrefix_IsTakenFromItsOwner()
    {
        var other = new RouteEvidence(Guid.NewGuid(), IPNetwork.Parse("192.168.30.99/32"), PrefixKind.Gateway, true);
        var explanation = Reasoner.Explain(Moved() with { SourceOwner = new OwnerEvidence(Guid.NewGuid(), "bob", other) });
        Assert.Equal(HopIds.Source, explanation.Culprit);
        Assert.Contains("bob", explanation.Summary, StringComparison.Ordinal);
        Assert.Equal($"routes/{other.Id}", explanation.Hops.Single(h => h.Id == HopIds.Source).Remedies[0].Apply[0].Path);
    }

    // Experiment 8: the peer owns the network, the kernel was not told.
    private static Evidence Moved()
    {
        var e = Healthy();
        var owned = new RouteEvidence(Guid.NewGuid(), IPNetwork.Parse("192.168.30.0/24"), PrefixKind.Gateway, false);
        return e with { Packet = e.Packet with { Source = s_moved }, SourceOwner = new OwnerEvidence(e.Peer.Id, "alice", owned), Traffic = new TrafficEvidence(Unanswered(), null, null) };
    }
}
