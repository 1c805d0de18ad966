using System.Runtime.CompilerServices;
using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Contracts.Live;
using Gateway.Features.Audit;
using Gateway.Features.Drops;
using Gateway.Features.Events;
using Gateway.Features.Flows;
using Gateway.Features.Lab.Watching;
using Gateway.Features.Overview;
using Gateway.Features.Packets.Watching;
using Gateway.Features.Peers;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Live;

/// <summary>
/// Everything that can be watched, for pages in this process, the hub and the API's lists: asks whether the caller may, and keeps asking while the
/// stream goes on. Watch with <c>await foreach</c> until the token is cancelled. At most four updates a second reach a watcher; one that is slower
/// gets the newest and is told how many it missed. Nothing is looked at while nobody watches.
/// </summary>
internal sealed class LiveFeed(Caller caller, OverviewWatch overview, PeerWatch peers, FlowWatch flows, DropWatch drops, PacketFeed packets, EventLog events, LabFeed lab, AuditTrail audit)
{
    /// <summary>The whole at a glance, once a second.</summary>
    public Outcome<IAsyncEnumerable<OverviewUpdate>> Overview(CancellationToken cancellationToken) => Allow(Permission.Read, Outcome.Of(overview.WatchAsync(cancellationToken)));

    /// <summary>All peers in each update; a row that did not change is the same object as before.</summary>
    public Outcome<IAsyncEnumerable<PeersUpdate>> Peers(CancellationToken cancellationToken) => Allow(Permission.Read, Outcome.Of(peers.WatchAsync(cancellationToken)));

    /// <summary>All peers at first, then what changes: for watchers over a network.</summary>
    public Outcome<IAsyncEnumerable<PeersUpdate>> PeerChanges(CancellationToken cancellationToken) => Allow(Permission.Read, Outcome.Of(peers.WatchChangesAsync(cancellationToken)));

    /// <summary>The first flows of a query, all of them in each update.</summary>
    public Outcome<IAsyncEnumerable<FlowsUpdate>> Flows(FlowsQuery query, CancellationToken cancellationToken) => Allow(Permission.Read, flows.Watch(query, cancellationToken));

    /// <summary>One page of the flows there are now.</summary>
    public async Task<Outcome<Page<FlowRow>>> ListFlowsAsync(FlowsQuery query, string? cursor, CancellationToken cancellationToken) =>
        caller.Lacks(Permission.Read) is { } denied ? denied : await flows.ListAsync(query, cursor, cancellationToken);

    /// <summary>The first lines of the drop ledger of a query, all of them in each update.</summary>
    public Outcome<IAsyncEnumerable<DropsUpdate>> Drops(DropsQuery query, CancellationToken cancellationToken) => Allow(Permission.Read, drops.Watch(query, cancellationToken));

    /// <summary>One page of the drop ledger as it is now.</summary>
    public async Task<Outcome<Page<DropRow>>> ListDropsAsync(DropsQuery query, string? cursor, CancellationToken cancellationToken) =>
        caller.Lacks(Permission.Read) is { } denied ? denied : await drops.ListAsync(query, cursor, cancellationToken);

    /// <summary>Events as they happen; the first update brings past ones.</summary>
    public Outcome<IAsyncEnumerable<EventsUpdate>> Events(EventsQuery query, CancellationToken cancellationToken) => Allow(Permission.Read, events.Watch(query, cancellationToken));

    /// <summary>One page of events, newest first.</summary>
    public async Task<Outcome<Page<EventRow>>> ListEventsAsync(string? filter, int? limit, string? cursor, CancellationToken cancellationToken) =>
        caller.Lacks(Permission.Read) is { } denied ? denied : await events.ListAsync(filter, limit, cursor, cancellationToken);

    /// <summary>Packets as they pass. Seeing packets is a permission of its own, and each look is on record.</summary>
    public Outcome<IAsyncEnumerable<PacketsUpdate>> Packets(PacketsQuery query, CancellationToken cancellationToken) =>
        Allow(Permission.SeePackets, caller.Lacks(Permission.SeePackets) is { } denied ? denied : OnRecord("packet.watch", query.Tunnel ?? "all tunnels", query, packets.Watch(query, cancellationToken), cancellationToken));

    /// <summary>Packets at the lab's six points as they pass, where there is a lab.</summary>
    public Outcome<IAsyncEnumerable<LabPacketsUpdate>> LabPackets(CancellationToken cancellationToken) => Allow(
        Permission.SeePackets, caller.Lacks(Permission.SeePackets) is { } denied ? denied : OnRecord("lab.packets", "six points", null, lab.Watch(cancellationToken), cancellationToken));

    private Outcome<IAsyncEnumerable<T>> OnRecord<T>(string action, string subject, object? details, Outcome<IAsyncEnumerable<T>> stream, CancellationToken cancellationToken)
    {
        return stream.Succeeded(out var updates, out var failure) ? Outcome.Of(NoteThenWatch(updates)) : failure;

        async IAsyncEnumerable<T> NoteThenWatch(IAsyncEnumerable<T> packets)
        {
            await audit.NoteAsync(action, subject, details, cancellationToken);
            await foreach (var update in packets.WithCancellation(cancellationToken)) yield return update;
        }
    }

    private Outcome<IAsyncEnumerable<T>> Allow<T>(Permission needed, Outcome<IAsyncEnumerable<T>> stream)
    {
        if (caller.Lacks(needed) is { } denied) return denied;
        return stream.Succeeded(out var updates, out var failure) ? Outcome.Of(WhileAllowed(needed, updates)) : failure;
    }

    /// <summary>Ends when the caller loses the permission.</summary>
    private async IAsyncEnumerable<T> WhileAllowed<T>(Permission needed, IAsyncEnumerable<T> updates, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var update in updates.WithCancellation(cancellationToken))
        {
            if (!caller.May(needed)) yield break;
            yield return update;
        }
    }
}
