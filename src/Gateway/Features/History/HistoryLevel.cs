using Gateway.Contracts.Live;

namespace Gateway.Features.History;

/// <summary>
/// One resolution of the history. The kept spans bound the table: 2,880 + 840 + 731 periods of a peer that is never quiet, at about 40 bytes each,
/// are 180 KB a peer (HistoryTests measures it).
/// </summary>
/// <param name="Number">Its place in a row's number.</param>
/// <param name="Step">Its name in the API.</param>
/// <param name="Period">How long a point is.</param>
/// <param name="Kept">How far back it goes.</param>
/// <param name="Shown">How far back an answer goes that is asked for nothing else.</param>
internal sealed record HistoryLevel(int Number, string Step, TimeSpan Period, TimeSpan Kept, TimeSpan Shown)
{
    private const int LevelShift = 50, PeriodShift = 24;

    /// <summary>Periods count from here; 26 bits of minutes reach to 2147.</summary>
    private static readonly DateTimeOffset s_origin = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly HistoryLevel Minute = new(0, HistorySteps.Minute, TimeSpan.FromMinutes(1), TimeSpan.FromHours(48), TimeSpan.FromHours(1));
    public static readonly HistoryLevel Hour = new(1, HistorySteps.Hour, TimeSpan.FromHours(1), TimeSpan.FromDays(35), TimeSpan.FromHours(48));
    public static readonly HistoryLevel Day = new(2, HistorySteps.Day, TimeSpan.FromDays(1), TimeSpan.FromDays(731), TimeSpan.FromDays(30));

    /// <summary>The finest first.</summary>
    public static IReadOnlyList<HistoryLevel> All { get; } = [Minute, Hour, Day];

    /// <summary>The most subjects that a row's number can name.</summary>
    public const int MaxSubject = (1 << PeriodShift) - 1;

    /// <summary>Which period a time lies in.</summary>
    public long PeriodOf(DateTimeOffset at) => Math.Max((at - s_origin).Ticks / Period.Ticks, 0);

    /// <summary>When a period starts.</summary>
    public DateTimeOffset StartOf(long period) => s_origin + (Period * period);

    /// <summary>The number of a row.</summary>
    public long RowOf(long period, int subject) => ((long)Number << LevelShift) | (period << PeriodShift) | (uint)subject;

    /// <summary>The period of a row's number.</summary>
    public static long PeriodOfRow(long row) => (row >> PeriodShift) & ((1L << (LevelShift - PeriodShift)) - 1);
}
