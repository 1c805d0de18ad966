using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components;

/// <summary>
/// A page that reads from the services. The first answer to a browser has the frame and skeletons only; data is read once, when the circuit is there.
/// </summary>
public abstract class DashboardPage : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource _leaving = new();
    private CancellationTokenSource? _watching;

    /// <summary>Where the page is, and goes.</summary>
    [Inject]
    protected NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private TimeProvider Clock { get; set; } = default!;

    /// <summary>Cancelled when the person leaves the page.</summary>
    protected CancellationToken Leaving => _leaving.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads what the page shows; called once.</summary>
    protected abstract Task LoadAsync();

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        if (!RendererInfo.IsInteractive) return;
        try
        {
            await LoadAsync();
        }
        catch (OperationCanceledException) when (Leaving.IsCancellationRequested)
        {
            // Left before it was read.
        }
    }

    /// <summary>Reads again and again until the person leaves.</summary>
    protected async Task RepeatAsync(TimeSpan period, Func<Task> read)
    {
        using var timer = new PeriodicTimer(period, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(Leaving))
            {
                await read();
                StateHasChanged();
            }
        }
        catch (OperationCanceledException) when (Leaving.IsCancellationRequested)
        {
            // Left.
        }
        catch (Exception e) when (e is not ObjectDisposedException)
        {
            await DispatchExceptionAsync(e);
        }
    }

    /// <summary>
    /// Shows each item of a live feed, at most one in so long a time, in the place of the feed watched before; until the person leaves. Tells why it cannot.
    /// </summary>
    private protected Failure? Watch<T>(Func<CancellationToken, Outcome<IAsyncEnumerable<T>>> open, Func<T, Task> show, TimeSpan pause)
    {
        _watching?.Cancel();
        _watching = CancellationTokenSource.CreateLinkedTokenSource(Leaving);
        if (open(_watching.Token).Succeeded(out var feed, out var failure)) _ = ShowAsync(feed, show, pause, _watching.Token);
        return failure;
    }

    private async Task ShowAsync<T>(IAsyncEnumerable<T> feed, Func<T, Task> show, TimeSpan pause, CancellationToken stop)
    {
        try
        {
            await foreach (var item in feed.WithCancellation(stop))
            {
                await show(item);
                StateHasChanged();
                await Task.Delay(pause, Clock, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // Left, asked for something else, or the gateway stops.
        }
        catch (Exception e) when (e is not ObjectDisposedException)
        {
            await DispatchExceptionAsync(e);
        }
    }

    /// <summary>Puts what the list shows into the address, in the place of what was there, so that it can be linked and comes back after a reload.</summary>
    protected void SetQuery(string name, object? value) => Navigation.NavigateTo(
        Navigation.GetUriWithQueryParameters(new Dictionary<string, object?> { [name] = value is "" ? null : value }), replace: true);

    /// <summary>Called when the person leaves.</summary>
    protected virtual void Dispose(bool disposing)
    {
        _leaving.Cancel();
        _watching?.Dispose();
        _leaving.Dispose();
    }
}
