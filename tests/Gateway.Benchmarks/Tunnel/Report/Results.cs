namespace Gateway.Benchmarks.Tunnel.Report;

/// <summary>All runs of one section of the table.</summary>
internal sealed class Results
{
    private readonly Dictionary<(string Ends, Direction Direction, Measure Measure), List<double>> _values = [];
    private readonly List<Measure> _order = [];

    /// <summary>The measures, in the order in which they first came.</summary>
    public IReadOnlyList<Measure> Measures => _order;

    public void Add(string ends, Direction direction, Measure measure, double value)
    {
        if (!_order.Contains(measure)) _order.Add(measure);
        if (!_values.TryGetValue((ends, direction, measure), out var list)) _values[(ends, direction, measure)] = list = [];
        list.Add(value);
    }

    /// <summary>The median of the runs; null where there were none.</summary>
    public double? Median(string ends, Direction direction, Measure measure)
    {
        if (!_values.TryGetValue((ends, direction, measure), out var list)) return null;
        var sorted = list.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>How many times better the second is than the first: more packets, or less time.</summary>
    public double? Better(string first, string second, Direction direction, Measure measure) =>
        (Median(first, direction, measure), Median(second, direction, measure)) is ({ } a, { } b) && a > 0 && b > 0 ? measure.MoreIsBetter ? b / a : a / b : null;
}
