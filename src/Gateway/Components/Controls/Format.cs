using System.Globalization;

namespace Gateway.Components.Controls;

/// <summary>Figures as people read them. Rates of data are bits a second, amounts are bytes, both in steps of a thousand.</summary>
internal static class Format
{
    private static readonly string[] Prefixes = ["", "k", "M", "G", "T", "P"];

    public static string Bytes(double bytes) => Scale(bytes, "B");

    public static string BitRate(double bytesPerSecond) => Scale(bytesPerSecond * 8, "bit/s");

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A few a second have a digit behind the point.</summary>
    public static string PerSecond(double rate) => rate is > 0 and < 10 ? rate.ToString("0.#", CultureInfo.InvariantCulture) : Count((long)rate);

    public static string Milliseconds(double milliseconds) => string.Create(CultureInfo.InvariantCulture,
        $"{milliseconds.ToString(milliseconds < 10 ? "0.0" : "0", CultureInfo.InvariantCulture)} ms");

    public static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (int)time.TotalSeconds)} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d"),
    };

    /// <summary>The moment itself, in UTC: what logs show too.</summary>
    public static string Moment(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Scale(double value, string unit)
    {
        var step = 0;
        while (value >= 999.5 && step < Prefixes.Length - 1)
        {
            value /= 1000;
            step++;
        }

        var digits = step == 0 || value >= 99.5 ? "0" : value >= 9.95 ? "0.0" : "0.00";
        return $"{value.ToString(digits, CultureInfo.InvariantCulture)} {Prefixes[step]}{unit}";
    }
}
