using System.Net;
using System.Text.Json;

namespace Gateway.Linux.Nftables;

/// <summary>
/// Walks a packet through the base chains of a hook as the kernel does (nft_do_chain): accept ends a chain and the next base chain is asked, drop
/// ends all. A rule that uses something that is not evaluated here matters only if it changes what happens: the outcome is then
/// <see cref="FirewallOutcome.Unknown"/> with that rule, never a guess.
/// </summary>
public sealed class FirewallEvaluator
{
    private const int MaxDepth = 16; // NFT_JUMP_STACK_SIZE

    private readonly Ruleset _rules;
    private readonly FirewallPacket _packet;
    private readonly List<NatAction> _translations = [];
    private uint _mark;
    private int _stepsLeft = 100_000;

    private FirewallEvaluator(Ruleset rules, FirewallPacket packet) => (_rules, _packet, _mark) = (rules, packet, packet.Mark);

    private enum EndKind { Accept, Drop, Reject, Unknown }

    /// <summary>Asks all chains of one hook ("ingress" of the packet's input device, "prerouting", "input", "forward", "output", "postrouting").</summary>
    public static FirewallVerdict Evaluate(Ruleset rules, string hook, FirewallPacket packet)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(packet);
        return new FirewallEvaluator(rules, packet).Ask(hook);
    }

    private FirewallVerdict Ask(string hook)
    {
        FirewallVerdict? unsure = null;
        NftChain? last = null;
        NftRule? lastRule = null;
        foreach (var chain in _rules.OfHook(hook, _packet.IsV6, _packet.InputDevice))
        {
            // Connection tracking keeps what the first packet was given (nf_nat_inet_fn).
            if (chain.Type == "nat" && _packet.IsAnswer) continue;
            var policy = new End(chain.DropsByPolicy ? EndKind.Drop : EndKind.Accept, null, null);
            var end = Walk(chain, 0, 0, () => policy);
            switch (end.Kind)
            {
                case EndKind.Drop or EndKind.Reject:
                    return Verdict(end.Kind == EndKind.Drop ? FirewallOutcome.Drop : FirewallOutcome.Reject, chain, end.Rule, null);
                case EndKind.Unknown:
                    unsure ??= Verdict(FirewallOutcome.Unknown, chain, end.Rule, end.Reason);
                    break;
                default:
                    (last, lastRule) = (chain, end.Rule);
                    break;
            }
        }
        return unsure ?? Verdict(FirewallOutcome.Accept, last, lastRule, null);
    }

    private FirewallVerdict Verdict(FirewallOutcome outcome, NftChain? chain, NftRule? rule, string? reason) =>
        new(outcome, rule is null ? chain : _rules.Find(rule.Chain) ?? chain, rule, reason, [.. _translations], _mark);

    /// <summary>The rules of a chain from one on; <paramref name="after"/> is what follows its end.</summary>
    private End Walk(NftChain chain, int from, int depth, Func<End> after)
    {
        if (depth > MaxDepth) return new End(EndKind.Unknown, null, "more chains call each other than the kernel allows");
        for (var i = from; i < chain.Rules.Length; i++)
        {
            // Each doubt makes two ways: with many, there is no end to them.
            if (--_stepsLeft < 0) return new End(EndKind.Unknown, chain.Rules[i], "too many rules before it depend on what is not evaluated here");
            var rule = chain.Rules[i];
            var next = i + 1;
            var (lead, doubt) = Apply(rule, depth, () => Walk(chain, next, depth, after), after);
            if (lead is null) continue;
            var taken = lead();
            if (doubt is null) return taken;
            // Does it matter whether the rule matches?
            var otherwise = Walk(chain, next, depth, after);
            return otherwise.Kind == taken.Kind && taken.Kind != EndKind.Unknown ? otherwise : new End(EndKind.Unknown, rule, doubt);
        }
        return after();
    }

    /// <summary>One rule: where it leads if it matches (null = to the next), and what about it is in doubt.</summary>
    private (Func<End>? Lead, string? Doubt) Apply(NftRule rule, int depth, Func<End> next, Func<End> after)
    {
        string? doubt = null;
        foreach (var statement in rule.Expressions)
        {
            foreach (var (name, value) in statement.EnumerateObject().Select(member => (member.Name, member.Value)))
            {
                switch (name)
                {
                    case "match":
                        switch (new RuleMatcher(_rules, rule, _packet, _mark).Matches(value, out var reason))
                        {
                            case Truth.No: return (null, null);
                            case Truth.Maybe: doubt ??= reason; break;
                            default: break;
                        }
                        break;
                    case "counter" or "log" or "notrack" or "set" or "map" or "flow" or "dup" or "secmark" or "ct helper" or "ct timeout" or "ct expectation" or "continue":
                        break;
                    case "mangle":
                        if (doubt is null) Mangle(value);
                        break;
                    case "vmap":
                        var (found, unclear) = new RuleMatcher(_rules, rule, _packet, _mark).Select(value);
                        doubt ??= unclear;
                        if (found is { } verdict && Lead(verdict, rule, depth, next, after) is { } chosen) return (chosen, doubt);
                        break;
                    case "snat" or "dnat" or "masquerade" or "redirect":
                        if (doubt is null) _translations.Add(Translation(name, value, rule));
                        return (() => new End(EndKind.Accept, rule, null), doubt);
                    case "accept" or "drop" or "reject" or "return" or "jump" or "goto":
                        return (Lead(statement, rule, depth, next, after), doubt);
                    case "queue" or "tproxy" or "synproxy" or "fwd":
                        return (() => new End(EndKind.Unknown, rule, $"it hands the packet to '{name}', which decides by itself"), doubt);
                    default:
                        doubt ??= $"it uses '{name}', which is not evaluated here";
                        break;
                }
            }
        }
        return (null, null);
    }

    private Func<End>? Lead(JsonElement verdict, NftRule rule, int depth, Func<End> next, Func<End> after)
    {
        var member = verdict.EnumerateObject().First();
        switch (member.Name)
        {
            case "accept": return () => new End(EndKind.Accept, rule, null);
            case "drop": return () => new End(EndKind.Drop, rule, null);
            case "reject": return () => new End(EndKind.Reject, rule, null);
            case "return": return after;
            case "jump" or "goto":
                var target = rule.Chain with { Name = member.Value.GetProperty("target").GetString()! };
                if (_rules.Find(target) is not { } chain) return () => new End(EndKind.Unknown, rule, $"its target {target} was not read");
                // What falls out of a chain that was jumped to goes on behind the jump; of one that was gone to, behind the chain that it left.
                return () => Walk(chain, 0, depth + 1, member.Name == "jump" ? next : after);
            default: return null;
        }
    }

    private void Mangle(JsonElement mangle)
    {
        if (mangle.TryGetProperty("key", out var key) && key.TryGetProperty("meta", out var meta) && meta.TryGetProperty("key", out var name) && name.GetString() == "mark"
            && mangle.TryGetProperty("value", out var value) && value.ValueKind == JsonValueKind.Number) _mark = value.GetUInt32();
    }

    private static NatAction Translation(string kind, JsonElement value, NftRule rule)
    {
        IPAddress? address = null;
        ushort port = 0;
        if (value.ValueKind == JsonValueKind.Object)
        {
            if (value.TryGetProperty("addr", out var to) && to.ValueKind == JsonValueKind.String) _ = IPAddress.TryParse(to.GetString(), out address);
            if (value.TryGetProperty("port", out var number) && number.ValueKind == JsonValueKind.Number) port = number.GetUInt16();
        }
        return new NatAction(kind, address, port, rule);
    }

    private readonly record struct End(EndKind Kind, NftRule? Rule, string? Reason);
}
