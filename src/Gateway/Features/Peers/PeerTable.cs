using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>Which peers a table shows, and in which order.</summary>
/// <param name="Filter">What the database knows.</param>
/// <param name="State">What only the engine knows; null = any.</param>
/// <param name="Sort">See <see cref="PeerTable.Orders"/>; a minus in front turns it round.</param>
internal sealed record PeerTableQuery(PeerFilter Filter, string? State, string Sort);

/// <summary>Some rows of a table, and how many it has.</summary>
internal sealed record PeerSlice(IReadOnlyList<PeerResponse> Peers, int Total);

/// <summary>
/// The table of peers that a person scrolls: any piece of it at any place, in orders that mix what the database and what the engine know.
/// Only names and ids of all matching peers are read; whole rows only of the piece that is seen.
/// </summary>
internal sealed class PeerTable(IDbContextFactory<GatewayDbContext> contexts, Caller caller, PeerView view, DataPlane dataPlane, TimeProvider time)
{
    public const string Name = "name", State = "state", Handshake = "handshake", Received = "received", Sent = "sent";

    public static IReadOnlyList<string> Orders { get; } = [Name, State, Handshake, Received, Sent];

    public async Task<Outcome<PeerSlice>> ReadAsync(PeerTableQuery query, int skip, int take, CancellationToken cancellationToken)
    {
        if (!(await FindAsync(query, cancellationToken)).Succeeded(out var ids, out var failure)) return failure;
        var piece = ids.Skip(skip).Take(take).ToList();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await PeerQueries.WithAll(db.Peers.AsNoTracking().Where(p => piece.Contains(p.Id))).ToDictionaryAsync(p => p.Id, cancellationToken);
        var show = view.Show();
        return new PeerSlice([.. piece.Where(rows.ContainsKey).Select(id => show(rows[id]))], ids.Count);
    }

    /// <summary>All peers that match, in order.</summary>
    public async Task<Outcome<IReadOnlyList<Guid>>> FindAsync(PeerTableQuery query, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!(await PeerQueries.FilterAsync(db, query.Filter, cancellationToken)).Succeeded(out var found, out var failure)) return failure;
        var peers = await found.OrderBy(p => EF.Functions.Collate(p.Name, "NOCASE")).ThenBy(p => p.Id).Select(p => new Found(p.Id, p.TunnelId)).ToListAsync(cancellationToken);
        var down = query.Sort.StartsWith('-');
        var order = query.Sort.TrimStart('-');
        IEnumerable<Found> rows = peers;
        if (query.State is not null || order != Name)
        {
            var live = peers.Select(p => p.TunnelId).Distinct().SelectMany(id => dataPlane.GetPeers(id)).ToDictionary(p => p.Id);
            var now = time.GetUtcNow();
            if (query.State is { } state) rows = rows.Where(p => LiveStatus.State(live.GetValueOrDefault(p.Id), now) == state);
            rows = order switch
            {
                State => rows.OrderBy(p => LiveStatus.State(live.GetValueOrDefault(p.Id), now), StringComparer.Ordinal),
                Handshake => rows.OrderBy(p => live.GetValueOrDefault(p.Id)?.LastHandshake ?? DateTimeOffset.MinValue),
                Received => rows.OrderBy(p => live.GetValueOrDefault(p.Id)?.ReceivedBytes ?? 0),
                Sent => rows.OrderBy(p => live.GetValueOrDefault(p.Id)?.SentBytes ?? 0),
                _ => rows,
            };
        }

        var ids = rows.Select(p => p.Id).ToList();
        if (down) ids.Reverse();
        return ids;
    }

    private sealed record Found(Guid Id, Guid TunnelId);
}
