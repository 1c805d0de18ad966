namespace Gateway.Reconcile;

/// <summary>
/// Tries again what the kernel refused, with growing pauses, until it succeeds. Armed any number of times it runs once.
/// </summary>
/// <param name="attempt">One try; true when nothing is left to try.</param>
/// <param name="time">The pauses' clock.</param>
internal sealed class Retry(Func<CancellationToken, Task<bool>> attempt, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _running = Task.CompletedTask;

    public void Arm()
    {
        lock (_gate)
        {
            if (_running.IsCompleted && !_stop.IsCancellationRequested) _running = RunAsync(_stop.Token);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        for (var pause = FirstPause; ; pause = pause * 2 > LongestPause ? LongestPause : pause * 2)
        {
            await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested || await attempt(stop)) return;
        }
    }
}
