using System.Runtime.CompilerServices;

namespace Gateway.Live;

/// <summary>What was seen, and how many looks lie between it and the one that its watcher saw before.</summary>
internal readonly record struct Sample<T>(T Value, long Skipped);

/// <summary>
/// Looks at something again and again for as long as somebody watches, once for all of them, and sleeps when nobody does. A watcher always gets
/// the newest look: one that was busy meanwhile is told how many it missed. Looking never takes more than a tenth of one core: the longer a look
/// takes, the longer the pause behind it.
/// </summary>
/// <param name="what">What is looked at, for the log.</param>
/// <param name="look">Takes one look. Never called by two threads at once.</param>
/// <param name="period">The shortest time between two looks.</param>
/// <param name="time">What time it is.</param>
/// <param name="logger">Told of looks that fail.</param>
/// <param name="stopping">The host stops: so do all watchers.</param>
internal sealed partial class Sampler<T>(string what, Func<CancellationToken, ValueTask<T>> look, TimeSpan period, TimeProvider time, ILogger logger, CancellationToken stopping)
    where T : class
{
    /// <summary>At most four updates a second reach a watcher.</summary>
    public static readonly TimeSpan ShortestPeriod = TimeSpan.FromMilliseconds(250);

    private const int PausePerCost = 9;

    private readonly Lock _gate = new();
    private int _watchers;
    private CancellationTokenSource? _stop;
    private Task _looking = Task.CompletedTask;
    private long _number;
    private T? _latest;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether it is looking: somebody watches.</summary>
    public bool IsAwake
    {
        get
        {
            lock (_gate) return _watchers > 0;
        }
    }

    /// <summary>Watches until cancelled, or until the host stops.</summary>
    public async IAsyncEnumerable<Sample<T>> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        var seen = -1L;
        Enter();
        try
        {
            while (true)
            {
                Task next;
                Sample<T>? sample = null;
                lock (_gate)
                {
                    next = _next.Task;
                    if (_latest is { } latest && _number > seen)
                    {
                        sample = new Sample<T>(latest, seen < 0 ? 0 : _number - seen - 1);
                        seen = _number;
                    }
                }

                if (sample is { } value) yield return value;
                else await next.WaitAsync(ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (ends.IsCancellationRequested) yield break;
            }
        }
        finally
        {
            Leave();
        }
    }

    private void Enter()
    {
        lock (_gate)
        {
            if (_watchers++ > 0) return;
            _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            _looking = LookAsync(_looking, _stop.Token);
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_watchers > 0) return;
            _stop!.Cancel();
            _stop.Dispose();
            _stop = null;
            // Who comes next shall not see what was.
            _latest = null;
        }
    }

    private async Task LookAsync(Task previous, CancellationToken stop)
    {
        await previous.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!stop.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            try
            {
                var value = await look(stop).ConfigureAwait(false);
                Publish(value, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // Watchers keep what they saw last; the next look may do better.
                LogFailed(what, exception);
            }

            var cost = time.GetElapsedTime(started);
            var pause = cost * PausePerCost > period ? cost * PausePerCost : period;
            await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Publish(T value, CancellationToken stop)
    {
        TaskCompletionSource next;
        lock (_gate)
        {
            if (stop.IsCancellationRequested) return;
            _latest = value;
            _number++;
            next = _next;
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        next.SetResult();
    }

    [LoggerMessage(EventId = 1301, Level = LogLevel.Error, Message = "A look at the {What} failed; watchers keep what they saw last")]
    private partial void LogFailed(string what, Exception exception);
}
