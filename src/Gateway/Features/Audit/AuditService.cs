using System.Text.Json.Nodes;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Audit;

/// <summary>What of the audit is asked for; null = all.</summary>
/// <param name="Actor">Whose acts: a part of the name.</param>
/// <param name="Action">Which acts: the beginning of the action, such as <c>peer</c> or <c>sign-in.failed</c>.</param>
/// <param name="Subject">To what: a part of its name.</param>
/// <param name="From">The address that the request came from.</param>
/// <param name="Since">Not before.</param>
/// <param name="Until">Before.</param>
internal sealed record AuditFilter(string? Actor, string? Action, string? Subject, string? From, DateTimeOffset? Since, DateTimeOffset? Until);

/// <summary>Reads the audit.</summary>
internal sealed class AuditService(IDbContextFactory<GatewayDbContext> contexts, Caller caller)
{
    /// <summary>Lists entries, newest first.</summary>
    public async Task<Outcome<Page<AuditResponse>>> ListAsync(AuditFilter filter, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (!Cursors.ReadById(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var entries = db.Audit.AsNoTracking();
        if (page.After != Guid.Empty) entries = entries.Where(e => e.Id < page.After);
        if (!string.IsNullOrEmpty(filter.Actor)) entries = entries.Where(e => e.Actor.Contains(filter.Actor));
        if (!string.IsNullOrEmpty(filter.Action)) entries = entries.Where(e => e.Action.StartsWith(filter.Action));
        if (!string.IsNullOrEmpty(filter.Subject)) entries = entries.Where(e => e.Subject.Contains(filter.Subject));
        if (!string.IsNullOrEmpty(filter.From)) entries = entries.Where(e => e.From == filter.From);
        if (filter.Since is { UtcTicks: var since }) entries = entries.Where(e => e.At >= since);
        if (filter.Until is { UtcTicks: var until }) entries = entries.Where(e => e.At < until);
        var rows = await entries.OrderByDescending(e => e.Id).Take(page.Limit + 1).ToListAsync(cancellationToken);
        return Cursors.ToPage(rows, page.Limit, Show, r => r.Id.ToString());
    }

    private static AuditResponse Show(AuditEntry entry) => new()
    {
        Id = entry.Id,
        At = new DateTimeOffset(entry.At, TimeSpan.Zero),
        ActorKind = entry.ActorKind,
        ActorId = entry.ActorId,
        Actor = entry.Actor,
        From = entry.From,
        Action = entry.Action,
        Subject = entry.Subject,
        Before = Read(entry.Before),
        After = Read(entry.After),
        Revision = entry.Revision,
    };

    private static JsonObject? Read(string? document) => document is null ? null : JsonNode.Parse(document)!.AsObject();
}
