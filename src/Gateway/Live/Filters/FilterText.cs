namespace Gateway.Live.Filters;

/// <summary>Puts filters together from parts that callers give apart.</summary>
internal static class FilterText
{
    /// <summary>The expression and each test that has a value, all of which must hold.</summary>
    public static string? And(string? filter, params ReadOnlySpan<(string Field, string Operator, string? Value)> tests)
    {
        var parts = new List<string>();
        if (!string.IsNullOrWhiteSpace(filter)) parts.Add($"({filter})");
        foreach (var (field, comparison, value) in tests)
        {
            // A quote cannot stand in a value: it makes an expression that is refused, with the place.
            if (value is not null) parts.Add($"{field} {comparison} \"{value}\"");
        }

        return parts.Count == 0 ? null : string.Join(" and ", parts);
    }
}
