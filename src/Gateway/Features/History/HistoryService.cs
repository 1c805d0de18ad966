using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Data;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.History;

/// <summary>Of whom, and when.</summary>
internal sealed record HistoryQuery(string? Tunnel = null, string? Peer = null, DateTimeOffset? From = null, DateTimeOffset? To = null, string? Step = null);

/// <summary>Reads the history.</summary>
internal sealed class HistoryService(Caller caller, IDbContextFactory<GatewayDbContext> contexts, TimeProvider time)
{
    public async Task<Outcome<HistoryResponse>> GetAsync(HistoryQuery query, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        var to = query.To ?? time.GetUtcNow();
        var level = query.Step is null ? Suit(query.From, to) : HistoryLevel.All.FirstOrDefault(one => one.Step == query.Step);
        var errors = new List<FieldError>();
        if (level is null) errors.Add(new FieldError("step", $"'{query.Step}' is no step.", $"It is one of {string.Join(", ", HistoryLevel.All.Select(one => one.Step))}; left out, what suits the time asked for."));
        if (query.From >= to) errors.Add(new FieldError("from", "It is not before the end.", "Give a time before 'to', which is now where left out."));
        if (query is { Tunnel: not null, Peer: not null }) errors.Add(new FieldError("peer", "There is a tunnel, too.", "Name a tunnel, or a peer, or neither for all tunnels."));
        if (errors.Count > 0) return Failure.Of(FailureKind.Malformed, errors);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!(await FindAsync(db, query, cancellationToken)).Succeeded(out var keys, out var failure)) return failure;

        var from = query.From ?? to - level!.Shown;
        var oldest = to - level!.Kept;
        if (from < oldest) from = oldest;
        var (first, last) = (level.PeriodOf(from), level.PeriodOf(to));
        var subjects = await db.HistorySubjects.Where(subject => keys.Contains(subject.Key)).Select(subject => subject.Id).ToListAsync(cancellationToken);
        var points = new SortedDictionary<long, HistoryPoint>();
        foreach (var subject in subjects)
        {
            // Every row that there may be, by its number: as many look-ups as periods, however many other peers there are.
            var rows = Enumerable.Range(0, (int)(last - first + 1)).Select(offset => level.RowOf(first + offset, subject)).ToList();
            await foreach (var row in db.Traffic.AsNoTracking().Where(row => rows.Contains(row.Id)).AsAsyncEnumerable().WithCancellation(cancellationToken))
            {
                var period = HistoryLevel.PeriodOfRow(row.Id);
                var point = points.GetValueOrDefault(period) ?? new HistoryPoint(level.StartOf(period), 0, 0, 0, 0, 0);
                points[period] = point with
                {
                    ReceivedBytes = point.ReceivedBytes + row.ReceivedBytes,
                    SentBytes = point.SentBytes + row.SentBytes,
                    ReceivedPackets = point.ReceivedPackets + row.ReceivedPackets,
                    SentPackets = point.SentPackets + row.SentPackets,
                    Drops = point.Drops + row.Drops,
                };
            }
        }

        return new HistoryResponse
        {
            Tunnel = query.Tunnel,
            PeerId = query.Peer is null ? null : keys[0],
            Step = level.Step,
            From = level.StartOf(first),
            To = level.StartOf(last + 1),
            Points = [.. points.Values],
        };
    }

    private static HistoryLevel Suit(DateTimeOffset? from, DateTimeOffset to) => (to - from) switch
    {
        null => HistoryLevel.Minute,
        var span when span <= TimeSpan.FromHours(6) => HistoryLevel.Minute,
        var span when span <= TimeSpan.FromDays(14) => HistoryLevel.Hour,
        _ => HistoryLevel.Day,
    };

    private static async Task<Outcome<List<Guid>>> FindAsync(GatewayDbContext db, HistoryQuery query, CancellationToken cancellationToken)
    {
        if (query.Peer is { } named)
        {
            var isId = Guid.TryParse(named, out var id);
            var peers = await db.Peers.AsNoTracking().Where(peer => isId ? peer.Id == id : peer.Name == named).Select(peer => peer.Id).Take(2).ToListAsync(cancellationToken);
            if (peers.Count == 0) return Failure.NotFound("peer", named);
            return peers.Count == 1 ? peers : Failure.Of(FailureKind.Malformed, "peer", $"More than one tunnel has a peer '{named}'.", "Give its id.");
        }

        var tunnels = await db.Tunnels.AsNoTracking().Where(tunnel => query.Tunnel == null || tunnel.Name == query.Tunnel).Select(tunnel => tunnel.Id).ToListAsync(cancellationToken);
        if (query.Tunnel is { } name && tunnels.Count == 0) return Failure.NotFound("tunnel", name);
        return tunnels;
    }
}
