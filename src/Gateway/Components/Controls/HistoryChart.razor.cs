using Gateway.Contracts.Live;
using Gateway.Features.History;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Controls;

/// <summary>What passed over hours, weeks and a year, of a tunnel or of a peer. It survives restarts.</summary>
public sealed partial class HistoryChart : ComponentBase
{
    private static readonly Dictionary<string, TimeSpan> Spans = new(StringComparer.Ordinal)
    {
        ["Hours"] = TimeSpan.FromHours(6),
        ["Day"] = TimeSpan.FromDays(1),
        ["Month"] = TimeSpan.FromDays(30),
        ["Year"] = TimeSpan.FromDays(365),
    };

    private string _span = "Hours";
    private HistoryResponse? _history;
    private List<ChartSeries<double>> _series = [];
    private Failure? _failure;

    /// <summary>Of this tunnel.</summary>
    [Parameter]
    public string? Tunnel { get; set; }

    /// <summary>Of this peer.</summary>
    [Parameter]
    public Guid? PeerId { get; set; }

    [Inject]
    private HistoryService Service { get; set; } = default!;

    /// <inheritdoc/>
    protected override Task OnInitializedAsync() => ReadAsync();

    private Task ChooseAsync(string span)
    {
        _span = span;
        return ReadAsync();
    }

    private async Task ReadAsync()
    {
        var from = Clock.GetUtcNow() - Spans[_span];
        if (!(await Service.GetAsync(new HistoryQuery(Tunnel, PeerId?.ToString(), from), CancellationToken.None)).Succeeded(out _history, out _failure)) return;
        var length = _history.Step switch { HistorySteps.Minute => TimeSpan.FromMinutes(1), HistorySteps.Hour => TimeSpan.FromHours(1), _ => TimeSpan.FromDays(1) };
        _series = [Series(L["In"], length, p => p.ReceivedBytes), Series(L["Out"], length, p => p.SentBytes)];
    }

    // Periods in which nothing passed are not kept: they are drawn as nothing, not as a line between their neighbours.
    private ChartSeries<double> Series(string name, TimeSpan length, Func<HistoryPoint, long> bytes)
    {
        var known = _history!.Points.ToDictionary(p => p.At);
        var times = new List<(DateTime, double)>();
        for (var at = _history.From; at < _history.To; at += length)
            times.Add((at.UtcDateTime, known.TryGetValue(at, out var point) ? bytes(point) / length.TotalSeconds : 0));
        return new ChartSeries<double> { Name = name, Data = new ChartData<double>(times) };
    }
}
