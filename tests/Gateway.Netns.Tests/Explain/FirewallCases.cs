using Gateway.Contracts;
using static Gateway.Netns.Tests.Explain.MatrixLab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>Rules on the gateway and on V, and address translation.</summary>
internal static class FirewallCases
{
    private static readonly Question s_ping = new(V4), s_telnet = new(V4, "tcp", 23);

    public static IEnumerable<BrokenCase> All =>
    [
        new("FORWARD policy drop", s_ping, lab => Filter(lab, "policy drop;"), HopIds.Firewall, Cure.Instruction) { Says = "policy" },
        new("a rule that drops only TCP 23", s_telnet, lab => Filter(lab, "policy accept; tcp dport 23 drop;"), HopIds.Firewall, Cure.Instruction) { Says = "tcp dport 23 drop" },
        new("a rule in a chain that is jumped to", s_telnet, lab => Sh(lab.Gw, "nft 'table inet filter { set bad { type inet_service; elements = { 23, 25 }; }; chain sub { tcp dport @bad reject; }; chain forward { type filter hook forward priority 0; iifname \"wg*\" jump sub; }; }'"), HopIds.Firewall, Cure.Instruction) { Says = "chain sub" },
        new("a rule that drops the answers", s_telnet, lab => Filter(lab, "policy accept; iifname \"eth1\" tcp sport 23 drop;"), HopIds.AnswerFirewall, Cure.Instruction),
        new("a rule of prerouting that drops the tunnel's addresses", s_ping, lab => Sh(lab.Gw, "nft 'table ip raw { chain pre { type filter hook prerouting priority -300; ip saddr 192.168.53.0/24 counter drop; }; }'"), HopIds.Firewall, Cure.Instruction) { Says = "ip raw" },
        new("SNAT to an address that nobody has", s_ping, lab => Sh(lab.Gw, "nft 'table ip nat { chain post { type nat hook postrouting priority 100; oifname \"eth1\" snat to 192.168.60.77; }; }'"), HopIds.Nat, Cure.Instruction) { Says = "192.168.60.77" },
        new("V's firewall drops TCP 23", s_telnet, lab => Sh(lab.V, "nft 'table inet filter { chain input { type filter hook input priority 0; tcp dport 23 drop; }; }'"), HopIds.DestinationHost, Cure.Instruction) { Says = "firewall" },
        new("V's firewall drops everything", s_ping, lab => Sh(lab.V, "nft 'table inet filter { chain input { type filter hook input priority 0; policy drop; }; }'"), HopIds.DestinationHost, Cure.Instruction) { Says = "ping" },
    ];

    private static Task<string> Filter(MatrixLab lab, string inside) => Sh(lab.Gw, $"nft 'table inet filter {{ chain forward {{ type filter hook forward priority 0; {inside} }}; }}'");
}
