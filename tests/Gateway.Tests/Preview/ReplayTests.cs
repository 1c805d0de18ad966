using System.Net;
using Gateway.Engine;
using Gateway.Features.Preview;
using Xunit;

namespace Gateway.Tests.Preview;

/// <summary>Made-up traffic, through made-up rules before and after.</summary>
public sealed class ReplayTests
{
    private const string V = "192.168.60.101", Own = "192.168.53.2", Behind = "192.168.70.5";

    private static readonly Guid Tunnel = Guid.NewGuid(), Alice = Guid.NewGuid(), Site = Guid.NewGuid();

    [Fact]
    public void Unchanged_NothingBreaks()
    {
        var (breaks, begins) = Replay.Compare(State(), State(), [Flow(V), Dropped("10.9.9.9"), Flow(V, to: 0)]);
        Assert.Equal((0, 0), (breaks.Flows, begins.Flows));
    }

    [Fact]
    public void ClientRouteRemoved_BreaksWhatWentThere_AndAddedLetsTheDroppedPass()
    {
        var without = State(clientRoute: null);
        var (breaks, begins) = Replay.Compare(State(), without, [Flow(V), Flow("192.168.53.1"), Dropped("10.9.9.9")]);
        Assert.Equal("alice: 192.168.53.2 to 192.168.60.101, tcp 22 (20 packets): alice may not reach 192.168.60.101.", Assert.Single(breaks.Largest).Text);
        Assert.Equal((1, 20, 0), (breaks.Flows, breaks.Packets, begins.Flows));
        (breaks, begins) = Replay.Compare(without, State(), [Dropped(V), Dropped("10.9.9.9")]);
        Assert.Equal("alice: 192.168.53.2 to 192.168.60.101, tcp 22 (7 packets): so far alice may not reach 192.168.60.101.", Assert.Single(begins.Largest).Text);
        Assert.Equal(0, breaks.Flows);
    }

    [Fact]
    public void LongerClientRouteElsewhere_ChangesNothing()
    {
        var (breaks, begins) = Replay.Compare(State(clientRoute: "192.168.60.0/24"), State(clientRoute: "192.168.60.96/27"), [Flow(V)]);
        Assert.Equal((0, 0), (breaks.Flows, begins.Flows));
        (breaks, _) = Replay.Compare(State(clientRoute: "192.168.60.0/24"), State(clientRoute: "192.168.60.0/27"), [Flow(V)]);
        Assert.Equal(1, breaks.Flows);
    }

    [Fact]
    public void PeerDisabledOrRemoved_BreaksAllOfIt_AndEnabledLetsItPass()
    {
        foreach (var gone in new[] { State(aliceIsIn: false), State(hasAlice: false) })
        {
            Assert.Equal(2, Replay.Compare(State(), gone, [Flow(V), Flow("192.168.53.1")]).Breaks.Flows);
            Assert.Equal(0, Replay.Compare(gone, State(), [Flow(V)]).BeginsToPass.Flows);
            Assert.Equal(1, Replay.Compare(gone, State(), [Flow(V, to: 0)]).BeginsToPass.Flows);
        }
    }

    [Fact]
    public void GatewayRouteRemoved_BreaksBothWaysThroughIt()
    {
        var inward = Flow(V, side: Behind, peer: Site);
        var outward = Flow(V, side: Behind, peer: Site) with { };
        outward = outward with { Key = outward.Key with { StartedByPeer = false } };
        var (breaks, _) = Replay.Compare(State(), State(gatewayRoute: false), [inward, outward, Flow(V)]);
        Assert.Equal(2, breaks.Flows);
        Assert.All(breaks.Largest, flow => Assert.Contains("192.168.70.5 belongs to no peer", flow.Text, StringComparison.Ordinal));
        Assert.Equal(Behind, breaks.Largest.Single(flow => flow.Source == V).Destination);
        // Nobody's packets so far, dropped as such.
        var nobodys = Dropped(V, side: Behind, peer: Guid.Empty);
        Assert.Equal("site", Assert.Single(Replay.Compare(State(gatewayRoute: false), State(), [nobodys]).BeginsToPass.Largest).Peer);
    }

    [Fact]
    public void LongerPrefixOfAnotherPeer_TakesItsPart()
    {
        var after = State();
        after.Tunnels[Tunnel].AddOwned(after.Tunnels[Tunnel].Peers[Alice], IPNetwork.Parse("192.168.70.0/28"), true);
        Assert.Contains("belongs to alice", Assert.Single(Replay.Compare(State(), after, [Flow(V, side: Behind, peer: Site)]).Breaks.Largest).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void KernelRouteMissing_LosesAnswers_AndStrictRpFilterRefusesTheRequest()
    {
        var flow = Flow(V, side: Behind, peer: Site);
        Assert.Contains("answers are lost", Assert.Single(Replay.Compare(State(), State(kernelRoute: false), [flow]).Breaks.Largest).Text, StringComparison.Ordinal);
        var strict = State(kernelRoute: false, rpFilter: 1);
        Assert.Contains("rp_filter on wg0 refuses 192.168.70.5, to which the kernel has no route", Replay.Stops(strict, flow), StringComparison.Ordinal);
        Assert.Equal(1, Replay.Compare(strict, State(rpFilter: 1), [Flow(V, side: Behind, peer: Site, to: 0)]).BeginsToPass.Flows);
    }

    [Fact]
    public void RpFilter_OnlyWhereTheWayBackIsElsewhere()
    {
        // The default route is enough for loose, and leads elsewhere for strict.
        Assert.Equal(0, Replay.Compare(State(), State(rpFilter: 1), [Flow(V), Flow(V, side: Behind, peer: Site)]).Breaks.Flows);
        Assert.Contains("a route through eth0", Replay.Stops(State(kernelRoute: false, rpFilter: 1, defaultRoute: true), Flow(V, side: Behind, peer: Site)), StringComparison.Ordinal);
        Assert.DoesNotContain("rp_filter", Replay.Stops(State(kernelRoute: false, rpFilter: 2, defaultRoute: true), Flow(V, side: Behind, peer: Site)), StringComparison.Ordinal);
    }

    [Fact]
    public void ForwardingOff_BreaksWhatIsForwarded_NotWhatIsForTheGateway()
    {
        var (breaks, _) = Replay.Compare(State(), State(forwards: false), [Flow(V), Flow("192.168.53.1")]);
        Assert.Contains("does not forward IPv4", Assert.Single(breaks.Largest).Text, StringComparison.Ordinal);
        Assert.Equal(1, Replay.Compare(State(forwards: false), State(), [Flow(V, to: 0), Flow("192.168.53.1")]).BeginsToPass.Flows);
    }

    [Fact]
    public void Nat_ComingMayMendTheUnanswered_GoingMayBreakTheAnswered()
    {
        var (breaks, begins) = Replay.Compare(State(), State(nat: "masquerade"), [Flow(V, to: 0), Flow(V)]);
        Assert.Equal((0, 1), (breaks.Flows, begins.Flows));
        (breaks, begins) = Replay.Compare(State(nat: "masquerade"), State(nat: "none"), [Flow(V, to: 0), Flow(V), Flow("192.168.53.1")]);
        Assert.Equal((1, 0), (breaks.Flows, begins.Flows));
        Assert.Contains("only if it has a route back", breaks.Largest[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void TunnelRemoved_BreaksAllOfIt() => Assert.Equal(1, Replay.Compare(State(), new NetworkState(), [Flow(V)]).Breaks.Flows);

    [Fact]
    public void KernelUnread_IsNotJudgedBy() =>
        Assert.Null(Replay.Stops(State(kernelRoute: false, rpFilter: 1, isRead: false), Flow(V, side: Behind, peer: Site)));

    private static NetworkState State(string? clientRoute = "192.168.60.0/24", bool aliceIsIn = true, bool hasAlice = true, bool gatewayRoute = true, bool kernelRoute = true, int rpFilter = 0,
        bool forwards = true, string? nat = null, bool defaultRoute = false, bool isRead = true)
    {
        var ways = new PrefixMap<string>();
        ways.Add(IPNetwork.Parse("192.168.60.0/24"), "eth1");
        if (defaultRoute) ways.Add(IPNetwork.Parse("0.0.0.0/0"), "eth0");
        var state = new NetworkState { ForwardsV4 = forwards, Local = [Address("192.168.53.1")], OtherWays = isRead ? ways : null };
        var tunnel = state.Tunnels[Tunnel] = new TunnelPart { Name = "wg0", Device = "wg0", RpFilter = rpFilter };
        tunnel.AddNetwork(IPNetwork.Parse("192.168.53.0/24"));
        if (nat is not null) tunnel.Nat.Add(IPNetwork.Parse("192.168.60.0/24"), nat);
        if (hasAlice)
        {
            var alice = tunnel.AddPeer(Alice, "alice", aliceIsIn);
            tunnel.AddOwned(alice, IPNetwork.Parse("192.168.53.2/32"), false);
            if (clientRoute is not null) alice.Destinations.Add(IPNetwork.Parse(clientRoute), "wg0");
        }

        var site = tunnel.AddPeer(Site, "site", true);
        site.Destinations.Add(IPNetwork.Parse("192.168.60.0/24"), "wg0");
        if (gatewayRoute) tunnel.AddOwned(site, IPNetwork.Parse("192.168.70.0/24"), kernelRoute);
        return state;
    }

    private static TrafficTotal Flow(string other, string side = Own, Guid? peer = null, long to = 10) =>
        new(new TrafficKey(Tunnel, peer ?? Alice, Address(side), Address(other), 6, 22, true), Address(other), 10, to, 2000, 0, DateTimeOffset.UnixEpoch);

    private static TrafficTotal Dropped(string other, string side = Own, Guid? peer = null) =>
        new(new TrafficKey(Tunnel, peer ?? Alice, Address(side), Address(other), 6, 22, true), Address(other), 0, 0, 0, 7, DateTimeOffset.UnixEpoch);

    private static InetAddress Address(string text) => InetAddress.From(IPAddress.Parse(text));
}
