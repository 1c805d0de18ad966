using System.Globalization;

namespace Gateway.Benchmarks.Tunnel.Report;

/// <summary>Prints a section side by side and both ways.</summary>
internal static class Table
{
    private const int TitleWidth = 46, ColumnWidth = 16, RatioWidth = 8;

    public static void Print(TextWriter output, string title, Results results, string first, string? second)
    {
        output.WriteLine();
        output.WriteLine(title);
        output.Write("".PadRight(TitleWidth));
        var group = ColumnWidth + (second is null ? 0 : ColumnWidth + RatioWidth);
        output.WriteLine("U→V".PadLeft(group) + "   " + "V→U".PadLeft(group));
        var columns = second is null ? first.PadLeft(ColumnWidth) : first.PadLeft(ColumnWidth) + second.PadLeft(ColumnWidth) + "ratio".PadLeft(RatioWidth);
        output.WriteLine("".PadRight(TitleWidth) + columns + "   " + columns);
        foreach (var measure in results.Measures)
        {
            output.Write(measure.Title.PadRight(TitleWidth));
            output.Write(Cells(results, Direction.UToV, measure, first, second));
            output.Write("   ");
            output.WriteLine(Cells(results, Direction.VToU, measure, first, second));
        }
    }

    private static string Cells(Results results, Direction direction, Measure measure, string first, string? second)
    {
        var cells = Number(results.Median(first, direction, measure), measure.Digits).PadLeft(ColumnWidth);
        if (second is null) return cells;
        return cells + Number(results.Median(second, direction, measure), measure.Digits).PadLeft(ColumnWidth)
            + (measure.HasRatio && results.Better(first, second, direction, measure) is { } ratio ? Number(ratio, 2) + "×" : "").PadLeft(RatioWidth);
    }

    private static string Number(double? value, int digits) => value?.ToString("F" + digits, CultureInfo.InvariantCulture) ?? "–";
}
