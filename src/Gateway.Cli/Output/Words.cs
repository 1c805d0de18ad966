using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.Cli.Output;

/// <summary>The API's values in the words that people get.</summary>
internal static class Words
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>"lastHandshake" → "last handshake".</summary>
    public static string Label(string member)
    {
        var text = new StringBuilder();
        foreach (var letter in member)
        {
            if (char.IsUpper(letter)) text.Append(' ');
            text.Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }

    /// <summary>A value on one line; empty for null.</summary>
    public static string Value(string member, JsonNode? value) => value switch
    {
        null => "",
        JsonObject all => string.Join(", ", all.Where(m => m.Value is not null).Select(m => $"{m.Key} {Value(m.Key, m.Value)}")),
        JsonArray items => string.Join(", ", items.Select(i => i is JsonObject o ? string.Join(' ', o.Where(m => m.Value is not null).Select(m => Value(m.Key, m.Value))) : Value(member, i))),
        _ => value.GetValueKind() switch
        {
            JsonValueKind.True => "yes",
            JsonValueKind.False => "no",
            JsonValueKind.Number => Number(member, value),
            _ => Text(value.GetValue<string>()),
        },
    };

    /// <summary>Without what would steer a terminal: names and details come from elsewhere.</summary>
    public static string Clean(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '�' : c)) : text;

    private static string Number(string member, JsonNode value)
    {
        var isRate = member.Contains("rate", StringComparison.OrdinalIgnoreCase);
        if (isRate) return Bytes(value.GetValue<double>()) + "/s";
        return member.Contains("bytes", StringComparison.OrdinalIgnoreCase) ? Bytes(value.GetValue<double>()) : value.ToJsonString();
    }

    private static string Bytes(double bytes)
    {
        var unit = 0;
        for (; bytes >= 1024 && unit < s_units.Length - 1; unit++) bytes /= 1024;
        return bytes.ToString(unit == 0 ? "0" : bytes < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + s_units[unit];
    }

    private static string Text(string text) =>
        text.Length is >= 20 and <= 35 && text[10] == 'T' && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time)
            ? time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : Clean(text);
}
