using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Linux.Nftables;

/// <summary>Puts chains, rules and sets of nft's JSON together.</summary>
internal sealed class RulesetReader(IReadOnlyDictionary<(string Family, string Table, long Handle), string> texts)
{
    private readonly Dictionary<NftChainName, NftChain> _chains = [];
    private readonly Dictionary<NftChainName, List<NftRule>> _rules = [];
    private readonly Dictionary<NftChainName, ImmutableArray<JsonElement>> _sets = [];

    public Ruleset Read(JsonElement objects, Func<ImmutableDictionary<NftChainName, NftChain>, ImmutableDictionary<NftChainName, ImmutableArray<JsonElement>>, Ruleset> make)
    {
        foreach (var item in objects.EnumerateArray())
        {
            foreach (var member in item.EnumerateObject())
            {
                switch (member.Name)
                {
                    case "chain": AddChain(member.Value); break;
                    case "rule": AddRule(member.Value); break;
                    case "set" or "map": AddSet(member.Value); break;
                    default: break;
                }
            }
        }
        return make(_chains.ToImmutableDictionary(pair => pair.Key, pair => pair.Value with { Rules = [.. _rules.GetValueOrDefault(pair.Key) ?? []] }), _sets.ToImmutableDictionary());
    }

    private void AddChain(JsonElement chain)
    {
        var name = new NftChainName(Text(chain, "family")!, Text(chain, "table")!, Text(chain, "name")!);
        _chains[name] = new NftChain(name, Text(chain, "type"), Text(chain, "hook"), chain.TryGetProperty("prio", out var priority) ? priority.GetInt32() : 0,
            Text(chain, "policy") == "drop", Text(chain, "dev"), []);
    }

    private void AddRule(JsonElement rule)
    {
        var chain = new NftChainName(Text(rule, "family")!, Text(rule, "table")!, Text(rule, "chain")!);
        var handle = rule.GetProperty("handle").GetInt64();
        var expressions = rule.GetProperty("expr");
        if (!_rules.TryGetValue(chain, out var rules)) _rules[chain] = rules = [];
        rules.Add(new NftRule(chain, handle, texts.GetValueOrDefault((chain.Family, chain.Table, handle)) ?? expressions.GetRawText(), Text(rule, "comment"),
            [.. expressions.EnumerateArray().Select(expression => expression.Clone())]));
    }

    private void AddSet(JsonElement set) =>
        _sets[new NftChainName(Text(set, "family")!, Text(set, "table")!, Text(set, "name")!)] =
            set.TryGetProperty("elem", out var elements) ? [.. elements.EnumerateArray().Select(element => element.Clone())] : [];

    private static string? Text(JsonElement element, string member) => element.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>The rules as nft writes them, by handle: a person knows them in that form.</summary>
internal static partial class RuleTexts
{
    public static Dictionary<(string Family, string Table, long Handle), string> Read(string listing)
    {
        var texts = new Dictionary<(string, string, long), string>();
        string family = "", table = "", begun = "";
        foreach (var line in listing.Split('\n').Select(line => line.Trim()))
        {
            if (Table().Match(line) is { Success: true } opened) (family, table, begun) = (opened.Groups[1].Value, opened.Groups[2].Value, "");
            else if (Rule().Match(begun.Length == 0 ? line : $"{begun} {line}") is { Success: true } rule)
            {
                // A long anonymous set goes over several lines, of which the last has the handle.
                if (long.TryParse(rule.Groups[2].ValueSpan, out var handle)) texts[(family, table, handle)] = rule.Groups[1].Value;
                begun = "";
            }
            else if (line.EndsWith(',') || line.EndsWith("{ ", StringComparison.Ordinal)) begun = begun.Length == 0 ? line : $"{begun} {line}";
            else begun = "";
        }
        return texts;
    }

    [GeneratedRegex(@"^table (\w+) (\S+) \{")]
    private static partial Regex Table();

    // Chains and sets have a handle too, behind their opening brace.
    [GeneratedRegex(@"^(?!chain |set |map |flowtable |ct )(.*[^{ ]) # handle (\d+)$")]
    private static partial Regex Rule();
}
