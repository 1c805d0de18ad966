using System.Globalization;

namespace Gateway.Contracts.Client;

/// <summary>Paths and queries of the API.</summary>
internal static class Paths
{
    public static string Escape(string name) => Uri.EscapeDataString(name);

    /// <summary>The path with what is not null as its query.</summary>
    public static string With(string path, PageQuery? page, params (string Name, object? Value)[] query)
    {
        var given = query.Append(("limit", page?.Limit)).Append(("cursor", page?.Cursor)).Where(q => q.Item2 is not null)
            .Select(q => $"{q.Item1}={Escape(q.Item2 switch { bool flag => flag ? "true" : "false", var value => Convert.ToString(value, CultureInfo.InvariantCulture)! })}").ToList();
        return given.Count == 0 ? path : $"{path}?{string.Join('&', given)}";
    }
}
