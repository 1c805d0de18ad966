using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Gateway.Linux.Nftables;

/// <summary>Whether something holds.</summary>
internal enum Truth { No, Yes, Maybe }

/// <summary>Holds one match of a rule against a packet.</summary>
internal sealed class RuleMatcher(Ruleset rules, NftRule rule, FirewallPacket packet, uint mark)
{
    public Truth Matches(JsonElement match, out string reason)
    {
        reason = "";
        var op = match.GetProperty("op").GetString()!;
        var right = match.GetProperty("right");
        var field = PacketField.Read(match.GetProperty("left"), packet, mark);
        if (field.Kind == FieldKind.Absent) return Truth.No;
        if (field.Kind == FieldKind.Unknown)
        {
            reason = $"it asks for {field.Text}, which is not evaluated here";
            return Truth.Maybe;
        }
        if (op is "<" or ">" or "<=" or ">=")
        {
            if (field.Kind != FieldKind.Number || right.ValueKind != JsonValueKind.Number) return Doubt(right, out reason);
            var compared = field.Number.CompareTo(right.GetUInt64());
            return (op switch { "<" => compared < 0, ">" => compared > 0, "<=" => compared <= 0, _ => compared >= 0 }) ? Truth.Yes : Truth.No;
        }
        // A bit field asked with "in" (or its negation) wants any of the bits.
        if (field.IsBits && op is "in" or "!" && PacketField.TryReadBits(right, out var bits)) return ((field.Number & bits) != 0) == (op == "in") ? Truth.Yes : Truth.No;
        var equal = Equal(field, right, out reason);
        return equal == Truth.Maybe ? Truth.Maybe : equal == Truth.Yes == op is not ("!=" or "!") ? Truth.Yes : Truth.No;
    }

    /// <summary>The verdict that a verdict map gives the packet; null = none, or in doubt.</summary>
    public (JsonElement? Verdict, string? Doubt) Select(JsonElement vmap)
    {
        var field = PacketField.Read(vmap.GetProperty("key"), packet, mark);
        if (field.Kind == FieldKind.Unknown) return (null, $"it chooses by {field.Text}, which is not evaluated here");
        if (field.Kind == FieldKind.Absent) return (null, null);
        string? doubt = null;
        foreach (var pair in Elements(vmap.GetProperty("data")))
        {
            if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2) continue;
            switch (Equal(field, pair[0], out var reason))
            {
                case Truth.Yes: return (pair[1], doubt);
                case Truth.Maybe: doubt ??= reason; break;
                default: break;
            }
        }
        return (null, doubt);
    }

    private Truth Equal(in PacketField field, JsonElement right, out string reason)
    {
        reason = "";
        switch (right.ValueKind)
        {
            case JsonValueKind.String:
                var text = right.GetString()!;
                return text.StartsWith('@') ? Any(field, Elements(right), out reason) : field.Is(text) ? Truth.Yes : Truth.No;
            case JsonValueKind.Number:
                return field.Kind == FieldKind.Number && field.Number == right.GetUInt64() ? Truth.Yes : Truth.No;
            case JsonValueKind.True or JsonValueKind.False:
                // "exists" and "missing".
                return field.Exists == right.GetBoolean() ? Truth.Yes : Truth.No;
            case JsonValueKind.Array:
                return Any(field, right.EnumerateArray(), out reason);
            case JsonValueKind.Object:
                return EqualObject(field, right, out reason);
            default:
                return Doubt(right, out reason);
        }
    }

    private Truth EqualObject(in PacketField field, JsonElement right, out string reason)
    {
        reason = "";
        var member = right.EnumerateObject().First();
        switch (member.Name)
        {
            case "set": return Any(field, Elements(right), out reason);
            case "elem": return Equal(field, member.Value.GetProperty("val"), out reason);
            case "prefix":
                return field.Kind == FieldKind.Address && IPAddress.TryParse(member.Value.GetProperty("addr").GetString(), out var network)
                    && network.AddressFamily == field.Address!.AddressFamily && new IPNetwork(network, member.Value.GetProperty("len").GetInt32()).Contains(field.Address) ? Truth.Yes : Truth.No;
            case "range": return field.IsWithin(member.Value[0], member.Value[1]) ? Truth.Yes : Truth.No;
            case "concat":
                if (field.Parts is not { } parts || parts.Length != member.Value.GetArrayLength()) return Truth.No;
                var all = Truth.Yes;
                for (var i = 0; i < parts.Length; i++)
                {
                    var one = Equal(parts[i], member.Value[i], out var why);
                    if (one == Truth.No) return Truth.No;
                    if (one == Truth.Maybe) (all, reason) = (Truth.Maybe, why);
                }
                return all;
            case "|" when PacketField.TryReadBits(right, out var bits): return field.Kind == FieldKind.Number && field.Number == bits ? Truth.Yes : Truth.No;
            default: return Doubt(right, out reason);
        }
    }

    private Truth Any(in PacketField field, IEnumerable<JsonElement> elements, out string reason)
    {
        reason = "";
        var any = Truth.No;
        foreach (var element in elements)
        {
            // Of a map the key counts.
            var one = Equal(field, element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 2 && field.Parts is null && element[1].ValueKind == JsonValueKind.Object ? element[0] : element, out var why);
            if (one == Truth.Yes) return Truth.Yes;
            if (one == Truth.Maybe) (any, reason) = (Truth.Maybe, why);
        }
        return any;
    }

    private IEnumerable<JsonElement> Elements(JsonElement set) => set.ValueKind switch
    {
        JsonValueKind.String when set.GetString() is { } name && name.StartsWith('@') => rules.FindSet(rule.Chain, name[1..]) is { } named ? named : [],
        JsonValueKind.Object when set.TryGetProperty("set", out var listed) => listed.ValueKind == JsonValueKind.Array ? listed.EnumerateArray() : [listed],
        _ => [set],
    };

    private static Truth Doubt(JsonElement right, out string reason)
    {
        var text = right.GetRawText();
        reason = string.Create(CultureInfo.InvariantCulture, $"it compares with {(text.Length <= 60 ? text : text[..60] + "…")}, which is not evaluated here");
        return Truth.Maybe;
    }
}
