using System.Runtime.CompilerServices;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Hosting;
using Gateway.Live;
using Gateway.Web;

namespace Gateway.Features.Packets.Watching;

/// <summary>
/// Live packets. A screen shows a few hundred a second, so a watcher looks at a bounded share of what passes and is told how much it did not see;
/// a capture takes all that the taps still hold.
/// </summary>
internal sealed class PacketFeed(DataPlane dataPlane, TimeProvider time, GatewayOptions options, IHostApplicationLifetime lifetime)
{
    /// <summary>Rows in an update; at four updates a second more than anybody reads.</summary>
    public const int MaxRows = 250;

    private const int HeaderSnapBytes = 256, PayloadSnapBytes = 2048;

    /// <summary>Packets looked at in one go, of each tunnel: at twenty goes a second about a hundredth of a core.</summary>
    private const int LooksAtOnce = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>First bytes that a tap keeps of each packet: all headers, and whole packets of a usual size where payload may be seen.</summary>
    public static int SnapBytes(GatewayOptions options) => options.ShowPayload ? PayloadSnapBytes : HeaderSnapBytes;

    /// <summary>Reads and checks a query and arms the taps; the caller disposes of it.</summary>
    public Outcome<PacketWatcher> Open(PacketsQuery query)
    {
        if (query.Verdict is not (null or PacketVerdicts.Passed or PacketVerdicts.Dropped))
            return Failure.Of(FailureKind.Malformed, "verdict", $"'{query.Verdict}' is not known.", "It is passed or dropped; left out, both.");
        var tunnels = dataPlane.GetTunnels();
        if (query.Tunnel is { } name && tunnels.All(tunnel => tunnel.Name != name)) return Failure.NotFound("tunnel", name);
        if (query.Peer is { } peer && !tunnels.Any(tunnel => dataPlane.GetPeerNames(tunnel.Id).Any(known => known.Name == peer || known.Id.ToString() == peer)))
            return Failure.NotFound("peer", peer);
        if (!CaptureFilter.Compile(query.Filter, forFrames: true, SnapBytes(options)).Succeeded(out var filter, out var failure)) return failure;
        return new PacketWatcher(dataPlane, time, query, filter, SnapBytes(options), options.ShowPayload);
    }

    /// <summary>Watches for a screen.</summary>
    public Outcome<IAsyncEnumerable<PacketsUpdate>> Watch(PacketsQuery query, CancellationToken cancellationToken)
    {
        // Checked now, armed when somebody reads: a stream that nobody ever reads must not keep the taps armed.
        if (!Open(query).Succeeded(out var watcher, out var failure)) return failure;
        watcher.Dispose();
        return Outcome.Of(WatchAsync(query, cancellationToken));
    }

    /// <summary>Hands over every packet that matches, as fast as the taps give them, until cancelled or the taker has enough.</summary>
    /// <param name="watcher">Where from.</param>
    /// <param name="take">Gets each packet; its bytes are in the watcher's buffer.</param>
    /// <param name="pause">Called between two looks, with the packets lost since the last; false ends the capture.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task CaptureAsync(PacketWatcher watcher, Action<SeenPacket> take, Func<long, ValueTask<bool>> pause, CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        while (!ends.IsCancellationRequested)
        {
            watcher.Refresh();
            var isBusy = watcher.Read(LooksAtOnce, take);
            if (!await pause(watcher.TakeLost())) return;
            if (!isBusy) await Task.Delay(Interval, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async IAsyncEnumerable<PacketsUpdate> WatchAsync(PacketsQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!Open(query).Succeeded(out var opened, out _)) yield break;
        using var watcher = opened;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        // Most of a busy tunnel's packets are overtaken by newer ones before they are sent: rows are made only of those that are.
        var waiting = new Queue<(long Number, SeenPacket Packet, byte[] Data)>();
        var (number, skipped, sentAt) = (0L, 0L, (long?)null);
        while (!ends.IsCancellationRequested)
        {
            watcher.Refresh();
            watcher.Read(LooksAtOnce, packet =>
            {
                if (waiting.Count == MaxRows)
                {
                    waiting.Dequeue();
                    skipped++;
                }

                waiting.Enqueue((++number, packet, watcher.Data(packet)));
            });
            skipped += watcher.TakeLost();
            if ((waiting.Count > 0 || skipped > 0) && (sentAt is not { } at || time.GetElapsedTime(at) >= Sampler<PacketsUpdate>.ShortestPeriod))
            {
                sentAt = time.GetTimestamp();
                var update = new PacketsUpdate { At = time.GetUtcNow(), Packets = [.. waiting.Select(one => PacketRows.Make(one.Number, one.Packet, one.Data, dataPlane))], Skipped = skipped };
                waiting.Clear();
                skipped = 0;
                yield return update;
            }

            await Task.Delay(Interval, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
