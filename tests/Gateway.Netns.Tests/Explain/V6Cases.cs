using Gateway.Contracts;
using static Gateway.Netns.Tests.Explain.MatrixLab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>The same with IPv6.</summary>
internal static class V6Cases
{
    private const string Moved = "fd30::99";

    private static readonly Question s_ping = new(V6), s_moved = new(V6, Source: Moved);

    public static IEnumerable<BrokenCase> All =>
    [
        new("IPv6: no client route", s_ping, lab => lab.TakeRoute("fd60::/64"), HopIds.Destination, Cure.Change),
        new("IPv6: no return route on V", s_ping, lab => Sh(lab.V, "ip -6 route del default"), HopIds.WayBack, Cure.Instruction),
        new("IPv6: client address outside the allowed IPs", s_moved, lab => lab.MoveClient(Moved), HopIds.Source, Cure.Change),
        new("IPv6: kernel route into the tunnel missing", s_moved, lab => MovedOwned(lab), HopIds.AnswerRoute, Cure.Change),
        new("IPv6: a firewall rule does what rp_filter does", s_moved, async lab =>
        {
            await MovedOwned(lab);
            await Sh(lab.Gw, "nft 'table ip6 raw { chain pre { type filter hook prerouting priority -300; iifname \"wg0\" fib saddr . iif oif missing drop; }; }'");
        }, HopIds.Firewall, Cure.Naming) { Says = "fib saddr" },
        new("IPv6: forwarding off", s_ping, lab => lab.Gw.SetSysctl("net.ipv6.conf.all.forwarding", "0"), HopIds.Forwarding, Cure.Change),
        new("IPv6: FORWARD policy drop", s_ping, lab => Sh(lab.Gw, "nft 'table ip6 filter { chain forward { type filter hook forward priority 0; policy drop; }; }'"), HopIds.Firewall, Cure.Instruction),
        new("IPv6: V unplugged", s_ping, lab => Sh(lab.V, "ip link set eth0 down"), HopIds.OutDevice, Cure.Naming),
    ];

    private static async Task MovedOwned(MatrixLab lab)
    {
        await lab.AddRoute(lab.Peer, "fd30::/64", "gateway", kernelRoute: false);
        await lab.MoveClient(Moved);
    }
}
