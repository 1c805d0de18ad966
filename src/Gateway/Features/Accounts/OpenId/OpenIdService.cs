using System.Security.Claims;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Accounts.SignIn;
using Gateway.Features.Accounts.Users;
using Gateway.Hosting;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.OpenId;

/// <summary>
/// What follows when the provider vouches for somebody: they are signed in, or become a user, or connect the account there to the one here. Who
/// they are is the provider's issuer and subject, never a name or an e-mail address, which people change and providers give out again
/// (OpenID Connect Core 1.0 §5.7).
/// </summary>
internal sealed class OpenIdService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, UserManagers managers, SignInManager signIn, SignInService signIns, AccessChanges access, GatewayOptions gateway, TimeProvider time)
{
    private readonly OpenIdOptions? _provider = gateway.Oidc;

    /// <summary>What the provider is called; null if there is none.</summary>
    public string? ProviderName => _provider?.Name;

    /// <summary>Whether the caller's account is connected.</summary>
    public async Task<Outcome<bool>> IsConnectedAsync(CancellationToken cancellationToken)
    {
        if (caller.Identity is not { SessionId: not null, UserId: { } me }) return NotSignedIn();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.UserLogins.AnyAsync(l => l.UserId == me, cancellationToken);
    }

    /// <summary>Concludes what was begun at the provider.</summary>
    public async Task<Outcome<SignInOutcome>> ConcludeAsync(CancellationToken cancellationToken)
    {
        signIn.Method = "openid";
        var answer = await signIn.Context.AuthenticateAsync(IdentityConstants.ExternalScheme);
        if (_provider is null || answer is not { Succeeded: true, Principal: { } person } || Identity.Of(person, _provider) is not { } who) return new SignInOutcome(SignInState.Expired);
        await signIn.Context.SignOutAsync(IdentityConstants.ExternalScheme);
        if (answer.Properties?.Items.TryGetValue(OpenIdSetup.Connects, out var wanted) is true)
            return caller.Identity.SessionId is not null && wanted == caller.Identity.UserId?.ToString() ? await ConnectAsync(who, caller.Identity.UserId!.Value, cancellationToken) : new SignInOutcome(SignInState.Expired);
        if (await signIn.UserManager.FindByLoginAsync(who.Issuer, who.Subject) is { } known) return await SignInAsync(known, who, cancellationToken);
        return await CreateAsync(who, cancellationToken);
    }

    /// <summary>Takes the provider's account away from the caller's, unless it is their only way to sign in.</summary>
    public async Task<Outcome<bool>> DisconnectAsync(CancellationToken cancellationToken)
    {
        if (caller.Identity is not { SessionId: not null, UserId: { } me }) return NotSignedIn();
        return await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            var user = await change.Db.Users.SingleAsync(u => u.Id == me, cancellationToken);
            if (user.PasswordHash is null && !await change.Db.UserPasskeys.AnyAsync(p => p.UserId == me, cancellationToken))
                return new Failure(FailureKind.Conflict, "It is your only way to sign in. Add a passkey first, or ask an admin for a link to choose a password.", []);
            if (await change.Db.UserLogins.Where(l => l.UserId == me).ExecuteDeleteAsync(cancellationToken) == 0) return Failure.NotFound("connection", _provider?.Name ?? "");
            change.Record("user.disconnect-openid", user.UserName!, null, null);
            return true;
        }, cancellationToken);
    }

    private async Task<Outcome<SignInOutcome>> ConnectAsync(Identity who, Guid me, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            if (await change.Db.UserLogins.AnyAsync(l => l.LoginProvider == who.Issuer && l.ProviderKey == who.Subject, cancellationToken))
                return new Failure(FailureKind.Conflict, $"That account at {_provider!.Name} belongs to a user here already.", []);
            if (await change.Db.UserLogins.AnyAsync(l => l.UserId == me, cancellationToken)) return new Failure(FailureKind.Conflict, "Your account is connected already. Disconnect it first.", []);
            return await AddLoginAsync(change, await change.Db.Users.SingleAsync(u => u.Id == me, cancellationToken), who) is { } refused ? refused : true;
        }, cancellationToken);
        return saved.Failure is { } failure ? failure : new SignInOutcome(SignInState.SignedIn);
    }

    private async Task<Outcome<SignInOutcome>> SignInAsync(User user, Identity who, CancellationToken cancellationToken)
    {
        if (_provider!.DecidesRoles && !user.Disabled)
        {
            if (who.Role is null) return await RefuseAsync(user.UserName!, "no role", NoRole(), cancellationToken);
            if (who.Role != user.Role && await SetRoleAsync(user, who.Role, cancellationToken) is { } refused) return await RefuseAsync(user.UserName!, "last admin", refused, cancellationToken);
        }

        // Locked or disabled is refused, and a second factor that was set up here is asked for.
        return await signIns.ConcludeAsync(await signIn.ExternalLoginSignInAsync(who.Issuer, who.Subject, isPersistent: false, bypassTwoFactor: false), user, "not accepted", cancellationToken);
    }

    private async Task<Outcome<SignInOutcome>> CreateAsync(Identity who, CancellationToken cancellationToken)
    {
        if (!_provider!.CreateUsers)
            return await RefuseAsync(who.Name, "not known here", new Failure(FailureKind.Forbidden, $"Nobody here is connected to your account at {_provider.Name}. Ask an admin for a user, sign in as that, and connect it.", []), cancellationToken);
        if (who.Role is null) return await RefuseAsync(who.Name, "no role", NoRole(), cancellationToken);
        var now = time.GetUtcNow();
        var user = new User { Id = Guid.CreateVersion7(now), UserName = who.Name, Role = who.Role, LockoutEnabled = true, CreatedAt = now.UtcTicks };
        caller.Become(Acting(user));
        var saved = await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            // With a first user the set-up link is dead, so that one must be able to let others in.
            if (user.Role != Roles.Admin && !await change.Db.Users.AnyAsync(cancellationToken))
                return new Failure(FailureKind.Conflict, "This gateway has no admin yet. The first user is made with the link in its log, or is an admin.", []);
            if (await UserRules.NameTakenAsync(change.Db, managers.On(change.Db).KeyNormalizer, Guid.Empty, who.Name, cancellationToken) is not null)
                return new Failure(FailureKind.Conflict, $"There is a user '{who.Name}' here already. If it is you, sign in as that, and connect your account at {_provider.Name}. Else ask an admin.", []);
            user.Revision = change.Revision;
            if (UserService.Refused(await managers.On(change.Db).CreateAsync(user)) is { } refused) return refused;
            change.Record("user.create", user.UserName!, null, UserView.Read(user));
            return await AddLoginAsync(change, user, who) is { } notAdded ? notAdded : true;
        }, cancellationToken);
        if (saved.Failure is { } failure) return await RefuseAsync(who.Name, "not created", failure, cancellationToken);
        await signIn.SignInAsync(user, isPersistent: false);
        return new SignInOutcome(SignInState.SignedIn);
    }

    private async Task<Failure?> SetRoleAsync(User known, string role, CancellationToken cancellationToken)
    {
        caller.Become(Acting(known));
        return (await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            var user = await change.Db.Users.SingleAsync(u => u.Id == known.Id, cancellationToken);
            if (role != Roles.Admin && await UserRules.LastAdminAsync(change.Db, user, cancellationToken) is { } last) return last;
            var before = UserView.Read(user);
            (user.Role, user.Revision) = (role, change.Revision);
            change.Record("user.update", user.UserName!, before, UserView.Read(user));
            change.AfterCommit(() => access.Publish(user.Id));
            return true;
        }, cancellationToken)).Failure;
    }

    private async Task<Failure?> AddLoginAsync(Change change, User user, Identity who)
    {
        if (UserService.Refused(await managers.On(change.Db).AddLoginAsync(user, new UserLoginInfo(who.Issuer, who.Subject, _provider!.Name))) is { } refused) return refused;
        change.Record("user.connect-openid", user.UserName!, null, new { who.Issuer, who.Subject });
        return null;
    }

    private async Task<Outcome<SignInOutcome>> RefuseAsync(string name, string reason, Failure failure, CancellationToken cancellationToken)
    {
        await signIns.RefuseAsync(name, reason, cancellationToken);
        return failure;
    }

    private Failure NoRole() => new(FailureKind.Forbidden, $"Your account at {_provider!.Name} has no role on this gateway. Ask who manages it there.", []);

    private CallerIdentity Acting(User user) => new(CallerIdentity.UserKind, user.Id, user.UserName!, Permission.None, CallerIdentity.AddressOf(signIn.Context)) { UserId = user.Id };

    private static Failure NotSignedIn() => new(FailureKind.Forbidden, "Only who is signed in has an account to connect.", []);

    /// <summary>Whom the provider vouches for.</summary>
    private sealed record Identity(string Issuer, string Subject, string Name, string? Role)
    {
        public static Identity? Of(ClaimsPrincipal person, OpenIdOptions provider) =>
            person.FindFirstValue("iss") is { Length: > 0 } issuer && person.FindFirstValue("sub") is { Length: > 0 } subject
                ? new Identity(issuer, subject, UserRules.ToName(person.FindFirstValue(provider.NameClaim) ?? subject), provider.RoleOf([.. person.FindAll(provider.RoleClaim).Select(c => c.Value)]))
                : null;
    }
}
