using System.Globalization;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Audit;
using Gateway.Features.Packets.Capture;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Recordings;

/// <summary>Reads recordings. That there is one, everybody may know who reads events; its packets are for who may see packets, and each look is an audit entry.</summary>
internal sealed class RecordingService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, AuditTrail audit)
{
    /// <summary>One page, newest first.</summary>
    public async Task<Outcome<Page<RecordingSummary>>> ListAsync(string? peer, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.Read(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        var before = long.MaxValue;
        if (page.After is { } after && !long.TryParse(after, CultureInfo.InvariantCulture, out before))
            return Failure.Of(FailureKind.Malformed, "cursor", "It is not one that this list gave.", "Send nextCursor of the page before.");
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = db.Recordings.AsNoTracking().Where(r => r.Id < before);
        if (Guid.TryParse(peer, out var id)) rows = rows.Where(r => r.PeerId == id);
        else if (peer is not null) rows = rows.Where(r => r.Peer == peer);
        var read = await rows.OrderByDescending(r => r.Id).Take(page.Limit + 1)
            .Select(r => new RecordingSummary { Id = r.Id, At = new DateTimeOffset(r.At, TimeSpan.Zero), Tunnel = r.Tunnel, PeerId = r.PeerId, Peer = r.Peer, Kind = r.Kind, Text = r.Text, Count = r.Count })
            .ToListAsync(cancellationToken);
        return Cursors.ToPage(read, page.Limit, row => row, row => row.Id.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>One with its packets.</summary>
    public async Task<Outcome<RecordingResponse>> GetAsync(string id, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.SeePackets) is { } denied) return denied;
        if (!long.TryParse(id, CultureInfo.InvariantCulture, out var number)) return Failure.NotFound("recording", id);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await db.Recordings.AsNoTracking().SingleOrDefaultAsync(r => r.Id == number, cancellationToken) is not { } row) return Failure.NotFound("recording", id);
        await audit.NoteAsync("packet.recording", row.Peer, new { row.Id, row.Tunnel, row.Kind, Packets = row.Count }, cancellationToken);
        return new RecordingResponse
        {
            Id = row.Id,
            At = new DateTimeOffset(row.At, TimeSpan.Zero),
            Tunnel = row.Tunnel,
            PeerId = row.PeerId,
            Peer = row.Peer,
            Kind = row.Kind,
            Text = row.Text,
            Count = row.Count,
            Packets = FlightKeeper.Unpack(row.Packets),
        };
    }

    /// <summary>One as a pcapng file, with tunnel and peer in its comments.</summary>
    public async Task<Outcome<byte[]>> DownloadAsync(string id, CancellationToken cancellationToken) =>
        (await GetAsync(id, cancellationToken)).Succeeded(out var recording, out var failure) ? PcapNgFile.Of(recording.Packets) : failure;
}
