using Gateway.Contracts;
using static Gateway.Netns.Tests.Explain.MatrixLab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>Routes, addresses, rp_filter, forwarding, links.</summary>
internal static class RoutingCases
{
    private const string Moved = "192.168.30.99", MovedPrefix = "192.168.30.0/24", Router = "10.0.2.254";

    private static readonly Question s_ping = new(V4), s_moved = new(V4, Source: Moved);

    public static IEnumerable<BrokenCase> All =>
    [
        new("no client route", s_ping, lab => lab.TakeRoute("192.168.60.0/24"), HopIds.Destination, Cure.Change) { Says = "destination not allowed" },
        new("no route on the client", s_ping, lab => Sh(lab.U, $"ip route del 192.168.60.0/24 dev {ClientDevice}"), HopIds.ClientRoute, Cure.Instruction),
        new("no return route on V", s_ping, lab => Sh(lab.V, "ip route del default"), HopIds.WayBack, Cure.Instruction) { Says = "no route back" },
        new("no return route on V, TCP", new(V4, "tcp", 23), lab => Sh(lab.V, "ip route del default"), HopIds.WayBack, Cure.Instruction),
        new("no return route on V, masquerade missing", s_ping, lab => Sh(lab.V, "ip route del default"), HopIds.WayBack, Cure.Change),
        new("client address outside the allowed IPs", s_moved, lab => lab.MoveClient(Moved), HopIds.Source, Cure.Change) { Says = "source not allowed" },
        new("moved address, rp_filter 0 on the tunnel", s_moved, lab => MovedOwned(lab, "off"), HopIds.AnswerRoute, Cure.Change) { Says = "no route to 192.168.30.99" },
        new("moved address, rp_filter 1 on the tunnel", s_moved, lab => MovedOwned(lab, "strict"), HopIds.ReversePath, Cure.Change) { Says = "strict" },
        new("moved address, rp_filter 2 on the tunnel", s_moved, lab => MovedOwned(lab, "loose"), HopIds.ReversePath, Cure.Change) { Says = "loose" },
        new("moved address, rp_filter 0, a default route", s_moved, lab => MovedOwned(lab, "off", defaultRoute: true), HopIds.AnswerRoute, Cure.Change) { Says = "default route" },
        new("moved address, rp_filter 1, a default route", s_moved, lab => MovedOwned(lab, "strict", defaultRoute: true), HopIds.ReversePath, Cure.Change) { Says = "default route" },
        new("moved address, rp_filter 2, a default route", s_moved, lab => MovedOwned(lab, "loose", defaultRoute: true), HopIds.AnswerRoute, Cure.Change) { Says = "out of eth0" },
        new("moved address, rp_filter 1 on all", s_moved, async lab =>
        {
            await MovedOwned(lab, "off");
            await lab.Gw.SetSysctl("net.ipv4.conf.all.rp_filter", "1");
        }, HopIds.ReversePath, Cure.Change) { Says = "strict" },
        new("moved address, rp_filter 1 on eth1 only", s_moved, async lab =>
        {
            await MovedOwned(lab, "off");
            await lab.Gw.SetSysctl("net.ipv4.conf.eth1.rp_filter", "1");
        }, HopIds.AnswerRoute, Cure.Change),
        new("two peers with overlapping prefixes", s_moved, async lab =>
        {
            await lab.AddRoute(lab.Peer, MovedPrefix, "gateway");
            await lab.AddRoute(await lab.AddPeer("host-w", "192.168.53.77/32"), $"{Moved}/32", "gateway");
            await lab.MoveClient(Moved);
        }, HopIds.Source, Cure.Change) { Says = "host-w" },
        new("forwarding off", s_ping, lab => lab.Gw.SetSysctl("net.ipv4.ip_forward", "0"), HopIds.Forwarding, Cure.Change),
        new("forwarding off on the tunnel's device", s_ping, lab => lab.Gw.SetSysctl("net.ipv4.conf.wg0.forwarding", "0"), HopIds.Forwarding, Cure.Instruction) { Says = "wg0" },
        new("kernel route into the tunnel missing", s_ping, lab => Sh(lab.Gw, "ip route del 192.168.53.0/24 dev wg0"), HopIds.AnswerRoute, Cure.Instruction),
        new("a policy rule takes the answer out of eth0", s_ping, lab => Sh(lab.Gw, $"ip route add default via {Router} dev eth0 table 100; ip rule add from 192.168.60.0/24 lookup 100 priority 100"), HopIds.AnswerRoute, Cure.Instruction) { Says = "table 100" },
        new("an unreachable route to V", s_ping, lab => Sh(lab.Gw, "ip route add unreachable 192.168.60.101"), HopIds.Route, Cure.Instruction) { Says = "unreachable" },
        new("the gateway's device to V down", s_ping, lab => Sh(lab.Gw, "ip link set eth1 down"), HopIds.Route, Cure.Instruction) { Says = "eth1" },
        new("V unplugged", s_ping, lab => Sh(lab.V, "ip link set eth0 down"), HopIds.OutDevice, Cure.Naming) { Says = "no carrier" },
        new("V down: nobody answers ARP", s_ping, lab => Sh(lab.V, "ip link set eth0 arp off"), HopIds.NextHop, Cure.Naming),
        new("no such host", new("192.168.60.55"), _ => Task.CompletedTask, HopIds.NextHop, Cure.Naming),
        new("MTU 1280 on the way, and nobody says so", new(V4, Size: 1300), lab => Sh(lab.V, "ip link set eth0 mtu 1280"), HopIds.Mtu, Cure.Change) { Says = "1328 bytes", AsTold = lab => lab.StartClient() },
        new("datagrams to the client go nowhere", s_ping, lab => Sh(lab.Gw, "ip route add blackhole 10.0.2.7"), HopIds.AnswerEndpoint, Cure.Instruction) { Says = "blackhole" },
    ];

    /// <summary>Experiment 8: the peer owns the network that its address moved to, and the kernel was not told.</summary>
    private static async Task MovedOwned(MatrixLab lab, string rpFilter, bool defaultRoute = false)
    {
        await lab.AddRoute(lab.Peer, MovedPrefix, "gateway", kernelRoute: false);
        await lab.Api.Patch("interfaces/wg0", new { rpFilter });
        lab.Back(() => lab.Api.Patch("interfaces/wg0", new { rpFilter = (string?)null }));
        if (defaultRoute) await lab.Gw.Ip($"route add default via {Router}");
        await lab.MoveClient(Moved);
    }
}
