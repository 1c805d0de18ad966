using Gateway.Contracts;
using Gateway.Linux.Nftables;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>Rules and chains in words, and the commands that put an exception before them.</summary>
internal static class FirewallWords
{
    /// <summary>"table inet filter, chain forward, rule 12: tcp dport 23 drop".</summary>
    public static string Describe(FirewallVerdict verdict)
    {
        if (verdict.Chain is not { } chain) return "no chain is asked";
        return verdict.Rule is { } rule ? Describe(rule) : $"{Where(chain.Name)}, its policy: {(chain.DropsByPolicy ? "drop" : "accept")}";
    }

    /// <summary>A rule with its place.</summary>
    public static string Describe(NftRule rule) => $"{Where(rule.Chain)}, rule {rule.Handle}: {rule.Text}";

    public static HopEvidence Fact(FirewallVerdict verdict) => Reasoning.Fact.Of("nft", Describe(verdict),
        ("family", verdict.Chain?.Name.Family ?? ""), ("table", verdict.Chain?.Name.Table ?? ""), ("chain", verdict.Chain?.Name.Name ?? ""),
        ("handle", verdict.Rule is { } rule ? Reasoning.Fact.Number(rule.Handle) : ""), ("rule", verdict.Rule?.Text ?? ""), ("outcome", verdict.Outcome.ToString()));

    /// <summary>A rule at the front of what dropped: before the rule, or at the head of the chain whose policy it was.</summary>
    public static string Insert(FirewallVerdict verdict, string rule) => verdict.Rule is { } before
        ? $"nft insert rule {before.Chain} handle {before.Handle} {rule}" : $"nft insert rule {verdict.Chain!.Name} {rule}";

    /// <summary>The packet as a rule matches it.</summary>
    public static string Match(FirewallPacket packet)
    {
        var family = packet.IsV6 ? "ip6" : "ip";
        var devices = (packet.InputDevice is { } input ? $"iifname \"{input}\" " : "") + (packet.OutputDevice is { } output ? $"oifname \"{output}\" " : "");
        var rest = packet.Protocol switch
        {
            6 => Ports("tcp", packet),
            17 => Ports("udp", packet),
            58 => "meta l4proto ipv6-icmp ",
            _ => "meta l4proto icmp ",
        };
        return $"{devices}{family} saddr {packet.Source} {family} daddr {packet.Destination} {rest}";
    }

    private static string Where(NftChainName chain) => $"{(chain.Table == OwnTable.Name ? "the gateway's own table" : "table")} {chain.Family} {chain.Table}, chain {chain.Name}";

    private static string Ports(string protocol, FirewallPacket packet) => packet.IsAnswer ? $"{protocol} sport {packet.SourcePort} " : $"{protocol} dport {packet.DestinationPort} ";
}
