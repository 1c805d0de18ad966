using Gateway.Contracts.Live;
using Gateway.Features.Events;
using Gateway.Live;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>What happened, newest first, and live.</summary>
public sealed partial class Events : DashboardPage
{
    private const int MostShown = 500;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private List<EventRow>? _events;
    private EventsQuery? _watched;
    private Failure? _failure;
    private long _skipped;
    private bool _paused;

    /// <summary>An expression of the filter language.</summary>
    [SupplyParameterFromQuery]
    public string? Filter { get; set; }

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayExplain => Caller.May(Permission.Explain);

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var query = new EventsQuery { Filter = Filter, Past = MostShown };
        if (!RendererInfo.IsInteractive || query == _watched) return;
        _watched = query;
        (_events, _skipped) = (null, 0);
        _failure = Watch(cancellation => Feed.Events(query, cancellation), ShowAsync, Pause);
    }

    // What came while the list is held waits in the feed.
    private async Task ShowAsync(EventsUpdate update)
    {
        while (_paused && _events is not null) await Task.Delay(Pause, Clock, Leaving);
        _events ??= [];
        _skipped += update.Skipped;
        _events.InsertRange(0, update.Events.Reverse());
        if (_events.Count > MostShown) _events.RemoveRange(MostShown, _events.Count - MostShown);
    }

    private static (int, IReadOnlyList<string>) Complete(string text)
    {
        var completion = EventFields.Language.Complete(text, text.Length);
        return (completion.Start, completion.Words);
    }
}
