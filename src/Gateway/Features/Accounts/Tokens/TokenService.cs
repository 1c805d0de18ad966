using System.Buffers.Text;
using System.Security.Cryptography;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Accounts.Users;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.Tokens;

/// <summary>
/// Bearer tokens. An admin manages all of them; who is signed in, their own. A token manages none without the scope admin: else one that expires
/// could make itself a successor that does not.
/// </summary>
internal sealed class TokenService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, AccessChanges access, LastUses uses, TimeProvider time)
{
    private const int MaxNameLength = 64;
    private const int MaxTokensOfAnOwner = 100;

    /// <summary>Lists tokens, oldest first.</summary>
    /// <param name="own">Only the caller's own; else all, for admins.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cursor">Of the page before.</param>
    /// <param name="cancellationToken">Ends the wait for the database.</param>
    public async Task<Outcome<Page<TokenResponse>>> ListAsync(bool own, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (Denied(own) is { } denied) return denied;
        if (!Cursors.ReadById(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await Reach(db, own).AsNoTracking().Where(t => t.Id > page.After).OrderBy(t => t.Id).Take(page.Limit + 1).ToListAsync(cancellationToken);
        return Cursors.ToPage(rows, page.Limit, Show, r => r.Id.ToString());
    }

    public async Task<Outcome<TokenResponse>> GetAsync(Guid id, bool own, CancellationToken cancellationToken)
    {
        if (Denied(own) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await Reach(db, own).AsNoTracking().SingleOrDefaultAsync(t => t.Id == id, cancellationToken) is { } token ? Show(token) : NotFound(id);
    }

    /// <summary>Makes a token that acts for the caller. The answer is the only place where it is ever shown.</summary>
    public async Task<Outcome<TokenResponse>> CreateAsync(TokenSettings settings, bool own, CancellationToken cancellationToken)
    {
        if (Denied(own) is { } denied) return denied;
        var secret = "gwt_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        return await changes.SaveAsync<TokenResponse>(Permission.None, async change =>
        {
            var ownerId = caller.Identity.UserId;
            var owner = await change.Db.Users.SingleOrDefaultAsync(u => u.Id == ownerId, cancellationToken);
            if (ownerId is not null && owner is null) return Failure.NotFound("user", ownerId.Value.ToString());
            if (Check(settings, owner, change.Now) is { } broken) return broken;
            if (await NameTakenAsync(change.Db, ownerId, Guid.Empty, settings.Name!, cancellationToken) is { } taken) return taken;
            if (await change.Db.ApiTokens.CountAsync(t => t.OwnerId == ownerId, cancellationToken) >= MaxTokensOfAnOwner)
                return new Failure(FailureKind.Conflict, $"There are {MaxTokensOfAnOwner} tokens already. Revoke some that are not used.", []);
            var token = new ApiToken
            {
                Id = change.NewId(),
                Hash = Credentials.Hash(secret),
                OwnerId = ownerId,
                Owner = owner,
                CreatedAt = change.Now.UtcTicks,
                Revision = change.Revision,
            };
            Apply(token, settings);
            change.Db.ApiTokens.Add(token);
            change.Record("token.create", token.Name, null, Read(token));
            return Show(token) with { Token = secret };
        }, cancellationToken);
    }

    public async Task<Outcome<TokenResponse>> UpdateAsync(Guid id, Func<TokenSettings, Outcome<TokenSettings>> edit, string? ifMatch, bool own, CancellationToken cancellationToken)
    {
        if (Denied(own) is { } denied) return denied;
        return await changes.SaveAsync<TokenResponse>(Permission.None, async change =>
        {
            var token = await Reach(change.Db, own).SingleOrDefaultAsync(t => t.Id == id, cancellationToken);
            if (token is null) return NotFound(id);
            if (!ETags.Allows(ifMatch, token.Revision)) return Failure.Changed(token.Revision);
            var before = Read(token);
            if (!edit(before).Succeeded(out var settings, out var malformed)) return malformed;
            if (Check(settings, token.Owner, change.Now, before) is { } broken) return broken;
            if (await NameTakenAsync(change.Db, token.OwnerId, id, settings.Name!, cancellationToken) is { } taken) return taken;
            Apply(token, settings);
            token.Revision = change.Revision;
            change.Record("token.update", before.Name!, before, Read(token));
            change.AfterCommit(() => access.Publish(id));
            return Show(token);
        }, cancellationToken);
    }

    public async Task<Outcome<bool>> RevokeAsync(Guid id, string? ifMatch, bool own, CancellationToken cancellationToken)
    {
        if (Denied(own) is { } denied) return denied;
        return await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            var token = await Reach(change.Db, own).SingleOrDefaultAsync(t => t.Id == id, cancellationToken);
            if (token is null) return NotFound(id);
            if (!ETags.Allows(ifMatch, token.Revision)) return Failure.Changed(token.Revision);
            change.Db.ApiTokens.Remove(token);
            change.Record("token.revoke", token.Name, Read(token), null);
            change.AfterCommit(() => access.Publish(id));
            return true;
        }, cancellationToken);
    }

    private Failure? Denied(bool own) => !own || caller.Identity.Kind == CallerIdentity.TokenKind ? caller.Lacks(Permission.Administer)
        : caller.Identity.UserId is null ? new Failure(FailureKind.Forbidden, "Only who is signed in has tokens of their own.", []) : null;

    private IQueryable<ApiToken> Reach(GatewayDbContext db, bool own)
    {
        var me = caller.Identity.UserId;
        return db.ApiTokens.Include(t => t.Owner).Where(t => !own || t.OwnerId == me);
    }

    private static Failure? Check(TokenSettings settings, User? owner, DateTimeOffset now, TokenSettings? before = null)
    {
        var errors = new RuleErrors();
        if (string.IsNullOrWhiteSpace(settings.Name)) errors.Add("name", "It is missing.", "Say what the token is for, such as backup-script.");
        else if (settings.Name.Length > MaxNameLength) errors.Add("name", $"It has {settings.Name.Length} characters.", $"Give at most {MaxNameLength}.");
        else if (settings.Name.Any(char.IsControl)) errors.Add("name", "It has control characters.", "Use visible ones.");
        if (settings.Scopes is not { Count: > 0 }) errors.Add("scopes", "There is none.", $"Give some of {string.Join(", ", Permissions.ByScope.Keys)}.");
        var allowed = owner is null ? Permissions.All : Permissions.Of(owner);
        foreach (var (index, scope) in (settings.Scopes ?? []).Index())
        {
            if (!Permissions.ByScope.TryGetValue(scope ?? "", out var permission))
                errors.Add($"scopes[{index}]", $"'{scope}' is not known.", $"Scopes are {string.Join(", ", Permissions.ByScope.Keys)}.");
            else if (!allowed.HasFlag(permission) && before?.Scopes?.Contains(scope!) is not true)
                errors.Add($"scopes[{index}]", $"'{owner!.UserName}' may not do what '{scope}' allows.", $"Give some of {string.Join(", ", Permissions.ToScopes(allowed))}.");
        }

        if (settings.ExpiresAt <= now && settings.ExpiresAt != before?.ExpiresAt) errors.Add("expiresAt", "It is in the past.", "Give a time to come, or null for no end.");
        return errors.Any ? errors.ToFailure() : null;
    }

    private static async Task<Failure?> NameTakenAsync(GatewayDbContext db, Guid? ownerId, Guid id, string name, CancellationToken cancellationToken) =>
        await db.ApiTokens.AnyAsync(t => t.OwnerId == ownerId && t.Name == name && t.Id != id, cancellationToken)
            ? Failure.Of(FailureKind.Conflict, "name", $"There is a token '{name}' already.", "Choose another name.")
            : null;

    private static void Apply(ApiToken token, TokenSettings settings)
    {
        token.Name = settings.Name!;
        token.Scopes = [.. Permissions.ByScope.Keys.Where(settings.Scopes!.Contains)];
        token.ExpiresAt = settings.ExpiresAt?.UtcTicks;
    }

    private static TokenSettings Read(ApiToken token) => new() { Name = token.Name, Scopes = [.. token.Scopes], ExpiresAt = UserView.Time(token.ExpiresAt) };

    private TokenResponse Show(ApiToken token)
    {
        var use = uses.LastOf(token.Id);
        return new TokenResponse
        {
            Id = token.Id,
            Name = token.Name,
            Scopes = token.Scopes,
            EffectiveScopes = token.ExpiresAt <= time.GetUtcNow().UtcTicks ? [] : Permissions.ToScopes(Permissions.Of(token)),
            Owner = token.Owner?.UserName,
            OwnerId = token.OwnerId,
            ExpiresAt = UserView.Time(token.ExpiresAt),
            LastUsedAt = use?.At ?? UserView.Time(token.LastUsedAt),
            LastUsedFrom = use is null ? token.LastUsedFrom : use.From?.ToString(),
            CreatedAt = new DateTimeOffset(token.CreatedAt, TimeSpan.Zero),
            Revision = token.Revision,
        };
    }

    private static Failure NotFound(Guid id) => Failure.NotFound("token", id.ToString());
}
