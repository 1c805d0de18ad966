using Gateway.Contracts;
using Spectre.Console;

namespace Gateway.Cli.Explain;

/// <summary>An explanation for a terminal: the path from top to bottom, there and back, then what mends it.</summary>
internal static class ExplanationView
{
    public static void Show(Explanation explanation, IAnsiConsole console)
    {
        console.MarkupLineInterpolated($"[bold]{explanation.Summary}[/]");
        foreach (var direction in explanation.Hops.GroupBy(hop => hop.Direction))
        {
            console.WriteLine();
            var packet = explanation.Packet;
            var (from, to) = direction.Key == "request" ? (packet.Source, packet.Destination) : (packet.Destination, packet.Source);
            console.MarkupLineInterpolated($"[bold]{(direction.Key == "request" ? "there" : "back")}[/]  {from} → {to}");
            foreach (var hop in direction) ShowHop(hop, hop.Id == explanation.Culprit, console);
        }

        if (explanation.Hops.FirstOrDefault(hop => hop.Id == explanation.Culprit) is not { Remedies.Count: > 0 } culprit) return;
        console.WriteLine();
        console.MarkupLine("[bold]What to do[/]");
        foreach (var remedy in culprit.Remedies)
        {
            console.MarkupLineInterpolated($"  • {remedy.Text}");
            foreach (var call in remedy.Apply) console.MarkupLineInterpolated($"      [blue]{call.Method} /api/v1/{call.Path}[/] {call.Body ?? ""}");
            foreach (var command in remedy.Commands) console.MarkupLineInterpolated($"      [blue]{remedy.Machine}#[/] {command}");
        }
    }

    private static void ShowHop(ExplainedHop hop, bool isCulprit, IAnsiConsole console)
    {
        var (mark, colour) = hop.Verdict switch { Verdicts.Passes => ("✓", "green"), Verdicts.Drops => ("✗", "red"), _ => ("?", isCulprit ? "yellow" : "grey") };
        console.Markup($"  [{colour}]{mark}[/] ");
        console.MarkupLineInterpolated($"{(isCulprit ? "→ " : "")}{hop.Title}: {hop.Reason} [grey]({Words(hop.Basis)})[/]");
    }

    private static string Words(string basis) => basis switch
    {
        Bases.Observed => "observed",
        Bases.AskedKernel => "asked the kernel",
        Bases.AskedEngine => "asked the tunnel",
        _ => "inferred",
    };
}
