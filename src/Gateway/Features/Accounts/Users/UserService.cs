using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.Users;

/// <summary>Users, as an admin sees and changes them.</summary>
internal sealed class UserService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, UserManagers managers, ILookupNormalizer normalizer, AccessChanges access, TimeProvider time)
{
    /// <summary>Lists users, oldest first.</summary>
    public async Task<Outcome<Page<UserResponse>>> ListAsync(string? search, string? role, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (!Cursors.ReadById(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        var part = string.IsNullOrEmpty(search) ? null : normalizer.NormalizeName(search);
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Users.AsNoTracking()
            .Where(u => u.Id > page.After && (part == null || u.NormalizedUserName!.Contains(part)) && (string.IsNullOrEmpty(role) || u.Role == role))
            .OrderBy(u => u.Id).Rows(db).Take(page.Limit + 1).ToListAsync(cancellationToken);
        return Cursors.ToPage(rows, page.Limit, r => UserView.Show(r, time.GetUtcNow()), r => r.User.Id.ToString());
    }

    public async Task<Outcome<UserResponse>> GetAsync(Guid id, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await ShowAsync(db, id, cancellationToken);
    }

    /// <summary>Makes a user without a password, and the one-time link with which they choose one.</summary>
    public async Task<Outcome<UserResponse>> CreateAsync(UserSettings wanted, CancellationToken cancellationToken) =>
        await changes.SaveAsync<UserResponse>(Permission.Administer, async change =>
        {
            var settings = wanted with { Role = wanted.Role ?? Roles.Viewer, SeesPackets = wanted.SeesPackets ?? false, Disabled = wanted.Disabled ?? false };
            if (Check(settings) is { } broken) return broken;
            if (await UserRules.NameTakenAsync(change.Db, normalizer, Guid.Empty, settings.Name!, cancellationToken) is { } taken) return taken;
            var user = new User { Id = change.NewId(), UserName = settings.Name, LockoutEnabled = true, CreatedAt = change.Now.UtcTicks, Revision = change.Revision };
            Apply(user, settings);
            var link = Invitation.Make(user, change.Now);
            if (Refused(await managers.On(change.Db).CreateAsync(user)) is { } refused) return refused;
            change.Record("user.create", user.UserName!, null, UserView.Read(user));
            return (await ShowAsync(change.Db, user.Id, cancellationToken)).Value! with { InvitationLink = link };
        }, cancellationToken);

    /// <param name="id">Which.</param>
    /// <param name="edit">Makes the settings wanted from those there are.</param>
    /// <param name="ifMatch">The ETag of what was read, or null.</param>
    /// <param name="cancellationToken">Ends the wait for the database.</param>
    public async Task<Outcome<UserResponse>> UpdateAsync(Guid id, Func<UserSettings, Outcome<UserSettings>> edit, string? ifMatch, CancellationToken cancellationToken) =>
        await ChangeAsync(id, ifMatch, async (change, user) =>
        {
            var before = UserView.Read(user);
            if (!edit(before).Succeeded(out var settings, out var malformed)) return malformed;
            settings = settings with { SeesPackets = settings.SeesPackets ?? false, Disabled = settings.Disabled ?? false };
            if (Check(settings) is { } broken) return broken;
            if (await UserRules.NameTakenAsync(change.Db, normalizer, id, settings.Name!, cancellationToken) is { } taken) return taken;
            if ((settings.Role != Roles.Admin || settings.Disabled is true) && await UserRules.LastAdminAsync(change.Db, user, cancellationToken) is { } last) return last;
            user.UserName = settings.Name;
            Apply(user, settings);
            user.Revision = change.Revision;
            if (Refused(await managers.On(change.Db).UpdateAsync(user)) is { } refused) return refused;
            change.Record("user.update", before.Name!, before, UserView.Read(user));
            change.AfterCommit(() => access.Publish(id));
            return true;
        }, cancellationToken);

    public async Task<Outcome<bool>> DeleteAsync(Guid id, string? ifMatch, CancellationToken cancellationToken) =>
        await changes.SaveAsync<bool>(Permission.Administer, async change =>
        {
            var user = await change.Db.Users.SingleOrDefaultAsync(u => u.Id == id, cancellationToken);
            if (user is null) return NotFound(id);
            if (!ETags.Allows(ifMatch, user.Revision)) return Failure.Changed(user.Revision);
            if (await UserRules.LastAdminAsync(change.Db, user, cancellationToken) is { } last) return last;
            if (Refused(await managers.On(change.Db).DeleteAsync(user)) is { } refused) return refused;
            change.Record("user.delete", user.UserName!, UserView.Read(user), null);
            change.AfterCommit(() => access.Publish(id));
            return true;
        }, cancellationToken);

    /// <summary>Makes a new one-time link. The password there is goes on working until the link is used.</summary>
    public async Task<Outcome<UserResponse>> InviteAsync(Guid id, CancellationToken cancellationToken)
    {
        var link = "";
        var outcome = await ChangeAsync(id, null, async (change, user) =>
        {
            link = Invitation.Make(user, change.Now);
            if (Refused(await managers.On(change.Db).UpdateAsync(user)) is { } refused) return refused;
            change.Record("user.invite", user.UserName!, null, null);
            return true;
        }, cancellationToken);
        return outcome.Succeeded(out var user, out var failure) ? user with { InvitationLink = link } : failure;
    }

    /// <summary>Takes the authenticator, the recovery codes and the passkeys away, for who lost them; and ends the sessions, in case somebody found them.</summary>
    public async Task<Outcome<UserResponse>> ResetSecondFactorAsync(Guid id, CancellationToken cancellationToken) =>
        await ChangeAsync(id, null, async (change, user) =>
        {
            if (user.PasswordHash is null && !await change.Db.UserLogins.AnyAsync(l => l.UserId == id, cancellationToken)
                && await UserRules.LastAdminAsync(change.Db, user, cancellationToken) is { } last) return last;
            await change.Db.UserPasskeys.Where(p => p.UserId == id).ExecuteDeleteAsync(cancellationToken);
            await change.Db.UserTokens.Where(t => t.UserId == id).ExecuteDeleteAsync(cancellationToken);
            await change.Db.Sessions.Where(s => s.UserId == id).ExecuteDeleteAsync(cancellationToken);
            if (Refused(await managers.On(change.Db).SetTwoFactorEnabledAsync(user, false)) is { } refused) return refused;
            change.Record("user.reset-second-factor", user.UserName!, null, null);
            change.AfterCommit(() => access.Publish(id));
            return true;
        }, cancellationToken);

    /// <summary>Ends all sessions of a user; tokens stay.</summary>
    public async Task<Outcome<UserResponse>> EndSessionsAsync(Guid id, CancellationToken cancellationToken) =>
        await ChangeAsync(id, null, async (change, user) =>
        {
            await change.Db.Sessions.Where(s => s.UserId == id).ExecuteDeleteAsync(cancellationToken);
            change.Record("user.end-sessions", user.UserName!, null, null);
            change.AfterCommit(() => access.Publish(id));
            return true;
        }, cancellationToken);

    /// <summary>What Identity refused, in its own words; null if it did not.</summary>
    public static Failure? Refused(IdentityResult result) => result.Succeeded ? null
        : new Failure(FailureKind.Conflict, string.Join(' ', result.Errors.Select(e => e.Description)), []);

    private async Task<Outcome<UserResponse>> ChangeAsync(
        Guid id, string? ifMatch, Func<Change, User, Task<Outcome<bool>>> body, CancellationToken cancellationToken) =>
        await changes.SaveAsync<UserResponse>(Permission.Administer, async change =>
        {
            var user = await change.Db.Users.SingleOrDefaultAsync(u => u.Id == id, cancellationToken);
            if (user is null) return NotFound(id);
            if (!ETags.Allows(ifMatch, user.Revision)) return Failure.Changed(user.Revision);
            return (await body(change, user)).Failure is { } failure ? failure : await ShowAsync(change.Db, id, cancellationToken);
        }, cancellationToken);

    private async Task<Outcome<UserResponse>> ShowAsync(GatewayDbContext db, Guid id, CancellationToken cancellationToken) =>
        await db.Users.AsNoTracking().Where(u => u.Id == id).Rows(db).SingleOrDefaultAsync(cancellationToken) is { } row ? UserView.Show(row, time.GetUtcNow()) : NotFound(id);

    private static Failure? Check(UserSettings settings)
    {
        var errors = new RuleErrors();
        UserRules.CheckName(settings.Name, errors);
        UserRules.CheckRole(settings.Role, errors);
        return errors.Any ? errors.ToFailure() : null;
    }

    private static void Apply(User user, UserSettings settings) =>
        (user.Role, user.SeesPackets, user.Disabled) = (settings.Role!, settings.SeesPackets!.Value, settings.Disabled!.Value);

    private static Failure NotFound(Guid id) => Failure.NotFound("user", id.ToString());
}
