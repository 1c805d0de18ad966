using Gateway.Data;
using Gateway.Features.Accounts.Users;
using Gateway.Features.Audit;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>The three ways to choose a password: making the first user, following a one-time link, changing one's own.</summary>
internal sealed class PasswordService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, UserManagers managers, SignInManager signIn, SignInLimits limits, SetupLink setup,
    AccessChanges access, AuditTrail audit, TimeProvider time)
{
    /// <summary>Makes the first user, an admin, and signs them in.</summary>
    public async Task<Outcome<bool>> SetUpAsync(string code, string? name, string? password, CancellationToken cancellationToken)
    {
        if (!setup.Opens(code)) return Dead();
        var errors = new RuleErrors();
        UserRules.CheckName(name, errors);
        UserRules.CheckPassword(password, name, errors);
        if (errors.Any) return errors.ToFailure();
        var user = FirstUser.Make(name!, time.GetUtcNow());
        caller.Become(Acting(user));
        var saved = await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            if (await change.Db.Users.AnyAsync(cancellationToken)) return Dead();
            user.Revision = change.Revision;
            if (UserService.Refused(await managers.On(change.Db).CreateAsync(user, password!)) is { } refused) return refused;
            change.Record("user.create", user.UserName!, null, UserView.Read(user));
            change.AfterCommit(setup.Close);
            return true;
        }, cancellationToken);
        if (saved.Failure is not null) return saved;
        signIn.Method = "set-up";
        await signIn.SignInAsync(user, isPersistent: false);
        return true;
    }

    public bool SetUpIsOpen(string code) => setup.Opens(code);

    /// <summary>Whose one-time link this is; null if it is used, replaced or too old.</summary>
    public async Task<string?> FindInvitedAsync(string code, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return (await InvitedAsync(db, code, cancellationToken))?.UserName;
    }

    /// <summary>
    /// Sets the password of whom the link was made for, ends what was signed in before, and signs them in; or asks for the second factor, which the link
    /// does not stand in for.
    /// </summary>
    public async Task<Outcome<SignInState>> AcceptInvitationAsync(string code, string? password, CancellationToken cancellationToken)
    {
        User? invited = null;
        await using (var db = await contexts.CreateDbContextAsync(cancellationToken)) invited = await InvitedAsync(db, code, cancellationToken);
        if (invited is null) return Dead();
        var errors = new RuleErrors();
        UserRules.CheckPassword(password, invited.UserName, errors);
        if (errors.Any) return errors.ToFailure();
        caller.Become(Acting(invited));
        var saved = await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            var user = await InvitedAsync(change.Db, code, cancellationToken);
            if (user is null) return Dead();
            Invitation.Use(user);
            (user.LockoutEnd, user.AccessFailedCount) = (null, 0);
            if (await SetAsync(change, user, password!, except: null, cancellationToken) is { } refused) return refused;
            return true;
        }, cancellationToken);
        if (saved.Failure is { } failure) return failure;
        signIn.Method = "invitation";
        var result = await signIn.PasswordSignInAsync((await signIn.UserManager.FindByIdAsync(invited.Id.ToString()))!, password!, isPersistent: false, lockoutOnFailure: false);
        return result.RequiresTwoFactor ? SignInState.SecondFactor : SignInState.SignedIn;
    }

    /// <summary>Changes the caller's own password; their other sessions end.</summary>
    public async Task<Outcome<bool>> ChangeAsync(string? current, string? password, CancellationToken cancellationToken)
    {
        var me = caller.Identity;
        if (await FindMeAsync() is not { } known) return new Failure(FailureKind.Forbidden, "Only who is signed in has a password.", []);
        if (known.PasswordHash is null) return new Failure(FailureKind.Conflict, "You sign in without a password. An admin can give you a link to choose one.", []);
        if (limits.Wait(me.From, known.NormalizedUserName) is not null) return new Failure(FailureKind.TooMany, "Too many attempts. Wait a minute and try again.", []);
        var errors = new RuleErrors();
        UserRules.CheckPassword(password, known.UserName, errors);
        if (!(await signIn.CheckPasswordSignInAsync(known, current ?? "", lockoutOnFailure: true)).Succeeded)
        {
            await audit.NoteAsync(AuditActions.NotConfirmed, known.UserName!, new { Wanted = "user.set-password", Reason = "wrong password" }, cancellationToken);
            errors.Add("current", "It is not your password.", "Type the one you sign in with.");
        }

        if (errors.Any) return errors.ToFailure();
        return await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            var user = await change.Db.Users.SingleAsync(u => u.Id == known.Id, cancellationToken);
            if (await SetAsync(change, user, password!, except: me.SessionId, cancellationToken) is { } refused) return refused;
            return true;
        }, cancellationToken);

        async Task<User?> FindMeAsync() => me.SessionId is null ? null : await signIn.UserManager.FindByIdAsync(me.UserId!.Value.ToString());
    }

    private async Task<Failure?> SetAsync(Change change, User user, string password, Guid? except, CancellationToken cancellationToken)
    {
        var users = managers.On(change.Db);
        if (UserService.Refused(await users.RemovePasswordAsync(user)) is { } refused) return refused;
        if (UserService.Refused(await users.AddPasswordAsync(user, password)) is { } refusedToo) return refusedToo;
        var others = await change.Db.Sessions.Where(s => s.UserId == user.Id && s.Id != except).Select(s => s.Id).ToListAsync(cancellationToken);
        await change.Db.Sessions.Where(s => others.Contains(s.Id)).ExecuteDeleteAsync(cancellationToken);
        change.Record("user.set-password", user.UserName!, null, null);
        change.AfterCommit(() => others.ForEach(access.Publish));
        return null;
    }

    private async Task<User?> InvitedAsync(GatewayDbContext db, string code, CancellationToken cancellationToken)
    {
        var (hash, now) = (Credentials.Hash(code), time.GetUtcNow().UtcTicks);
        return await db.Users.SingleOrDefaultAsync(u => u.InvitationHash == hash && u.InvitationExpiresAt > now && !u.Disabled, cancellationToken);
    }

    private CallerIdentity Acting(User user) => new(CallerIdentity.UserKind, user.Id, user.UserName!, Permission.None, CallerIdentity.AddressOf(signIn.Context)) { UserId = user.Id };

    private static Failure Dead() => new(FailureKind.NotFound, "This link was used or is too old.", []);
}
