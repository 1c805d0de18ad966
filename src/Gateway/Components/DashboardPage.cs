using Microsoft.AspNetCore.Components;

namespace Gateway.Components;

/// <summary>
/// A page that reads from the services. The first answer to a browser has the frame and skeletons only; data is read once, when the circuit is there.
/// </summary>
public abstract class DashboardPage : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource _leaving = new();

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

    /// <summary>Called when the person leaves.</summary>
    protected virtual void Dispose(bool disposing)
    {
        _leaving.Cancel();
        _leaving.Dispose();
    }
}
