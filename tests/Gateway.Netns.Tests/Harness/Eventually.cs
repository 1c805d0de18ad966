using System.Diagnostics;

namespace Gateway.Netns.Tests.Harness;

/// <summary>Waits for what becomes true by itself: looks often, gives up at a deadline and then says what it last saw.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    /// <summary>The default deadline: generous, as only a failing test waits so long.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static Task True(Func<bool> condition, string what, TimeSpan? deadline = null) =>
        True(() => Task.FromResult(condition()), what, deadline);

    public static async Task True(Func<Task<bool>> condition, string what, TimeSpan? deadline = null) =>
        _ = await Get(async () => await condition() ? "" : null, what, deadline);

    /// <summary>The first value that is not null.</summary>
    public static async Task<T> Get<T>(Func<Task<T?>> look, string what, TimeSpan? deadline = null, Func<string>? lastSeen = null)
        where T : class
    {
        var limit = deadline ?? Deadline;
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (await look() is { } found) return found;
            if (clock.Elapsed > limit) throw new TimeoutException($"not within {limit.TotalSeconds:0.#} s: {what}{(lastSeen is null ? "" : $"; last seen: {lastSeen()}")}");
            await Task.Delay(Interval);
        }
    }

    /// <summary>Holds for the whole time: looks until it is over and fails at the first look that finds otherwise.</summary>
    public static async Task Stays(Func<bool> condition, string what, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < time)
        {
            if (!condition()) throw new InvalidOperationException($"after {clock.Elapsed.TotalSeconds:0.0} s no longer: {what}");
            await Task.Delay(Interval);
        }
    }
}
