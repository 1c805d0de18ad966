using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Accounts.Users;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.Profile;

/// <summary>Who is calling, and where else they are signed in.</summary>
internal sealed class ProfileService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, AccessChanges access, LastUses uses, TimeProvider time)
{
    public async Task<Outcome<ProfileResponse>> GetAsync(CancellationToken cancellationToken)
    {
        var me = caller.Identity;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var row = me.UserId is { } id ? await db.Users.AsNoTracking().Where(u => u.Id == id).Rows(db).SingleOrDefaultAsync(cancellationToken) : null;
        return new ProfileResponse
        {
            Kind = me.Kind,
            Name = me.Name,
            Permissions = Permissions.ToScopes(me.Permissions),
            User = row is null ? null : UserView.Show(row, time.GetUtcNow()),
            EndsAt = me.EndsAt,
        };
    }

    /// <summary>The browsers that are signed in as the caller, the last used first.</summary>
    public async Task<Outcome<IReadOnlyList<SessionResponse>>> ListSessionsAsync(CancellationToken cancellationToken)
    {
        if (Denied() is { } denied) return denied;
        var me = caller.Identity;
        var (usedSince, madeSince) = (Credentials.SessionsUsedSince(time.GetUtcNow()), Credentials.SessionsMadeSince(time.GetUtcNow()));
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Sessions.AsNoTracking().Where(s => s.UserId == me.UserId && s.CreatedAt > madeSince && s.LastUsedAt > usedSince).ToListAsync(cancellationToken);
        return rows.Select(Show).OrderByDescending(s => s.LastUsedAt).ToList();
    }

    /// <summary>Ends one of the caller's sessions.</summary>
    public async Task<Outcome<bool>> EndSessionAsync(Guid id, CancellationToken cancellationToken)
    {
        if (Denied() is { } denied) return denied;
        var me = caller.Identity;
        return await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            if (await change.Db.Sessions.Where(s => s.Id == id && s.UserId == me.UserId).ExecuteDeleteAsync(cancellationToken) == 0) return Failure.NotFound("session", id.ToString());
            change.Record("session.end", me.Name, null, null);
            change.AfterCommit(() => access.Publish(id));
            return true;
        }, cancellationToken);
    }

    private Failure? Denied() => caller.Identity.SessionId is null ? new Failure(FailureKind.Forbidden, "Sessions are managed by who is signed in, not by a token.", []) : null;

    private SessionResponse Show(UserSession session)
    {
        var use = uses.LastOf(session.Id);
        return new SessionResponse
        {
            Id = session.Id,
            Current = session.Id == caller.Identity.SessionId,
            Browser = session.Browser,
            CreatedAt = new DateTimeOffset(session.CreatedAt, TimeSpan.Zero),
            LastUsedAt = use?.At ?? new DateTimeOffset(session.LastUsedAt, TimeSpan.Zero),
            LastUsedFrom = use is null ? session.LastUsedFrom : use.From?.ToString(),
        };
    }
}
