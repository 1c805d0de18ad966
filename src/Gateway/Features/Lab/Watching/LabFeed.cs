using System.Runtime.CompilerServices;
using Gateway.Contracts.Lab;
using Gateway.Live;
using Gateway.Web;

namespace Gateway.Features.Lab.Watching;

/// <summary>
/// The packets of the six points in one order. Each host's capture says again and again until when it has told everything; what all of them have told
/// is put in order, recognised and kept: the newest few thousand. Nothing is captured while nobody watches and nothing runs.
/// </summary>
internal sealed class LabFeed(ILabHosts hosts, Hosting.GatewayOptions options, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private const int MostKept = 4000;
    private const int MostInUpdate = 250;
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestSync = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly PriorityQueue<(string Host, LabCaptureLine Line), long> _waiting = new();
    private readonly List<LabPacket> _packets = [];
    private LabJourneys _journeys = new();
    private Source[] _sources = [];
    private CancellationTokenSource? _stop;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _users;
    private long _next = 1;
    private long _lost;

    /// <summary>The number that the next packet gets.</summary>
    public long Next
    {
        get
        {
            lock (_gate) return _next;
        }
    }

    /// <summary>Captures until disposed.</summary>
    public IDisposable Open()
    {
        lock (_gate)
        {
            if (_users++ == 0)
            {
                _stop = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
                _journeys = new LabJourneys();
                _sources = [.. LabHosts.All.Select(host => new Source(host))];
                foreach (var source in _sources) _ = CaptureAsync(source, _stop.Token);
            }
        }

        return new Use(this);
    }

    /// <summary>Returns when everything that has passed until now is among the packets, or cannot be.</summary>
    public async Task SyncAsync(CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow().UtcTicks;
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < LongestSync)
        {
            Task changed;
            lock (_gate)
            {
                if (_sources.All(source => source.Problem is not null || source.UpTo >= until)) return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(LongestSync, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The packets from a number on that are still kept.</summary>
    public IReadOnlyList<LabPacket> Since(long number)
    {
        lock (_gate) return From(number);
    }

    /// <summary>Packets as they pass, until cancelled.</summary>
    public Outcome<IAsyncEnumerable<LabPacketsUpdate>> Watch(CancellationToken cancellationToken) => options.Lab is null
        ? new Failure(FailureKind.NotFound, "This gateway is in no lab: make lab sets one up.", []) : Outcome.Of(WatchAsync(cancellationToken));

    private async IAsyncEnumerable<LabPacketsUpdate> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var use = Open();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        var (next, lostTold) = (Next, Interlocked.Read(ref _lost));
        IReadOnlyList<string> told = [];
        while (!ends.IsCancellationRequested)
        {
            Task changed;
            List<LabPacket> packets;
            IReadOnlyList<string> problems;
            long skipped;
            lock (_gate)
            {
                changed = _changed.Task;
                packets = From(next);
                problems = [.. _sources.Where(source => source.Problem is not null).Select(source => source.Problem!)];
                skipped = _next - next - packets.Count + _lost - lostTold;
                (next, lostTold) = (_next, _lost);
            }

            if (packets.Count > MostInUpdate) (packets, skipped) = (packets[^MostInUpdate..], skipped + packets.Count - MostInUpdate);
            if (packets.Count > 0 || skipped > 0 || !problems.SequenceEqual(told))
            {
                told = problems;
                yield return new LabPacketsUpdate { At = time.GetUtcNow(), Packets = packets, Skipped = skipped, Problems = problems };
                await Task.Delay(Sampler<LabPacketsUpdate>.ShortestPeriod, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await changed.WaitAsync(ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task CaptureAsync(Source source, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await foreach (var line in hosts.CaptureAsync(source.Host, stop).ConfigureAwait(false)) Take(source, line);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (IOException exception)
            {
                lock (_gate) source.Problem = exception.Message;
                Advance();
            }

            await Task.Delay(AgainAfter, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Take(Source source, LabCaptureLine line)
    {
        if (line.At != 0)
        {
            lock (_gate) _waiting.Enqueue((source.Host, line), line.At);
            return;
        }

        lock (_gate)
        {
            (source.UpTo, source.Problem) = (line.UpTo, null);
            _lost += line.Lost;
        }

        Advance();
    }

    /// <summary>Puts in order what all hosts have told.</summary>
    private void Advance()
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            var until = _sources.Where(source => source.Problem is null).Select(source => source.UpTo).DefaultIfEmpty(long.MaxValue).Min();
            while (_waiting.TryPeek(out var first, out var at) && at <= until)
            {
                _waiting.Dequeue();
                if (_journeys.Read(_next, first.Host, first.Line) is not { } packet) continue;
                _packets.Add(packet);
                _next++;
            }

            if (_packets.Count > MostKept) _packets.RemoveRange(0, _packets.Count - MostKept);
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }

    // Numbers follow each other.
    private List<LabPacket> From(long number) => _packets.Count == 0 || number >= _next ? [] : _packets[(int)Math.Max(0, number - _packets[0].Number)..];

    private void Leave()
    {
        lock (_gate)
        {
            if (--_users > 0) return;
            _stop!.Cancel();
            _stop.Dispose();
            _waiting.Clear();
            _packets.Clear();
        }
    }

    private sealed class Source(string host)
    {
        public string Host { get; } = host;

        public long UpTo { get; set; }

        public string? Problem { get; set; }
    }

    private sealed class Use(LabFeed feed) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) feed.Leave();
        }
    }
}
