namespace Gateway.Live;

/// <summary>
/// Turns a counter that somebody reads now and then into a rate, smoothed over about a second so that it can be read, and down to zero soon after
/// the counter stands still.
/// </summary>
internal struct RateMeter
{
    private const double SmoothSeconds = 1;

    /// <summary>Readings further apart say nothing about now: nobody watched in between.</summary>
    private const double LongestGapSeconds = 5;

    private long _total, _ticks;
    private int _readings;

    /// <summary>Units a second.</summary>
    public double Rate { get; private set; }

    /// <summary>Takes a reading. A counter that went down has begun anew.</summary>
    /// <param name="total">The counter.</param>
    /// <param name="nowTicks">When it was read, in ticks of 100 ns that never run backwards.</param>
    public double Read(long total, long nowTicks)
    {
        var seconds = (nowTicks - _ticks) / (double)TimeSpan.TicksPerSecond;
        if (_readings == 0 || seconds > LongestGapSeconds)
        {
            Rate = 0;
            _readings = 0;
        }
        else if (seconds <= 0)
        {
            return Rate;
        }
        else
        {
            var rate = (total >= _total ? total - _total : total) / seconds;
            var share = _readings == 1 ? 1 : 1 - Math.Exp(-seconds / SmoothSeconds);
            Rate += (rate - Rate) * share;
            // What nobody would notice is nothing, so that a row that is over stops changing.
            if (rate == 0 && Rate < 1) Rate = 0;
        }

        (_total, _ticks) = (total, nowTicks);
        if (_readings < 2) _readings++;
        return Rate;
    }
}
