using System.Text.RegularExpressions;

namespace Gateway.Features.Transfer;

/// <summary>
/// Finds a peer's name in the comments around its section, as those write it who write such files: wg-easy ("# Client: NAME (ID)"), WGDashboard
/// ("#Name# = NAME" inside), PiVPN ("### begin NAME ###"), wireguard-install ("### Client NAME"), wireguard-ui and exporters ("# Name: NAME",
/// "# friendly_name = NAME"), this gateway, and people (one comment before it).
/// </summary>
internal static partial class ImportNames
{
    private const int MaxLength = 64;

    /// <summary>The name; null = none was found.</summary>
    public static string? Find(IReadOnlyCollection<string> comments)
    {
        foreach (var form in new[] { Dashboard(), Begin(), EasyClient(), OwnFile(), Labelled(), Client() })
        {
            if (comments.Select(c => form.Match(c)).FirstOrDefault(m => m.Success) is { } match) return Clean(match.Groups[1].Value);
        }

        // A person's own words, where there is one comment and it is no setting that is switched off.
        var own = comments.Where(c => c.Length > 0 && !c.StartsWith("end ", StringComparison.Ordinal) && !c.Contains('=', StringComparison.Ordinal) && !c.StartsWith('[')).ToList();
        return own.Count == 1 ? Clean(own[0]) : null;
    }

    /// <summary>A name out of a file's: wg0.conf is wg0.</summary>
    public static string OfFile(string fileName) => Path.GetFileNameWithoutExtension(fileName.Replace('\\', '/').Split('/')[^1]);

    private static string? Clean(string text)
    {
        var name = new string([.. text.Trim().Where(c => !char.IsControl(c))]);
        // What looks like a key goes nowhere.
        return name.Length is 0 or > MaxLength || KeyLike().IsMatch(name) ? null : name;
    }

    [GeneratedRegex(@"^Name#\s*=\s*(.+)$")]
    private static partial Regex Dashboard();

    [GeneratedRegex("^begin (.+)$")]
    private static partial Regex Begin();

    [GeneratedRegex(@"^Client:\s*(.+?)(?:\s+\([0-9A-Za-z-]+\))?$")]
    private static partial Regex EasyClient();

    [GeneratedRegex(@"^(.+) in tunnel \S+$")]
    private static partial Regex OwnFile();

    [GeneratedRegex(@"^(?:name|friendly_name)\s*[:=]\s*(.+)$", RegexOptions.IgnoreCase)]
    private static partial Regex Labelled();

    [GeneratedRegex(@"^Client\s+(.+)$")]
    private static partial Regex Client();

    [GeneratedRegex("[A-Za-z0-9+/]{40}")]
    private static partial Regex KeyLike();
}
