using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Web;

namespace Gateway.Features.Tunnels;

/// <summary>A tunnel's NAT and MSS clamping: its rules, and its way from the API to the database.</summary>
internal static class NatRules
{
    private const int MaxRules = 64;

    public static void Check(TunnelSettings settings, RuleErrors errors)
    {
        var rules = settings.Nat!;
        if (rules.Count > MaxRules) errors.Add("nat", $"{rules.Count} are too many.", $"At most {MaxRules}.");
        // nft reads '@' as a set's name and '*' as any end of a name.
        if ((rules.Count > 0 || settings.ClampMss == true) && settings.Name is { } name && !name.Replace("%d", "", StringComparison.Ordinal).All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
            errors.Add(rules.Count > 0 ? "nat" : "clampMss", $"Not on a device called '{name}'.", "Make the tunnel with a name of ASCII letters, digits, '.', '-' and '_'.");
        var seen = new HashSet<IPNetwork>();
        for (var i = 0; i < rules.Count; i++)
        {
            if (!Addresses.TryReadPrefix(rules[i].Prefix, out var prefix, out var problem))
                errors.Add($"nat[{i}].prefix", problem, "It is where the packets go: 0.0.0.0/0 for everywhere, or such as 192.168.60.0/24.");
            else if (!seen.Add(prefix))
                errors.Add($"nat[{i}].prefix", $"'{prefix}' is listed twice.", "List each prefix once.");
            else if (!TryReadTarget(rules[i].To, out var address) || (address is not null && address.AddressFamily != prefix.BaseAddress.AddressFamily))
                errors.Add($"nat[{i}].to", $"'{rules[i].To}' is not known here.", $"It is masquerade, none, or an address of this host, IPv4 or IPv6 as the prefix is.");
        }
    }

    public static IReadOnlyList<NatRule> Read(Tunnel row) => [.. row.Nat.Select(n => new NatRule { Prefix = n.Prefix, To = n.To })];

    /// <summary>Of rules that have passed <see cref="Check"/>.</summary>
    public static List<TunnelNat> ToRows(IReadOnlyList<NatRule> rules) => [.. rules.Select(r => new TunnelNat
    {
        Prefix = Addresses.TryReadPrefix(r.Prefix, out var prefix, out _) ? prefix.ToString() : "",
        To = TryReadTarget(r.To, out var address) && address is not null ? address.ToString() : r.To ?? NatTargets.Masquerade,
    })];

    private static bool TryReadTarget(string? text, out IPAddress? address)
    {
        address = null;
        if (text is null or NatTargets.Masquerade or NatTargets.None) return true;
        if (text.Contains('/', StringComparison.Ordinal) || !Addresses.TryReadPrefix(text, out var prefix, out _)) return false;
        address = prefix.BaseAddress;
        return !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any);
    }
}
