using System.Runtime.CompilerServices;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Features.Status;
using Gateway.Live;
using Gateway.Security;

namespace Gateway.Features.Overview;

/// <summary>The whole at a glance, live: one look a second for all who watch.</summary>
internal sealed class OverviewWatch
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Warnings need the database and the kernel, and nothing about them is hasty.</summary>
    private static readonly TimeSpan WarningsEvery = TimeSpan.FromSeconds(5);

    private readonly DataPlane _dataPlane;
    private readonly IServiceScopeFactory _scopes;
    private readonly Throughput _throughput;
    private readonly TimeProvider _time;
    private readonly Sampler<OverviewUpdate> _sampler;
    private readonly Dictionary<Guid, (RateMeter Received, RateMeter Sent)> _rates = [];
    private readonly RateMeter[] _dropRates = new RateMeter[DropReasons.Count];
    private IReadOnlyList<Warning> _warnings = [];
    private long? _warningsAt;

    public OverviewWatch(DataPlane dataPlane, IServiceScopeFactory scopes, Throughput throughput, TimeProvider time, ILogger<OverviewWatch> logger, IHostApplicationLifetime lifetime)
    {
        _dataPlane = dataPlane;
        _scopes = scopes;
        _throughput = throughput;
        _time = time;
        _sampler = new Sampler<OverviewUpdate>("overview", LookAsync, Period, time, logger, lifetime.ApplicationStopping);
    }

    /// <summary>Watches until cancelled.</summary>
    public async IAsyncEnumerable<OverviewUpdate> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (update, skipped) in _sampler.WatchAsync(cancellationToken)) yield return skipped == 0 ? update : update with { Skipped = skipped };
    }

    private async ValueTask<OverviewUpdate> LookAsync(CancellationToken cancellationToken)
    {
        await using var scope = _scopes.CreateAsyncScope();
        // One look serves all who watch; whether they may is asked of each by the feed.
        scope.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.System);
        var status = scope.ServiceProvider.GetRequiredService<StatusService>();
        if (_warningsAt is not { } at || _time.GetElapsedTime(at) >= WarningsEvery)
        {
            if ((await status.GetAsync(cancellationToken)).Succeeded(out var whole, out _)) _warnings = whole.Warnings;
            _warningsAt = _time.GetTimestamp();
        }

        var tunnels = _dataPlane.GetTunnels();
        var now = _time.GetUtcNow();
        var nowTicks = _dataPlane.NowTicks;
        var recent = _throughput.Recent;
        var states = tunnels.SelectMany(tunnel => _dataPlane.GetPeers(tunnel.Id)).CountBy(peer => LiveStatus.State(peer, now)).ToDictionary(pair => pair.Key, pair => pair.Value);
        return new OverviewUpdate
        {
            At = now,
            Revision = status.GetRevision(),
            Tunnels = [.. tunnels.Select(tunnel => Show(tunnel, nowTicks)).OrderBy(row => row.Name, StringComparer.Ordinal)],
            PeersByState = states,
            Drops = [.. Enumerable.Range(0, DropReasons.Count).Select(i => Drops(i, tunnels.Sum(tunnel => tunnel.Drops[i]), recent, nowTicks))
                .Where(drop => drop.Packets > 0 || drop.Rate > 0).OrderByDescending(drop => drop.Packets)],
            Throughput = recent.Points,
            Warnings = _warnings,
        };
    }

    private DropRate Drops(int reason, long total, Recent recent, long nowTicks) =>
        new(DropReasons.Describe((DropReason)reason), recent.Drops.IsEmpty ? 0 : recent.Drops[reason], _dropRates[reason].Read(total, nowTicks));

    private TunnelRow Show(TunnelStatus tunnel, long nowTicks)
    {
        var rates = _rates.GetValueOrDefault(tunnel.Id);
        rates.Received.Read(tunnel.ReceivedBytes, nowTicks);
        rates.Sent.Read(tunnel.SentBytes, nowTicks);
        _rates[tunnel.Id] = rates;
        return new TunnelRow
        {
            Id = tunnel.Id,
            Name = tunnel.Name,
            State = tunnel.State switch { TunnelState.Up => "up", TunnelState.Failed => "failed", _ => "opening" },
            Cause = tunnel.Cause,
            Remedy = tunnel.Remedy,
            Peers = tunnel.PeerCount,
            ReceivedBytes = tunnel.ReceivedBytes,
            SentBytes = tunnel.SentBytes,
            ReceivedRate = rates.Received.Rate,
            SentRate = rates.Sent.Rate,
            Drops = tunnel.Drops.Sum(),
        };
    }
}
