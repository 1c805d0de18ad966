using Gateway.Live;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Live;

public sealed class SamplerTests
{
    private static readonly TimeSpan Period = Sampler<string>.ShortestPeriod;

    private readonly FakeTimeProvider _time = new();
    private int _looks;

    [Fact]
    public async Task Sampler_WithoutWatchers_Sleeps()
    {
        var sampler = Make();
        await using (var watcher = sampler.WatchAsync(default).GetAsyncEnumerator())
        {
            await Next(watcher);
            Assert.True(sampler.IsAwake);
        }

        Assert.False(sampler.IsAwake);
        var looks = _looks;
        for (var i = 0; i < 10; i++) _time.Advance(Period);
        Assert.Equal(looks, _looks);
    }

    [Fact]
    public async Task Watchers_Ten_ShareOneLook()
    {
        var sampler = Make();
        var watchers = Enumerable.Range(0, 10).Select(_ => sampler.WatchAsync(default).GetAsyncEnumerator()).ToList();
        foreach (var watcher in watchers) await Next(watcher);
        Assert.Equal(1, _looks);
        var next = watchers.ConvertAll(watcher => watcher.MoveNextAsync().AsTask());
        await AdvanceUntil(() => next.TrueForAll(task => task.IsCompleted));
        Assert.Equal(2, _looks);
        Assert.All(watchers, watcher => Assert.Equal("look 2", watcher.Current.Value));
        foreach (var watcher in watchers) await watcher.DisposeAsync();
    }

    [Fact]
    public async Task Watcher_Slow_GetsTheNewestAndHowManyItMissed()
    {
        var sampler = Make();
        await using var slow = sampler.WatchAsync(default).GetAsyncEnumerator();
        await using var fast = sampler.WatchAsync(default).GetAsyncEnumerator();
        Assert.Equal(0, (await Next(slow)).Skipped);
        while (_looks < 6)
        {
            var next = fast.MoveNextAsync().AsTask();
            await AdvanceUntil(() => next.IsCompleted);
        }

        var sample = await Next(slow);
        Assert.Equal($"look {_looks}", sample.Value);
        Assert.Equal(_looks - 2, sample.Skipped);
    }

    [Fact]
    public async Task Updates_HoweverMuchHappens_AreAtMostFourASecond()
    {
        var sampler = Make();
        await using var watcher = sampler.WatchAsync(default).GetAsyncEnumerator();
        await Next(watcher);
        var next = watcher.MoveNextAsync().AsTask();
        // The pause begins when the look has ended; let it.
        await Eventually.True(() => Task.FromResult(_looks == 1), "the first look");
        for (var i = 0; i < 8; i++)
        {
            _time.Advance(Period / 10);
            Assert.False(next.IsCompleted);
        }

        await AdvanceUntil(() => next.IsCompleted);
        Assert.Equal(2, _looks);
    }

    [Fact]
    public async Task Look_ThatFails_IsTriedAgain()
    {
        var sampler = new Sampler<string>("test", _ => Interlocked.Increment(ref _looks) == 1 ? throw new InvalidOperationException("broken") : ValueTask.FromResult("fine"), Period, _time, NullLogger.Instance, default);
        await using var watcher = sampler.WatchAsync(default).GetAsyncEnumerator();
        var next = watcher.MoveNextAsync().AsTask();
        await AdvanceUntil(() => next.IsCompleted);
        Assert.Equal("fine", watcher.Current.Value);
    }

    [Fact]
    public async Task Host_Stopping_EndsAllWatchers()
    {
        using var stopping = new CancellationTokenSource();
        var sampler = new Sampler<string>("test", _ => ValueTask.FromResult("x"), Period, _time, NullLogger.Instance, stopping.Token);
        await using var watcher = sampler.WatchAsync(default).GetAsyncEnumerator();
        await Next(watcher);
        var next = watcher.MoveNextAsync().AsTask();
        await stopping.CancelAsync();
        Assert.False(await next.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    private Sampler<string> Make() =>
        new("test", _ => ValueTask.FromResult($"look {Interlocked.Increment(ref _looks)}"), Period, _time, NullLogger.Instance, default);

    private static async Task<Sample<string>> Next(IAsyncEnumerator<Sample<string>> watcher)
    {
        Assert.True(await watcher.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        return watcher.Current;
    }

    private async Task AdvanceUntil(Func<bool> condition) => await Eventually.True(
        () =>
        {
            if (condition()) return Task.FromResult(true);
            _time.Advance(Period);
            return Task.FromResult(condition());
        },
        "the sampler");
}
