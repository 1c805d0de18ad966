using System.Buffers.Text;
using System.Net;
using System.Text.Json;
using Gateway.Data;
using Gateway.Features.Accounts.Users;
using Gateway.Hosting;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>Why a browser would refuse passkeys on this page.</summary>
public enum PasskeyObstacle
{
    /// <summary>None: they can be used.</summary>
    None,
    /// <summary>The page was opened by an address; a relying party's id is a host name (WebAuthn Level 3 §5.1.3).</summary>
    Address,
    /// <summary>The page came over plain HTTP, and not from localhost.</summary>
    NotSecure,
    /// <summary>The certificate is the self-signed one, which browsers do not trust.</summary>
    SelfSigned,
}

/// <summary>A passkey, as its owner sees it.</summary>
public sealed record PasskeyView(string Id, string Name, DateTimeOffset CreatedAt);

/// <summary>Passkeys: signing in with one, and the caller's own.</summary>
internal sealed class PasskeyService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, UserManagers managers, SignInManager signIn, SignInService signIns, SignInLimits limits, HttpsCertificate certificate)
{
    private const int MaxPasskeys = 20;
    private const int MaxNameLength = 64;

    /// <summary>Whether the browser that asks could use a passkey here.</summary>
    public PasskeyObstacle Obstacle(HttpRequest request)
    {
        var host = request.Host.Host;
        if (IPAddress.TryParse(host.Trim('[', ']'), out _)) return PasskeyObstacle.Address;
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)) return PasskeyObstacle.None;
        if (!request.IsHttps) return PasskeyObstacle.NotSecure;
        return request.HttpContext.Features.Get<Microsoft.AspNetCore.Connections.Features.ITlsHandshakeFeature>() is not null && certificate.IsSelfSigned ? PasskeyObstacle.SelfSigned : PasskeyObstacle.None;
    }

    /// <summary>What the browser needs to ask for a passkey. The challenge goes along in a cookie of some minutes.</summary>
    public Task<string> RequestOptionsAsync() => signIn.MakePasskeyRequestOptionsAsync(null);

    /// <summary>What the browser needs to make one; null if nobody is signed in.</summary>
    public async Task<string?> CreationOptionsAsync() => await MeAsync() is { } me
        ? await signIn.MakePasskeyCreationOptionsAsync(new PasskeyUserEntity { Id = me.Id.ToString(), Name = me.UserName!, DisplayName = me.UserName! }) : null;

    public async Task<SignInOutcome> SignInAsync(string? credential, CancellationToken cancellationToken)
    {
        signIn.Method = "passkey";
        if (limits.Wait(CallerIdentity.AddressOf(signIn.Context), null) is { } wait) return new(SignInState.TooMany, wait);
        PasskeyAssertionResult<User> result;
        try
        {
            result = await signIn.PerformPasskeyAssertionAsync(string.IsNullOrEmpty(credential) ? "{}" : credential);
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException)
        {
            // No challenge is open: it is too old or was answered.
            return new(SignInState.Expired);
        }

        if (!result.Succeeded) return await signIns.RefuseAsync("", "passkey not accepted", cancellationToken);
        if (result.User.Disabled) return await signIns.RefuseAsync(result.User.UserName, "disabled", cancellationToken);
        if (!(await signIn.UserManager.AddOrUpdatePasskeyAsync(result.User, result.Passkey)).Succeeded) return await signIns.RefuseAsync(result.User.UserName, "used twice at once", cancellationToken);
        await signIn.SignInAsync(result.User, isPersistent: false);
        return new(SignInState.SignedIn);
    }

    public async Task<Outcome<IReadOnlyList<PasskeyView>>> ListAsync(CancellationToken cancellationToken)
    {
        if (caller.Identity.SessionId is null) return NotSignedIn();
        var me = caller.Identity.UserId!.Value;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.UserPasskeys.AsNoTracking().Where(p => p.UserId == me).ToListAsync(cancellationToken);
        return rows.OrderBy(p => p.Data.CreatedAt).Select(p => new PasskeyView(Base64Url.EncodeToString(p.CredentialId), p.Data.Name ?? "", p.Data.CreatedAt)).ToList();
    }

    /// <summary>Keeps the passkey that the browser made.</summary>
    public async Task<Outcome<bool>> AddAsync(string? credential, string? name, CancellationToken cancellationToken)
    {
        if (await MeAsync() is not { } me) return NotSignedIn();
        PasskeyAttestationResult result;
        try
        {
            result = await signIn.PerformPasskeyAttestationAsync(string.IsNullOrEmpty(credential) ? "{}" : credential);
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException)
        {
            return new Failure(FailureKind.Conflict, "This took too long. Begin again.", []);
        }

        if (!result.Succeeded || result.UserEntity.Id != me.Id.ToString()) return new Failure(FailureKind.Rule, "The browser's answer was not accepted. Begin again.", []);
        result.Passkey.Name = string.IsNullOrWhiteSpace(name) ? "Passkey" : name.Trim()[..Math.Min(name.Trim().Length, MaxNameLength)];
        return await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            if (await change.Db.UserPasskeys.CountAsync(p => p.UserId == me.Id, cancellationToken) >= MaxPasskeys)
                return new Failure(FailureKind.Conflict, $"You have {MaxPasskeys} passkeys. Remove one that you do not use.", []);
            var user = await change.Db.Users.SingleAsync(u => u.Id == me.Id, cancellationToken);
            if (UserService.Refused(await managers.On(change.Db).AddOrUpdatePasskeyAsync(user, result.Passkey)) is { } refused) return refused;
            change.Record("user.add-passkey", user.UserName!, null, new { result.Passkey.Name });
            return true;
        }, cancellationToken);
    }

    public async Task<Outcome<bool>> RemoveAsync(string? id, CancellationToken cancellationToken)
    {
        if (await MeAsync() is not { } me) return NotSignedIn();
        if (id is null || !Base64Url.IsValid(id)) return Failure.NotFound("passkey", "");
        var credential = Base64Url.DecodeFromChars(id);
        return await changes.SaveAsync<bool>(Permission.None, async change =>
        {
            var known = await change.Db.UserPasskeys.SingleOrDefaultAsync(p => p.UserId == me.Id && p.CredentialId == credential, cancellationToken);
            if (known is null) return Failure.NotFound("passkey", id);
            if (me.PasswordHash is null && !await change.Db.UserPasskeys.AnyAsync(p => p.UserId == me.Id && p.CredentialId != credential, cancellationToken)
                && !await change.Db.UserLogins.AnyAsync(l => l.UserId == me.Id, cancellationToken))
                return new Failure(FailureKind.Conflict, "It is your only way to sign in.", []);
            change.Db.UserPasskeys.Remove(known);
            change.Record("user.remove-passkey", me.UserName!, new { known.Data.Name }, null);
            return true;
        }, cancellationToken);
    }

    private async Task<User?> MeAsync() => caller.Identity.SessionId is null ? null : await signIn.UserManager.FindByIdAsync(caller.Identity.UserId!.Value.ToString());

    private static Failure NotSignedIn() => new(FailureKind.Forbidden, "Only who is signed in has passkeys.", []);
}
