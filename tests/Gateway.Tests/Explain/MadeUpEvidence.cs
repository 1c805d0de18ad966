using System.Collections.Immutable;
using System.Net;
using Gateway.Data;
using Gateway.Engine.Forensics;
using Gateway.Features.Explain;
using Gateway.Linux.Netlink;
using Gateway.Linux.Nftables;
using Gateway.Protocol;

namespace Gateway.Tests.Explain;

/// <summary>The lab as evidence: U's peer pings V through wg0, and all is well. Tests take from it what they break.</summary>
internal static class MadeUpEvidence
{
    public static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);
    public static readonly KernelLink Wg0 = new(5, "wg0", true, true, 1420, "tun", 0), Eth0 = new(2, "eth0", true, true, 1500, "veth", 0), Eth1 = new(3, "eth1", true, true, 1500, "veth", 0);
    public static readonly IPAddress U = IPAddress.Parse("192.168.53.99"), V = IPAddress.Parse("192.168.60.101");
    private static readonly Guid s_peer = Guid.Parse("00000000-0000-0000-0000-000000000001");

    public static Evidence Healthy()
    {
        var address = new RouteEvidence(Guid.NewGuid(), IPNetwork.Parse("192.168.53.99/32"), PrefixKind.Address, false);
        return new Evidence
        {
            Now = Now,
            Packet = new PacketQuestion(U, V, 1, 0),
            Tunnel = new TunnelEvidence("wg0", "wg0", true, null, null, true, false, 51820, 1420, "10.0.2.8:51820", [IPNetwork.Parse("192.168.53.0/24")]),
            Peer = new PeerEvidence
            {
                Id = s_peer,
                Name = "alice",
                Prefixes = [address, new RouteEvidence(Guid.NewGuid(), IPNetwork.Parse("192.168.60.0/24"), PrefixKind.Client, false)],
                Endpoint = IPEndPoint.Parse("10.0.2.7:40000"),
                LastHandshake = Now.AddSeconds(-60),
                LastReceived = Now.AddSeconds(-2),
                Handshakes = Handshakes(),
            },
            SourceOwner = new OwnerEvidence(s_peer, "alice", address),
            DestinationAllowed = true,
            Traffic = new TrafficEvidence(new Conversation(3, 3, Now.AddSeconds(-4), Now.AddSeconds(-2), Now.AddSeconds(-2), false), Now.AddSeconds(-2), null),
            Kernel = Kernel(),
        };
    }

    public static PeerHandshakes Handshakes() => new(ImmutableArray<long>.Empty, null, null, 0, null, 0, null, null, []);

    public static Conversation Unanswered() => new(2, 0, Now.AddSeconds(-4), Now.AddSeconds(-2), null, false);

    public static RouteAnswer By(KernelLink link, string entry, uint table = 254, string? gateway = null, byte type = 1)
    {
        var route = new KernelRoute(IPNetwork.Parse(entry), gateway is null ? null : IPAddress.Parse(gateway), link.Index, table, 0, 2, type, link == Eth1 ? IPAddress.Parse("192.168.60.1") : null);
        return new RouteAnswer(route, route, 0, 0, "");
    }

    public static RouteAnswer Refused(int error, string words) => new(null, null, 0, error, words);

    public static HandshakeSource Source(HandshakeResult result, string address = "10.0.2.7") => new(IPAddress.Parse(address), 40_000, [], result, Now.AddSeconds(-1), null, null);

    private static KernelEvidence Kernel() => new()
    {
        Links = [Eth0, Eth1, Wg0],
        Addresses = [new KernelAddress(2, IPAddress.Parse("10.0.2.8"), 24), new KernelAddress(3, IPAddress.Parse("192.168.60.1"), 24), new KernelAddress(5, IPAddress.Parse("192.168.53.1"), 24)],
        TunnelLink = Wg0,
        RpFilters = new Dictionary<string, int> { ["all"] = 0, ["eth0"] = 0, ["eth1"] = 0, ["wg0"] = 0 },
        Forwards = new Dictionary<string, bool> { ["all"] = true, ["eth0"] = true, ["eth1"] = true, ["wg0"] = true },
        RoutedDestination = V,
        Request = By(Eth1, "192.168.60.0/24"),
        ToDestination = By(Eth1, "192.168.60.0/24"),
        ToSource = By(Wg0, "192.168.53.0/24"),
        Answer = By(Wg0, "192.168.53.0/24"),
        ToEndpoint = By(Eth0, "10.0.2.0/24"),
        NextHop = new KernelNeighbour(NeighbourState.Reachable, "02:00:00:00:00:01"),
        EndpointNextHop = new KernelNeighbour(NeighbourState.Reachable, "02:00:00:00:00:02"),
        Rules = Ruleset.Empty,
    };
}
