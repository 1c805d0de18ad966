using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Data;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Security;

/// <summary>
/// Looks up what a token or a session is worth now. Asked for every request, so that a change counts for the next one; nothing is remembered.
/// </summary>
internal sealed class Credentials(IDbContextFactory<GatewayDbContext> contexts, AccessChanges changes, LastUses uses, TimeProvider time)
{
    /// <summary>A session that was not used for so long is over.</summary>
    public static readonly TimeSpan SessionIdleLimit = TimeSpan.FromHours(12);

    /// <summary>However much it is used, after this they sign in again.</summary>
    public static readonly TimeSpan SessionLifetime = TimeSpan.FromDays(30);

    /// <summary>Sessions last used before this (UTC ticks) are over.</summary>
    public static long SessionsUsedSince(DateTimeOffset now) => (now - SessionIdleLimit).UtcTicks;

    /// <summary>Sessions made before this (UTC ticks) are over.</summary>
    public static long SessionsMadeSince(DateTimeOffset now) => (now - SessionLifetime).UtcTicks;

    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    /// <summary>Whose token this is; null if it is unknown, has expired, or its owner may not sign in.</summary>
    public async Task<CallerIdentity?> OfTokenAsync(string token, IPAddress? from, CancellationToken cancellationToken)
    {
        var hash = Hash(token);
        var asOf = changes.Generation;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return Show(await db.ApiTokens.AsNoTracking().Include(t => t.Owner).FirstOrDefaultAsync(t => t.Hash == hash, cancellationToken), from, asOf);
    }

    /// <summary>Whose session this is; null if it ended or its user may not sign in.</summary>
    public async Task<CallerIdentity?> OfSessionAsync(Guid id, IPAddress? from, CancellationToken cancellationToken)
    {
        var asOf = changes.Generation;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var session = await db.Sessions.AsNoTracking().Include(s => s.User).FirstOrDefaultAsync(s => s.Id == id, cancellationToken);
        if (session?.User is not { Disabled: false } user) return null;
        var now = time.GetUtcNow();
        var endsAt = new DateTimeOffset(session.CreatedAt, TimeSpan.Zero) + SessionLifetime;
        var usedAt = uses.LastOf(id)?.At ?? new DateTimeOffset(session.LastUsedAt, TimeSpan.Zero);
        if (now >= endsAt || now - usedAt >= SessionIdleLimit) return null;
        uses.Note(id, LastUses.Kind.Session, from);
        return new CallerIdentity(CallerIdentity.UserKind, user.Id, user.UserName!, Permissions.Of(user), from) { UserId = user.Id, SessionId = id, EndsAt = endsAt, AsOf = asOf };
    }

    /// <summary>Looks the same token or session up again; null if it is worth nothing any more.</summary>
    public async Task<CallerIdentity?> AgainAsync(CallerIdentity before, CancellationToken cancellationToken)
    {
        if (before.SessionId is { } session) return await OfSessionAsync(session, before.From, cancellationToken);
        if (before is not { Kind: CallerIdentity.TokenKind, Id: { } id }) return null;
        var asOf = changes.Generation;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return Show(await db.ApiTokens.AsNoTracking().Include(t => t.Owner).FirstOrDefaultAsync(t => t.Id == id, cancellationToken), before.From, asOf);
    }

    private CallerIdentity? Show(ApiToken? token, IPAddress? from, long asOf)
    {
        if (token is null || token.ExpiresAt <= time.GetUtcNow().UtcTicks || token is { OwnerId: not null, Owner: null or { Disabled: true } }) return null;
        uses.Note(token.Id, LastUses.Kind.Token, from);
        return new CallerIdentity(CallerIdentity.TokenKind, token.Id, token.Name, Permissions.Of(token), from)
        {
            UserId = token.OwnerId,
            EndsAt = token.ExpiresAt is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null,
            AsOf = asOf,
        };
    }
}
