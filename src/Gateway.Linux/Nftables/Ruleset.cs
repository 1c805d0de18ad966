using System.Collections.Immutable;
using System.Text.Json;

namespace Gateway.Linux.Nftables;

/// <summary>One rule of a chain.</summary>
/// <param name="Chain">Where it stands.</param>
/// <param name="Handle">Its number within its table: what <c>nft delete rule</c> takes.</param>
/// <param name="Text">The rule as nft writes it; its JSON where nft's text could not be had.</param>
/// <param name="Comment">Its comment; null = none.</param>
/// <param name="Expressions">Its statements, as in libnftables-json(5).</param>
public sealed record NftRule(NftChainName Chain, long Handle, string Text, string? Comment, ImmutableArray<JsonElement> Expressions);

/// <summary>A chain's full name.</summary>
/// <param name="Family">"ip", "ip6", "inet", "netdev", …</param>
/// <param name="Table">The table.</param>
/// <param name="Name">The chain.</param>
public sealed record NftChainName(string Family, string Table, string Name)
{
    /// <summary>"inet filter forward", as nft's commands take it.</summary>
    public override string ToString() => $"{Family} {Table} {Name}";
}

/// <summary>A chain.</summary>
/// <param name="Name">Its full name.</param>
/// <param name="Type">"filter", "nat", "route"; null for a chain that is only jumped to.</param>
/// <param name="Hook">"prerouting", "input", "forward", "output", "postrouting", "ingress"; null for a chain that is only jumped to.</param>
/// <param name="Priority">Base chains of one hook run by it, the smallest first.</param>
/// <param name="DropsByPolicy">Whether what reaches its end is dropped.</param>
/// <param name="Device">Of an ingress chain: its device.</param>
/// <param name="Rules">In order.</param>
public sealed record NftChain(NftChainName Name, string? Type, string? Hook, int Priority, bool DropsByPolicy, string? Device, ImmutableArray<NftRule> Rules);

/// <summary>All nftables rules of a host at one moment. Immutable.</summary>
public sealed class Ruleset
{
    private readonly ImmutableDictionary<NftChainName, NftChain> _chains;
    private readonly ImmutableDictionary<NftChainName, ImmutableArray<JsonElement>> _sets;

    private Ruleset(ImmutableDictionary<NftChainName, NftChain> chains, ImmutableDictionary<NftChainName, ImmutableArray<JsonElement>> sets, bool hasLegacy) =>
        (_chains, _sets, HasLegacyTables) = (chains, sets, hasLegacy);

    /// <summary>No rules at all.</summary>
    public static Ruleset Empty { get; } = new(ImmutableDictionary<NftChainName, NftChain>.Empty, ImmutableDictionary<NftChainName, ImmutableArray<JsonElement>>.Empty, false);

    /// <summary>Whether the kernel holds rules of the old iptables as well, which nft does not show (ip_tables_names).</summary>
    public bool HasLegacyTables { get; }

    /// <summary>All chains.</summary>
    public IEnumerable<NftChain> Chains => _chains.Values;

    /// <summary>Reads the host's rules; null and why not where that cannot be done. Never throws.</summary>
    public static Ruleset? Read(out string? problem)
    {
        var texts = NftProgram.Run(null, "-a", "-t", "list", "ruleset");
        var json = texts.Problem is null ? NftProgram.Run(null, "-j", "list", "ruleset") : texts;
        problem = json.Problem;
        return problem is null ? Parse(json.Output, texts.Output, HasLegacy(), out problem) : null;
    }

    /// <summary>Reads what <c>nft -j list ruleset</c> and <c>nft -a -t list ruleset</c> printed; null and why not where it is not that.</summary>
    public static Ruleset? Parse(string json, string texts, bool hasLegacyTables, out string? problem)
    {
        problem = null;
        try
        {
            // No document is kept open: what is kept is cloned.
            using var document = JsonDocument.Parse(json.Length == 0 ? """{"nftables":[]}""" : json);
            return new RulesetReader(RuleTexts.Read(texts)).Read(document.RootElement.GetProperty("nftables"), (chains, sets) => new Ruleset(chains, sets, hasLegacyTables));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            problem = $"What nft printed could not be read: {e.Message}";
            return null;
        }
    }

    /// <summary>A chain by its name; null when there is none.</summary>
    public NftChain? Find(NftChainName name) => _chains.GetValueOrDefault(name);

    /// <summary>A named set's (or map's) elements; null when there is none.</summary>
    public ImmutableArray<JsonElement>? FindSet(NftChainName chain, string set) =>
        _sets.TryGetValue(chain with { Name = set }, out var elements) ? elements : null;

    /// <summary>The base chains of a hook that see packets of this family, in the order in which they run.</summary>
    public IEnumerable<NftChain> OfHook(string hook, bool isV6, string? device = null) => _chains.Values
        .Where(chain => chain.Hook == hook && (chain.Device is null || chain.Device == device)
            && (chain.Name.Family == (isV6 ? "ip6" : "ip") || chain.Name.Family == "inet" || (chain.Name.Family == "netdev" && hook == "ingress")))
        .OrderBy(chain => chain.Priority).ThenBy(chain => chain.Name.Table, StringComparer.Ordinal);

    private static bool HasLegacy()
    {
        try
        {
            return File.ReadLines("/proc/thread-self/net/ip_tables_names").Any() || File.ReadLines("/proc/thread-self/net/ip6_tables_names").Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
