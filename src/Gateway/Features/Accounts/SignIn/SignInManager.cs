using System.Security.Claims;
using Gateway.Data;
using Gateway.Features.Audit;
using Gateway.Reconcile;
using Gateway.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>Identity's rules of signing in, with our end of it: a session in the database, a cookie that names it, an audit entry.</summary>
internal sealed class SignInManager(
    UserManager<User> users, IHttpContextAccessor http, IUserClaimsPrincipalFactory<User> claims, IOptions<IdentityOptions> options, ILogger<SignInManager<User>> logger,
    IAuthenticationSchemeProvider schemes, IUserConfirmation<User> confirmation, WriteGate gate, TimeProvider time)
    : SignInManager<User>(users, http, claims, options, logger, schemes, confirmation)
{
    private const int MaxBrowserLength = 200;

    /// <summary>How this sign-in was made, for the audit: password, authenticator, recovery-code, passkey, openid, set-up, invitation.</summary>
    public string Method { get; set; } = "password";

    public override Task<bool> CanSignInAsync(User user) => Task.FromResult(!user.Disabled);

    public override async Task SignInWithClaimsAsync(User user, AuthenticationProperties? authenticationProperties, IEnumerable<Claim> additionalClaims)
    {
        if (user.Disabled) throw new InvalidOperationException("A disabled user was about to be signed in.");
        var now = time.GetUtcNow();
        var from = CallerIdentity.AddressOf(Context);
        var browser = Context.Request.Headers.UserAgent.ToString();
        var session = new UserSession
        {
            Id = Guid.NewGuid(),
            UserId = user.Id,
            CreatedAt = now.UtcTicks,
            LastUsedAt = now.UtcTicks,
            LastUsedFrom = from?.ToString(),
            Browser = browser.Length == 0 ? null : browser[..Math.Min(browser.Length, MaxBrowserLength)],
        };
        var (usedSince, madeSince) = (Credentials.SessionsUsedSince(now), Credentials.SessionsMadeSince(now));
        await gate.NoteAsync(async db =>
        {
            await db.Sessions.Where(s => s.CreatedAt <= madeSince || s.LastUsedAt <= usedSince).ExecuteDeleteAsync();
            await db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(set => set.SetProperty(u => u.LastSignInAt, now.UtcTicks));
            // A second factor that was begun and never finished is begun anew: its key was shown on a page that is long closed.
            if (!user.TwoFactorEnabled) await db.UserTokens.Where(t => t.UserId == user.Id).ExecuteDeleteAsync();
            db.Sessions.Add(session);
            db.Audit.Add(AuditDocuments.ToEntry(
                AuditDocuments.Compare(AuditActions.SignIn, user.UserName!, null, new { Method }),
                new CallerIdentity(CallerIdentity.UserKind, user.Id, user.UserName!, Permission.None, from), now, revision: null));
        }, Context.RequestAborted);
        var principal = new ClaimsPrincipal(new ClaimsIdentity([new Claim(SessionCookie.SessionClaim, session.Id.ToString())], AuthenticationScheme));
        await Context.SignInAsync(AuthenticationScheme, principal, new AuthenticationProperties());
    }
}
