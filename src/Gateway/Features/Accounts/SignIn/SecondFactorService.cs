using System.Globalization;
using Gateway.Data;
using Gateway.Features.Accounts.Users;
using Gateway.Features.Audit;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;
using QRCoder;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>How a person's second factor stands.</summary>
/// <param name="Enabled">Whether it is asked for.</param>
/// <param name="Key">While it is not: the key to type into the app, in groups of four.</param>
/// <param name="Picture">While it is not: the same as a QR code (SVG).</param>
/// <param name="CodesLeft">Recovery codes that were not used.</param>
public sealed record SecondFactorState(bool Enabled, string? Key, string? Picture, int CodesLeft);

/// <summary>The caller's own authenticator app (TOTP, RFC 6238) and recovery codes.</summary>
internal sealed class SecondFactorService(Caller caller, Changes changes, UserManagers managers, SignInManager signIn, SignInLimits limits, UsedCodes usedCodes, AuditTrail audit)
{
    private const int RecoveryCodes = 10;

    public async Task<Outcome<SecondFactorState>> GetAsync(CancellationToken cancellationToken)
    {
        if (await MeAsync() is not { } user) return NotSignedIn();
        var users = signIn.UserManager;
        if (user.TwoFactorEnabled) return new SecondFactorState(true, null, null, await users.CountRecoveryCodesAsync(user));
        if (await users.GetAuthenticatorKeyAsync(user) is not { Length: > 0 } key)
        {
            if (UserService.Refused(await users.ResetAuthenticatorKeyAsync(user)) is { } refused) return refused;
            key = (await users.GetAuthenticatorKeyAsync(user))!;
            await audit.NoteAsync("user.begin-second-factor", user.UserName!, null, cancellationToken);
        }

        // Key URI format of the authenticator apps; the label may not hold a colon, which no name here does.
        var uri = string.Create(CultureInfo.InvariantCulture, $"otpauth://totp/Gateway:{Uri.EscapeDataString(user.UserName!)}?secret={key}&issuer=Gateway&digits=6");
        using var generator = new QRCodeGenerator();
        using var data = generator.CreateQrCode(uri, QRCodeGenerator.ECCLevel.M);
        using var picture = new SvgQRCode(data);
        return new SecondFactorState(false, string.Join(' ', key.Chunk(4).Select(c => new string(c))), picture.GetGraphic(5), 0);
    }

    /// <summary>Turns it on, once a code shows that the app has the key. Answers the recovery codes, which are shown this once.</summary>
    public Task<Outcome<IReadOnlyList<string>>> EnableAsync(string? code, CancellationToken cancellationToken) => ChangeAsync(code, "user.enable-second-factor", true, cancellationToken);

    /// <summary>Makes new recovery codes; the old ones are dead.</summary>
    public Task<Outcome<IReadOnlyList<string>>> NewCodesAsync(string? code, CancellationToken cancellationToken) => ChangeAsync(code, "user.new-recovery-codes", true, cancellationToken);

    /// <summary>Turns it off.</summary>
    public Task<Outcome<IReadOnlyList<string>>> DisableAsync(string? code, CancellationToken cancellationToken) => ChangeAsync(code, "user.disable-second-factor", false, cancellationToken);

    private async Task<Outcome<IReadOnlyList<string>>> ChangeAsync(string? code, string action, bool enable, CancellationToken cancellationToken)
    {
        if (await MeAsync() is not { } me) return NotSignedIn();
        if (limits.Wait(caller.Identity.From, me.NormalizedUserName) is not null) return new Failure(FailureKind.TooMany, "Too many attempts. Wait a minute and try again.", []);
        var digits = new string([.. (code ?? "").Where(char.IsAsciiDigit)]);
        if (digits.Length != 6 || !usedCodes.Use(me.Id, digits)
            || !await signIn.UserManager.VerifyTwoFactorTokenAsync(me, signIn.Options.Tokens.AuthenticatorTokenProvider, digits))
        {
            await audit.NoteAsync(AuditActions.NotConfirmed, me.UserName!, new { Wanted = action, Reason = "wrong code" }, cancellationToken);
            return new Failure(FailureKind.Rule, "That is not the code. Type the six digits that the app shows now; each works once.", []);
        }

        return await changes.SaveAsync<IReadOnlyList<string>>(Permission.None, async change =>
        {
            var users = managers.On(change.Db);
            var user = await change.Db.Users.SingleAsync(u => u.Id == me.Id, cancellationToken);
            if (UserService.Refused(await users.SetTwoFactorEnabledAsync(user, enable)) is { } refused) return refused;
            IReadOnlyList<string> codes = [];
            if (enable) codes = [.. await users.GenerateNewTwoFactorRecoveryCodesAsync(user, RecoveryCodes) ?? []];
            else await change.Db.UserTokens.Where(t => t.UserId == me.Id).ExecuteDeleteAsync(cancellationToken);
            change.Record(action, user.UserName!, null, null);
            return Outcome.Of(codes);
        }, cancellationToken);
    }

    private async Task<User?> MeAsync() => caller.Identity.SessionId is null ? null : await signIn.UserManager.FindByIdAsync(caller.Identity.UserId!.Value.ToString());

    private static Failure NotSignedIn() => new(FailureKind.Forbidden, "Only who is signed in has a second factor.", []);
}
