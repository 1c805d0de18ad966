using Gateway.Data;
using Gateway.Features.Audit;
using Gateway.Reconcile;
using Gateway.Security;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>How an attempt to sign in went.</summary>
internal enum SignInState
{
    SignedIn,
    /// <summary>The password is right; now the second factor.</summary>
    SecondFactor,
    /// <summary>Refused. Why stays in the audit: it would tell a stranger which accounts there are.</summary>
    Refused,
    /// <summary>Too many attempts: 429.</summary>
    TooMany,
    /// <summary>What began this sign-in is no longer there (too long ago, or in another browser): begin again.</summary>
    Expired,
}

/// <summary>How an attempt to sign in went, and for <see cref="SignInState.TooMany"/> how long to wait.</summary>
internal readonly record struct SignInOutcome(SignInState State, TimeSpan? RetryAfter = null);

/// <summary>Signs people in and out. Every attempt that was let through the limits makes an audit entry.</summary>
internal sealed class SignInService(
    SignInManager signIn, IPasswordHasher<User> hasher, SignInLimits limits, UsedCodes usedCodes, AuditTrail audit, Caller caller, WriteGate gate, AccessChanges access)
{
    private const int MaxShownName = 64;

    /// <summary>A hash of nothing anybody knows, so that an unknown name takes as long as a wrong password.</summary>
    private static string? s_decoy;

    public async Task<SignInOutcome> PasswordAsync(string? name, string? password, CancellationToken cancellationToken)
    {
        var users = signIn.UserManager;
        if (limits.Wait(From, users.NormalizeName(name) ?? "") is { } wait) return new(SignInState.TooMany, wait);
        var user = string.IsNullOrEmpty(name) || name.Length > 256 ? null : await users.FindByNameAsync(name);
        if (user?.PasswordHash is null)
        {
            hasher.VerifyHashedPassword(new User(), s_decoy ??= hasher.HashPassword(new User(), Guid.NewGuid().ToString()), Bounded(password));
            return await RefuseAsync(name, user is null ? "unknown name" : "has no password", cancellationToken);
        }

        signIn.Method = "password";
        return await ConcludeAsync(await signIn.PasswordSignInAsync(user, Bounded(password), isPersistent: false, lockoutOnFailure: true), user, "wrong password", cancellationToken);
    }

    /// <summary>The second step: a code of the authenticator app, or one of the recovery codes.</summary>
    public async Task<SignInOutcome> SecondFactorAsync(string? code, CancellationToken cancellationToken)
    {
        var user = await signIn.GetTwoFactorAuthenticationUserAsync();
        if (user is null) return new(SignInState.Expired);
        if (limits.Wait(From, user.NormalizedUserName) is { } wait) return new(SignInState.TooMany, wait);
        var digits = new string([.. (code ?? "").Where(c => !char.IsWhiteSpace(c) && c != '-')]);
        if (digits.Length == 6 && digits.All(char.IsAsciiDigit))
        {
            signIn.Method = "authenticator";
            if (!usedCodes.Use(user.Id, digits)) return await RefuseAsync(user.UserName, "code used before", cancellationToken);
            return await ConcludeAsync(await signIn.TwoFactorAuthenticatorSignInAsync(digits, isPersistent: false, rememberClient: false), user, "wrong code", cancellationToken);
        }

        signIn.Method = "recovery-code";
        if (user.Disabled) return await RefuseAsync(user.UserName, "disabled", cancellationToken);
        if (await signIn.UserManager.IsLockedOutAsync(user)) return await RefuseAsync(user.UserName, "locked", cancellationToken);
        return await ConcludeAsync(await signIn.TwoFactorRecoveryCodeSignInAsync((code ?? "").Trim()), user, "wrong code", cancellationToken);
    }

    /// <summary>Ends the session of this browser; what else it has open goes too.</summary>
    public async Task SignOutAsync(CancellationToken cancellationToken)
    {
        await signIn.SignOutAsync();
        if (caller.Identity.SessionId is not { } session) return;
        await gate.NoteAsync(db => db.Sessions.Where(s => s.Id == session).ExecuteDeleteAsync(cancellationToken), cancellationToken);
        access.Publish(session);
        await audit.NoteAsync(AuditActions.SignOut, caller.Identity.Name, null, cancellationToken);
    }

    public async Task<SignInOutcome> ConcludeAsync(SignInResult result, User user, string whatWasWrong, CancellationToken cancellationToken)
    {
        if (result.Succeeded) return new(SignInState.SignedIn);
        if (result.RequiresTwoFactor) return new(SignInState.SecondFactor);
        return await RefuseAsync(user.UserName, result.IsLockedOut ? "locked" : result.IsNotAllowed ? "disabled" : whatWasWrong, cancellationToken);
    }

    public async Task<SignInOutcome> RefuseAsync(string? name, string reason, CancellationToken cancellationToken)
    {
        await audit.NoteAsync(AuditActions.SignInFailed, Shown(name), new { signIn.Method, Reason = reason }, cancellationToken);
        return new(SignInState.Refused);
    }

    private System.Net.IPAddress? From => CallerIdentity.AddressOf(signIn.Context);

    private static string Bounded(string? password) => password is { Length: <= Users.UserRules.MaxPasswordLength } ? password : "";

    // What somebody typed as a name may be anything, a password too.
    private static string Shown(string? name)
    {
        var visible = new string([.. (name ?? "").Where(c => !char.IsControl(c)).Take(MaxShownName + 1)]);
        return visible.Length > MaxShownName ? visible[..MaxShownName] + "…" : visible;
    }
}
