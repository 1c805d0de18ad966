using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Features.Explain.Remedies;
using Gateway.Live;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>Whether the VPN is well, within five seconds.</summary>
public sealed partial class Overview : DashboardPage
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly string[] States = [PeerStates.Working, PeerStates.ReceiveOnly, PeerStates.SendOnly, PeerStates.HandshakeOnly, PeerStates.Idle, PeerStates.Never];

    private OverviewUpdate? _now;
    private readonly List<AppliedRemedy> _applied = [];
    private Failure? _failure;
    private List<ChartSeries<double>> _series = [];
    private DateTimeOffset? _drawn;

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    private int Peers => _now?.PeersByState.Values.Sum() ?? 0;

    // Nobody has ever connected: empty charts would tell nothing.
    private bool IsNew => _now is { } now && Peers == now.PeersByState.GetValueOrDefault(PeerStates.Never) && now.Tunnels.All(t => t.ReceivedBytes == 0);

    /// <inheritdoc/>
    protected override Task LoadAsync()
    {
        _failure = Watch(Feed.Overview, ShowAsync, Pause);
        return Task.CompletedTask;
    }

    private Task ShowAsync(OverviewUpdate update)
    {
        _now = update;
        var newest = update.Throughput.Count > 0 ? update.Throughput[^1].At : (DateTimeOffset?)null;
        // The chart is drawn anew only when there is a new point.
        if (newest == _drawn) return Task.CompletedTask;
        _drawn = newest;
        _series =
        [
            Series(L["In"], update.Throughput, point => point.ReceivedRate),
            Series(L["Out"], update.Throughput, point => point.SentRate),
        ];
        return Task.CompletedTask;
    }

    private static ChartSeries<double> Series(string name, IReadOnlyList<ThroughputPoint> points, Func<ThroughputPoint, double> rate) =>
        new() { Name = name, Data = new ChartData<double>([.. points.Select(p => (p.At.UtcDateTime, rate(p)))]) };

    // Where a person can do something about it.
    private static string Place(Warning warning) =>
        warning.What.Contains("unnel", StringComparison.Ordinal) && !warning.What.Contains("forward", StringComparison.Ordinal) ? "/tunnels" : "/interfaces";
}
