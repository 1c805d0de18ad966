using Gateway.Contracts;

namespace Gateway.Cli.Output;

/// <summary>What the API refused, for people: each field on its line, what was wrong and what would be right.</summary>
internal static class ProblemText
{
    public static string Of(ApiProblem problem)
    {
        var lines = problem.Errors.Select(e => $"{e.Field}: {e.Detail} {e.Expected}").ToList();
        var detail = problem.Detail ?? problem.Title ?? "It was refused.";
        // Mostly the detail is the fields' sentences one after the other.
        if (lines.Count == 0 || (lines.Count == 1 && detail == lines[0])) return Words.Clean(detail);
        return string.Join('\n', lines.Select(line => "  " + Words.Clean(line)).Prepend(detail == string.Join(' ', lines) ? $"{problem.Title}:" : Words.Clean(detail)));
    }
}
