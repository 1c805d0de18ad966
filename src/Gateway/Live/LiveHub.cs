using Gateway.Contracts.Lab;
using Gateway.Contracts.Live;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;

namespace Gateway.Live;

/// <summary>
/// /hubs/live: the feed as server streams (docs/live.md). A stream that its watcher does not read stops being made: SignalR asks for the next
/// update only when the one before is on its way.
/// </summary>
[Authorize]
internal sealed class LiveHub(LiveFeed feed) : Hub
{
    public const string Path = "/hubs/live";

    public IAsyncEnumerable<OverviewUpdate> Overview(CancellationToken cancellationToken) => OrThrow(feed.Overview(cancellationToken));

    public IAsyncEnumerable<PeersUpdate> Peers(CancellationToken cancellationToken) => OrThrow(feed.PeerChanges(cancellationToken));

    public IAsyncEnumerable<FlowsUpdate> Flows(FlowsQuery? query, CancellationToken cancellationToken) => OrThrow(feed.Flows(query ?? new FlowsQuery(), cancellationToken));

    public IAsyncEnumerable<DropsUpdate> Drops(DropsQuery? query, CancellationToken cancellationToken) => OrThrow(feed.Drops(query ?? new DropsQuery(), cancellationToken));

    public IAsyncEnumerable<EventsUpdate> Events(EventsQuery? query, CancellationToken cancellationToken) => OrThrow(feed.Events(query ?? new EventsQuery(), cancellationToken));

    public IAsyncEnumerable<PacketsUpdate> Packets(PacketsQuery? query, CancellationToken cancellationToken) => OrThrow(feed.Packets(query ?? new PacketsQuery(), cancellationToken));

    public IAsyncEnumerable<LabPacketsUpdate> LabPackets(CancellationToken cancellationToken) => OrThrow(feed.LabPackets(cancellationToken));

    /// <summary>The hub has no other way to say no; the message reaches the watcher as it is.</summary>
    private static IAsyncEnumerable<T> OrThrow<T>(Outcome<IAsyncEnumerable<T>> stream) =>
        stream.Succeeded(out var updates, out var failure) ? updates : throw new HubException(failure.Detail);
}

/// <summary>Tells each hub call's scope who calls.</summary>
internal sealed class HubCaller : IHubFilter
{
    public ValueTask<object?> InvokeMethodAsync(HubInvocationContext invocationContext, Func<HubInvocationContext, ValueTask<object?>> next)
    {
        invocationContext.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.Of(invocationContext.Context.User ?? new()));
        return next(invocationContext);
    }
}
