using Gateway.Engine;
using Gateway.Features.Events;
using Gateway.Features.Peers;
using Gateway.Features.Self;
using Gateway.Hosting;
using Gateway.Security;

namespace Gateway.Reconcile;

/// <summary>
/// Runs the data plane for as long as the host runs. It begins once the host listens, so that a start that fails (port in use) has not touched
/// the kernel.
/// </summary>
internal sealed partial class DataPlaneService(
    Reconciler reconciler, EndpointMemory endpoints, KernelKeeper kernel, TableKeeper tables, ControlSockets sockets, SelfListeners listeners, EngineEvents events,
    DataPlane dataPlane, FirstStart firstStart, IServiceScopeFactory scopes, ILogger<DataPlaneService> logger, IHostApplicationLifetime lifetime)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (lifetime.ApplicationStarted.Register(() => started.TrySetResult()))
        await using (stoppingToken.Register(() => started.TrySetCanceled(stoppingToken)))
        {
            await started.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (stoppingToken.IsCancellationRequested) return;
        try
        {
            await kernel.ApplyAsync(null, stoppingToken);
            await Task.WhenAll(reconciler.RunAsync(firstStart.PreviousStart, stoppingToken), WatchAsync(stoppingToken), tables.WatchAsync(stoppingToken), kernel.WatchAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
        finally
        {
            // The container disposes of the sockets and the data plane after this.
            await endpoints.FlushAsync(CancellationToken.None);
        }
    }

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        await foreach (var happened in dataPlane.Events.ReadAllAsync(stoppingToken))
        {
            endpoints.Observe(happened, stoppingToken);
            events.Observe(happened);
            if (happened is { Kind: DataPlaneEventKind.PeerSilent, PeerId: { } silent }) reconciler.PostSilent(happened.TunnelId, silent);
            if (happened is { Kind: DataPlaneEventKind.KeyReplaced, PeerId: { } renewed }) _ = ForgetPreviousKeyAsync(renewed, stoppingToken);
            if (happened.Kind is DataPlaneEventKind.TunnelUp or DataPlaneEventKind.TunnelFailed)
            {
                await sockets.SyncAsync();
                await listeners.SyncAsync();
            }

            if (happened.Kind != DataPlaneEventKind.TunnelUp) continue;
            // Now the device has a name, where a pattern was configured.
            await tables.SyncAsync(cancellationToken: stoppingToken);
            // A new device starts with the kernel's default; what is wanted of it by name is set again.
            var name = dataPlane.GetTunnel(happened.TunnelId)?.Name;
            if (name is not null) await kernel.ApplyAsync(name, stoppingToken);
        }
    }

    /// <summary>The engine lets only the new key in; what is stored must say so too, or the next start would let the old one in again.</summary>
    private async Task ForgetPreviousKeyAsync(Guid peerId, CancellationToken stoppingToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.System);
            await scope.ServiceProvider.GetRequiredService<PeerKeys>().ForgetPreviousAsync(peerId, stoppingToken);
        }
        catch (Exception e) when (e is Microsoft.EntityFrameworkCore.DbUpdateException or System.Data.Common.DbException or OperationCanceledException)
        {
            LogKeyKept(e.Message);
        }
    }

    [LoggerMessage(EventId = 1271, Level = LogLevel.Warning, Message = "A peer's former key could not be forgotten; its grace time goes on until it ends by itself: {Cause}")]
    private partial void LogKeyKept(string cause);
}
