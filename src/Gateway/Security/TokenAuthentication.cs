using System.Net.Http.Headers;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Gateway.Data;
using Microsoft.AspNetCore.Authentication;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Gateway.Security;

/// <summary>
/// Bearer tokens (RFC 6750) for the API. The API page under /swagger also takes the token as the password of HTTP Basic (RFC 7617), because a
/// browser cannot send a bearer header when a person opens a page; nowhere else, so that no other site can make a browser act with it.
/// </summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, IDbContextFactory<GatewayDbContext> contexts)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Scheme_ = "Token";

    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (ReadToken() is not { Length: > 0 } token) return AuthenticateResult.NoResult();
        var hash = Hash(token);
        await using var db = await contexts.CreateDbContextAsync(Context.RequestAborted);
        var known = await db.ApiTokens.AsNoTracking().FirstOrDefaultAsync(t => t.Hash == hash, Context.RequestAborted);
        if (known is null) return AuthenticateResult.Fail("Unknown token.");
        var identity = new ClaimsIdentity(
            [
                new Claim(ClaimTypes.Name, known.Name), new Claim(ClaimTypes.NameIdentifier, known.Id.ToString()), new Claim(CallerIdentity.KindClaim, CallerIdentity.TokenKind),
                .. Permissions.ToScopes(Permissions.All).Select(scope => new Claim(CallerIdentity.PermissionClaim, scope)),
            ], Scheme.Name);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = IsApiPage ? "Basic realm=\"Gateway API page: any name, an API token as password\"" : "Bearer";
        await Context.RequestServices.GetRequiredService<IProblemDetailsService>().TryWriteAsync(new ProblemDetailsContext { HttpContext = Context });
    }

    private bool IsApiPage => Request.Path.StartsWithSegments("/swagger", StringComparison.Ordinal);

    private string? ReadToken()
    {
        if (!AuthenticationHeaderValue.TryParse(Request.Headers.Authorization, out var header) || header.Parameter is null) return null;
        if (header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)) return header.Parameter;
        if (!IsApiPage || !header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase)) return null;
        Span<byte> bytes = stackalloc byte[512];
        if (!Convert.TryFromBase64String(header.Parameter, bytes, out var count)) return null;
        var pair = Encoding.UTF8.GetString(bytes[..count]);
        return pair[(pair.IndexOf(':', StringComparison.Ordinal) + 1)..];
    }
}
