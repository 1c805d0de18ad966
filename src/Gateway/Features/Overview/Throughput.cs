using System.Collections.Immutable;
using Gateway.Contracts.Live;
using Gateway.Engine;

namespace Gateway.Features.Overview;

/// <summary>What passed and what did not in the last 15 minutes: a reading each 5 s, whether somebody watches or not, so that who opens the dashboard sees what was.</summary>
internal sealed class Throughput(DataPlane dataPlane, TimeProvider time) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(15);

    private readonly Queue<Reading> _readings = new();
    private Recent _recent = new([], []);

    /// <summary>What is known now; an immutable object is swapped.</summary>
    public Recent Recent => Volatile.Read(ref _recent);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        Read();
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false)) Read();
    }

    private void Read()
    {
        var tunnels = dataPlane.GetTunnels();
        var drops = new long[DropReasons.Count];
        foreach (var tunnel in tunnels)
        {
            for (var i = 0; i < drops.Length; i++) drops[i] += tunnel.Drops[i];
        }

        _readings.Enqueue(new Reading(time.GetUtcNow(), time.GetTimestamp(), tunnels.Sum(tunnel => tunnel.ReceivedBytes), tunnels.Sum(tunnel => tunnel.SentBytes), drops));
        while (_readings.Count > (Window / Interval) + 1) _readings.Dequeue();
        var points = ImmutableArray.CreateBuilder<ThroughputPoint>(_readings.Count);
        var before = _readings.Peek();
        foreach (var reading in _readings.Skip(1))
        {
            var seconds = Math.Max(time.GetElapsedTime(before.Timestamp, reading.Timestamp).TotalSeconds, 0.001);
            // A counter goes down when peers or tunnels leave: what passed meanwhile is not known.
            points.Add(new ThroughputPoint(
                reading.At, Rate(reading.Received - before.Received, seconds), Rate(reading.Sent - before.Sent, seconds), Rate(reading.Drops.Sum() - before.Drops.Sum(), seconds)));
            before = reading;
        }

        var first = _readings.Peek();
        Volatile.Write(ref _recent, new Recent(points.DrainToImmutable(), [.. drops.Zip(first.Drops, (now, then) => Math.Max(now - then, 0))]));
    }

    private static double Rate(long difference, double seconds) => Math.Max(difference, 0) / seconds;

    private readonly record struct Reading(DateTimeOffset At, long Timestamp, long Received, long Sent, long[] Drops);
}

/// <summary>The last 15 minutes.</summary>
/// <param name="Points">Oldest first.</param>
/// <param name="Drops">Packets dropped in that time, by <see cref="DropReason"/>.</param>
internal sealed record Recent(ImmutableArray<ThroughputPoint> Points, ImmutableArray<long> Drops);
