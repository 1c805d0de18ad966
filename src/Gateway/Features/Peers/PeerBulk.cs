using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>One change to many peers, in one transaction and one revision: all of them or none.</summary>
internal sealed class PeerBulk(Changes changes)
{
    /// <summary>From so many on the reconciler reads the tunnel as a whole rather than each peer by itself.</summary>
    private const int MaxSingles = 200;

    public async Task<Outcome<BulkResponse>> RunAsync(BulkRequest request, CancellationToken cancellationToken) =>
        await changes.SaveAsync<BulkResponse>(Permission.ChangePeers, async change =>
        {
            if (Check(request, change.Now) is { } broken) return broken;
            if (!(await FindAsync(change.Db, request, cancellationToken)).Succeeded(out var peers, out var failure)) return failure;
            if (TooManyTags(request, peers) is { } full) return full;
            var changed = new List<Peer>();
            foreach (var peer in peers)
            {
                var before = Read(peer);
                if (!Apply(request, peer, change.Db)) continue;
                peer.Revision = change.Revision;
                changed.Add(peer);
                if (request.Action == BulkActions.Delete) change.Record("peer.delete", peer.Name, before, null);
                else change.Record("peer.update", peer.Name, before, Read(peer));
            }

            // Tags are nothing that the engine knows.
            if (request.Action is BulkActions.Tag or BulkActions.Untag) changed.Clear();
            foreach (var tunnel in changed.GroupBy(p => p.TunnelId))
            {
                if (tunnel.Count() > MaxSingles) change.Touch(tunnel.Key);
                else foreach (var peer in tunnel) change.Touch(tunnel.Key, peer.Id);
            }

            return new BulkResponse(peers.Count, change.Recorded.Count, change.Revision);
        }, cancellationToken);

    private static Failure? Check(BulkRequest request, DateTimeOffset now)
    {
        var errors = new RuleErrors();
        if (request.Action is null || !BulkActions.All.Contains(request.Action))
            errors.Add("action", $"'{request.Action}' is not known.", $"It is {string.Join(", ", BulkActions.All)}.");
        if (request.Ids is null == request.Filter is null)
            errors.Add("ids", request.Ids is null ? "Nothing says which peers." : "There are ids and a filter.", "Give either ids or filter; an empty filter means all peers.");
        if (request.Action is BulkActions.Tag or BulkActions.Untag)
        {
            if (request.Tags is not { Count: > 0 }) errors.Add("tags", "There are none.", "Give at least one.");
            else PeerRules.CheckTags(request.Tags, errors);
        }
        else if (request.Tags is not null) errors.Add("tags", "They go with tag and untag only.", "Leave them out.");
        if (request.Action != BulkActions.Expire && request.ExpiresAt is not null) errors.Add("expiresAt", "It goes with expire only.", "Leave it out.");
        else PeerRules.CheckExpiry(request.ExpiresAt, now, errors);
        return errors.Any ? errors.ToFailure() : null;
    }

    private static async Task<Outcome<List<Peer>>> FindAsync(GatewayDbContext db, BulkRequest request, CancellationToken cancellationToken)
    {
        if (!(await PeerQueries.FilterAsync(db, request.Filter ?? new PeerFilter(), cancellationToken)).Succeeded(out var found, out var failure)) return failure;
        var wanted = request.Ids?.ToHashSet();
        if (wanted is not null) found = found.Where(p => wanted.Contains(p.Id));
        var peers = await PeerQueries.WithAll(found.OrderBy(p => p.Id)).ToListAsync(cancellationToken);
        wanted?.ExceptWith(peers.Select(p => p.Id));
        if (wanted is { Count: > 0 })
        {
            return Failure.Of(FailureKind.Conflict, [.. wanted.Take(10).Select(id =>
                new FieldError($"ids[{request.Ids!.ToList().IndexOf(id)}]", $"There is no peer '{id}'.", "Nothing was changed; read the list again."))]);
        }

        return peers;
    }

    private static Failure? TooManyTags(BulkRequest request, List<Peer> peers)
    {
        if (request.Action != BulkActions.Tag) return null;
        var full = peers.FirstOrDefault(p => PeerRules.HasTooMany(p.Tags.Select(t => t.Tag).Union(request.Tags!, StringComparer.Ordinal)));
        return full is null ? null : Failure.Of(FailureKind.Conflict, "tags", $"Peer '{full.Name}' would have too many.", "Take some away first.");
    }

    /// <summary>Whether it was not that way before.</summary>
    private static bool Apply(BulkRequest request, Peer peer, GatewayDbContext db)
    {
        switch (request.Action)
        {
            case BulkActions.Enable or BulkActions.Disable:
                var enabled = request.Action == BulkActions.Enable;
                if (peer.Enabled == enabled) return false;
                peer.Enabled = enabled;
                return true;
            case BulkActions.Expire:
                if (peer.ExpiresAt == request.ExpiresAt?.UtcTicks) return false;
                peer.ExpiresAt = request.ExpiresAt?.UtcTicks;
                return true;
            case BulkActions.Delete:
                db.Peers.Remove(peer);
                return true;
            case BulkActions.Untag:
                return peer.Tags.RemoveAll(t => request.Tags!.Contains(t.Tag)) > 0;
            default:
                var added = request.Tags!.Except(peer.Tags.Select(t => t.Tag), StringComparer.Ordinal).Select(t => new PeerTag { PeerId = peer.Id, Tag = t }).ToList();
                peer.Tags.AddRange(added);
                db.AddRange(added);
                return added.Count > 0;
        }
    }

    // What a bulk operation can change.
    private static PeerSettings Read(Peer peer) => new()
    {
        Name = peer.Name,
        PublicKey = peer.PublicKey,
        Addresses = PeerView.Addresses(peer),
        Enabled = peer.Enabled,
        Tags = PeerView.Tags(peer),
        ExpiresAt = peer.ExpiresAt is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null,
    };
}
