using System.Globalization;
using System.Net;
using Gateway.Engine;
using Gateway.Reconcile;

namespace Gateway.Live.Filters;

/// <summary>How two values compare in a filter.</summary>
internal enum FilterOperator
{
    /// <summary><c>=</c></summary>
    Equal,
    /// <summary><c>!=</c></summary>
    NotEqual,
    /// <summary><c>&lt;</c></summary>
    Less,
    /// <summary><c>&lt;=</c></summary>
    LessOrEqual,
    /// <summary><c>&gt;</c></summary>
    Greater,
    /// <summary><c>&gt;=</c></summary>
    GreaterOrEqual,
    /// <summary><c>~</c>: contains.</summary>
    Contains,
    /// <summary><c>in</c>: an address in a prefix.</summary>
    In,
}

/// <summary>What a number in a filter counts.</summary>
internal enum FilterUnit
{
    /// <summary>Nothing in particular; K, M and G are thousands.</summary>
    None,
    /// <summary>Bytes; K, M and G are powers of 1000, as in rates of a network.</summary>
    Bytes,
    /// <summary>Time: ms, s (when nothing is said), m, h, d.</summary>
    Time,
}

/// <summary>One thing of a row that a filter can ask for.</summary>
/// <param name="Name">As written in filters.</param>
/// <param name="Meaning">In a few words, for completion and documentation.</param>
/// <param name="Operators">Which comparisons make sense.</param>
/// <param name="Compile">Reads the value and makes the test; null with words on what would be right.</param>
/// <param name="Values">Known values, for completion.</param>
internal sealed record FilterField<T>(
    string Name, string Meaning, IReadOnlyList<FilterOperator> Operators, Func<FilterOperator, string, (Func<T, bool>? Test, string Expected)> Compile,
    IReadOnlyList<string> Values);

/// <summary>Makes fields of the kinds that there are.</summary>
internal static class FilterFields
{
    private static readonly FilterOperator[] OfText = [FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Contains];
    private static readonly FilterOperator[] OfNumber =
        [FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Less, FilterOperator.LessOrEqual, FilterOperator.Greater, FilterOperator.GreaterOrEqual];
    private static readonly FilterOperator[] OfAddress = [FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.In];

    /// <summary>A word, or one of several; case does not matter.</summary>
    public static FilterField<T> Text<T>(string name, string meaning, Func<T, string?> read, params string[] values) =>
        new(name, meaning, OfText, (comparison, value) => (comparison switch
        {
            FilterOperator.Equal => row => string.Equals(read(row), value, StringComparison.OrdinalIgnoreCase),
            FilterOperator.NotEqual => row => !string.Equals(read(row), value, StringComparison.OrdinalIgnoreCase),
            _ => row => read(row)?.Contains(value, StringComparison.OrdinalIgnoreCase) ?? false,
        }, ""), values);

    /// <summary>A number.</summary>
    public static FilterField<T> Number<T>(string name, string meaning, FilterUnit unit, Func<T, double?> read) =>
        new(name, meaning, OfNumber, (comparison, value) =>
        {
            if (!TryReadNumber(value, unit, out var wanted)) return (null, ExpectedNumber(unit));
            return (row => read(row) is { } number && Compare(comparison, number, wanted), "");
        }, []);

    /// <summary>A port, one of two where the row has two.</summary>
    public static FilterField<T> Port<T>(string name, string meaning, Func<T, (int, int)> read) =>
        new(name, meaning, OfNumber, (comparison, value) =>
        {
            if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > 65_535) return (null, "a port from 0 to 65535");
            // Neither is it, where it is asked for something else.
            if (comparison == FilterOperator.NotEqual) return (row => read(row) is var (a, b) && a != port && b != port, "");
            return (row => read(row) is var (a, b) && (Compare(comparison, a, port) || Compare(comparison, b, port)), "");
        }, []);

    /// <summary>An address, one of two where the row has two; or a network that overlaps.</summary>
    public static FilterField<T> Address<T>(string name, string meaning, Func<T, (FilterNetwork?, FilterNetwork?)> read) =>
        new(name, meaning, OfAddress, (comparison, value) =>
        {
            if (!FilterNetwork.TryParse(value, out var wanted)) return (null, "an address or a prefix, such as 192.168.60.0/24 or fd60::1");
            Func<T, bool> within = row => read(row) is var (a, b) && ((a?.Overlaps(wanted) ?? false) || (b?.Overlaps(wanted) ?? false));
            return (comparison == FilterOperator.NotEqual ? row => !within(row) : within, "");
        }, []);

    /// <summary>Reads 5, 1.5K, 10M, 200ms, 5m.</summary>
    public static bool TryReadNumber(string text, FilterUnit unit, out double number)
    {
        var digits = text.Length;
        while (digits > 0 && char.IsAsciiLetter(text[digits - 1])) digits--;
        if (!double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number)) return false;
        var factor = (unit, text[digits..].ToUpperInvariant()) switch
        {
            (_, "") => 1,
            (FilterUnit.Time, "MS") => 0.001,
            (FilterUnit.Time, "S") => 1,
            (FilterUnit.Time, "M" or "MIN") => 60,
            (FilterUnit.Time, "H") => 3600,
            (FilterUnit.Time, "D") => 86_400,
            (FilterUnit.Time, _) => double.NaN,
            (_, "K" or "KB") => 1e3,
            (_, "M" or "MB") => 1e6,
            (_, "G" or "GB") => 1e9,
            (FilterUnit.Bytes, "B") => 1,
            _ => double.NaN,
        };
        number *= factor;
        return !double.IsNaN(number);
    }

    private static string ExpectedNumber(FilterUnit unit) => unit switch
    {
        FilterUnit.Bytes => "a number of bytes, such as 1500, 20K or 1.5M",
        FilterUnit.Time => "a time, such as 200ms, 10s, 5m or 2h",
        _ => "a number, such as 100 or 20K",
    };

    private static bool Compare(FilterOperator comparison, double number, double wanted) => comparison switch
    {
        FilterOperator.Equal => number == wanted,
        FilterOperator.NotEqual => number != wanted,
        FilterOperator.Less => number < wanted,
        FilterOperator.LessOrEqual => number <= wanted,
        FilterOperator.Greater => number > wanted,
        _ => number >= wanted,
    };
}

/// <summary>An address or a network, ready to be compared often.</summary>
internal readonly record struct FilterNetwork(InetAddress Address, int PrefixLength)
{
    public static FilterNetwork Of(InetAddress address) => new(address, 128);

    public static FilterNetwork Of(IPNetwork network)
    {
        var address = InetAddress.From(network.BaseAddress);
        return new FilterNetwork(address, network.PrefixLength + (address.IsV4 ? InetAddress.V4PrefixOffset : 0));
    }

    public static bool TryParse(string text, out FilterNetwork network)
    {
        network = default;
        if (!Addresses.TryReadPrefix(text, out var prefix, out _)) return false;
        network = Of(prefix);
        return true;
    }

    /// <summary>Whether one holds the other.</summary>
    public bool Overlaps(in FilterNetwork other)
    {
        var length = Math.Min(PrefixLength, other.PrefixLength);
        var highMask = length == 0 ? 0 : ulong.MaxValue << Math.Max(64 - length, 0);
        var lowMask = length <= 64 ? 0 : ulong.MaxValue << (128 - length);
        return ((Address.High ^ other.Address.High) & highMask) == 0 && ((Address.Low ^ other.Address.Low) & lowMask) == 0;
    }
}
