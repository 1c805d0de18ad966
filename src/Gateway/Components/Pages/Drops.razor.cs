using Gateway.Contracts.Live;
using Gateway.Features.Drops;
using Gateway.Live;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>The drop ledger: what was not passed on, of whom, to where, and why.</summary>
public sealed partial class Drops : DashboardPage
{
    private const string DefaultOrder = "-last";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private DropsUpdate? _now;
    private Failure? _failure;
    private DropsQuery? _watched;
    private bool _paused;

    /// <summary>An expression of the filter language.</summary>
    [SupplyParameterFromQuery]
    public string? Filter { get; set; }

    /// <summary>What the lines are sorted by.</summary>
    [SupplyParameterFromQuery(Name = "sort")]
    public string? Sort { get; set; }

    /// <summary>The line that shows its sample.</summary>
    [SupplyParameterFromQuery]
    public string? Open { get; set; }

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayExplain => Caller.May(Permission.Explain);

    private string Order => Sort ?? DefaultOrder;

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var query = new DropsQuery { Filter = Filter, Sort = Order };
        if (!RendererInfo.IsInteractive || query == _watched) return;
        _watched = query;
        _failure = Watch(cancellation => Feed.Drops(query, cancellation), ShowAsync, Pause);
    }

    private Task ShowAsync(DropsUpdate update)
    {
        if (!_paused || _now is null) _now = update;
        return Task.CompletedTask;
    }

    private void SetOrder(string order) => SetQuery("sort", order == DefaultOrder ? null : order);

    private string Meaning(string reason) => L[$"why.{reason}"] is { ResourceNotFound: false } text ? text : "";

    private (int, IReadOnlyList<string>) Complete(string text)
    {
        var completion = DropFields.Language.Complete(text, text.Length, field => (_now?.Drops ?? []).Select(d => field switch
        {
            "peer" => d.Peer,
            "tunnel" => d.Tunnel,
            "dst" => d.Destination,
            _ => null,
        }).OfType<string>().Distinct());
        return (completion.Start, completion.Words);
    }
}
