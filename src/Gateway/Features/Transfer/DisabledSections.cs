using System.Text;

namespace Gateway.Features.Transfer;

/// <summary>
/// PiVPN switches a peer off by writing <c>#[disabled] </c> before each line of its section (scripts/wireguard/disableCONF.sh). Such a section is read
/// as if it were on, with a note of its lines.
/// </summary>
internal static class DisabledSections
{
    private const string Mark = "#[disabled]";

    /// <summary>The text with those marks taken away, and the lines, counted from 1, that had one.</summary>
    public static (string Text, IReadOnlySet<int> Lines) Open(string text)
    {
        if (!text.Contains(Mark, StringComparison.Ordinal)) return (text, new HashSet<int>());
        var (opened, lines, number) = (new StringBuilder(text.Length), new HashSet<int>(), 0);
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            var marked = line.StartsWith(Mark, StringComparison.Ordinal);
            if (marked) lines.Add(number);
            opened.Append(marked ? line[Mark.Length..].TrimStart() : line).Append('\n');
        }

        return (opened.ToString(), lines);
    }
}
