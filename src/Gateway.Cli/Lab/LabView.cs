using System.Globalization;
using Gateway.Cli.Explain;
using Gateway.Cli.Output;
using Gateway.Contracts.Lab;
using Spectre.Console;

namespace Gateway.Cli.Lab;

/// <summary>The lab for a terminal.</summary>
internal static class LabView
{
    /// <summary>All of it.</summary>
    public static void Show(LabResponse lab, View view)
    {
        view.Grid(["N", "EXPERIMENT", "ABOUT"], lab.Experiments.Select(one => Row(one.Number.ToString(CultureInfo.InvariantCulture), one.Title, one.About)));
        view.Console.WriteLine();
        view.Grid(["BREAK", "WHAT IT DOES", "NOW"], lab.Breaks.Select(one => Row(one.Name, one.Title, one.IsActive ? "broken" : "whole")));
        view.Console.WriteLine();
        view.Sentence(lab.IsAsSetUp ? "The lab is as make lab left it." : $"Not as make lab left it: {string.Join(' ', lab.Differences)} \"gateway lab reset\" puts it back.");
    }

    /// <summary>What was done, what was seen at the six points, what was expected, and the explanation.</summary>
    public static void Show(LabRun run, View view)
    {
        var console = view.Console;
        console.MarkupLineInterpolated($"[bold]{(run.Number > 0 ? $"{run.Number}. " : "")}{run.Title}[/]");
        foreach (var step in run.Steps) console.MarkupLineInterpolated($"  [blue]{step.Host}#[/] {step.Command ?? ""}  [grey]({step.Text})[/]");
        if (run.Packets.Count > 0)
        {
            console.WriteLine();
            view.Grid(["PACKET", .. LabPoints.All], run.Packets.GroupBy(packet => packet.Journey).Select(journey => Journey([.. journey])));
        }

        console.WriteLine();
        foreach (var one in run.Expectations)
        {
            console.Markup(one.Passed ? "  [green]✓[/] " : "  [red]✗[/] ");
            console.MarkupLineInterpolated($"{one.Text}  [grey]({one.Seen})[/]");
        }

        foreach (var one in run.Explanations)
        {
            console.WriteLine();
            console.MarkupLineInterpolated($"[bold]Explain, {one.When}:[/]");
            ExplanationView.Show(one.Explanation, console);
        }

        console.WriteLine();
        foreach (var left in run.Left) console.MarkupLineInterpolated($"[yellow]Left behind:[/] {left}");
        view.Sentence(run.Passed ? "All was as expected." : "Something was not as expected.");
    }

    /// <summary>One packet at one point.</summary>
    public static string Line(LabPacket packet) =>
        $"{packet.At.UtcDateTime:HH:mm:ss.ffffff} {packet.Point,-9} {(packet.IsOutgoing ? "out" : "in "),-3} {packet.Summary}{(packet.IsTunnel ? $"  [{packet.Subject}]" : "")}";

    // When it passed each point, counted from the first; where it is missing it never was.
    private static IEnumerable<Text> Journey(IReadOnlyList<LabPacket> packets)
    {
        var first = packets.Min(packet => packet.At);
        yield return new Text(packets[0].Subject);
        foreach (var point in LabPoints.All)
        {
            yield return new Text(packets.FirstOrDefault(packet => packet.Point == point) is { } seen
                ? string.Create(CultureInfo.InvariantCulture, $"+{(seen.At - first).TotalMilliseconds:0.00} ms{(seen.IsTunnel ? " UDP" : seen.Ttl > 0 ? $" ttl {seen.Ttl}" : "")}") : "–");
        }
    }

    private static IEnumerable<Text> Row(params string[] cells) => cells.Select(cell => new Text(cell));
}
