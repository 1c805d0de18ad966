using System.Security.Claims;
using Gateway.Components;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace Gateway.Security;

/// <summary>
/// The cookie of the dashboard. It holds the id of a session, encrypted, and nothing else; what the session is worth is looked up for each
/// request. Over HTTPS its name begins with <c>__Host-</c>, which browsers take from this very host over HTTPS only (RFC 6265bis §4.1.3.2).
/// </summary>
internal static class SessionCookie
{
    /// <summary>In the cookie: which session.</summary>
    public const string SessionClaim = "gateway:session";

    public static void Configure(CookieAuthenticationOptions options)
    {
        ConfigurePassing(options);
        options.Cookie.Name = "gateway";
        options.ExpireTimeSpan = Credentials.SessionLifetime;
        options.SlidingExpiration = false;
        options.LoginPath = "/account/sign-in";
        options.ReturnUrlParameter = "returnUrl";
        options.Events.OnValidatePrincipal = ValidateAsync;
        options.Events.OnRedirectToLogin = context => Dashboard.IsPage(context.Request) ? Redirect(context) : ChallengeAsync(context.HttpContext);
        options.Events.OnRedirectToAccessDenied = context =>
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        };
    }

    /// <summary>What all cookies have: also those that carry a sign-in from one of its steps to the next, for some minutes.</summary>
    public static void ConfigurePassing(CookieAuthenticationOptions options)
    {
        options.Cookie.HttpOnly = true;
        // Lax, not Strict: a link from elsewhere, or the way back from an OpenID provider, finds the person signed in. What changes anything is guarded below.
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.CookieManager = new HostCookies();
    }

    /// <summary>Answers a program that it must say who it is; a page leads to the sign-in instead.</summary>
    public static async Task ChallengeAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers.WWWAuthenticate = "Bearer";
        await context.RequestServices.GetRequiredService<IProblemDetailsService>().TryWriteAsync(new ProblemDetailsContext { HttpContext = context });
    }

    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var http = context.HttpContext;
        var caller = Guid.TryParse(context.Principal?.FindFirstValue(SessionClaim), out var session) && SameOrigin.Allows(http.Request)
            ? await http.RequestServices.GetRequiredService<Credentials>().OfSessionAsync(session, CallerIdentity.AddressOf(http), http.RequestAborted)
            : null;
        if (caller is null) context.RejectPrincipal();
        else context.ReplacePrincipal(new ClaimsPrincipal(new AccessIdentity(caller, context.Scheme.Name)));
    }

    private static Task Redirect(RedirectContext<CookieAuthenticationOptions> context)
    {
        context.Response.Redirect(context.RedirectUri);
        return Task.CompletedTask;
    }
}

/// <summary>Writes and reads cookies under a name with <c>__Host-</c> where the request came over HTTPS.</summary>
internal sealed class HostCookies : ICookieManager
{
    private readonly ChunkingCookieManager _inner = new();

    public string? GetRequestCookie(HttpContext context, string key) => _inner.GetRequestCookie(context, Name(context, key));

    public void AppendResponseCookie(HttpContext context, string key, string? value, CookieOptions options) => _inner.AppendResponseCookie(context, Name(context, key), value, options);

    public void DeleteCookie(HttpContext context, string key, CookieOptions options) => _inner.DeleteCookie(context, Name(context, key), options);

    private static string Name(HttpContext context, string key) => context.Request.IsHttps ? "__Host-" + key : key;
}

/// <summary>
/// Whether a browser's cookie may count for a request that could change something: only if one of the gateway's own pages sent it. Browsers say so
/// in Sec-Fetch-Site, and where they leave that out (over plain HTTP) in Origin (W3C Fetch Metadata §2.3, RFC 6454 §7). What says neither is
/// no browser's cross-site request.
/// </summary>
internal static class SameOrigin
{
    public static bool Allows(HttpRequest request)
    {
        var isUpgrade = request.Headers.Upgrade.Count > 0;
        if (!isUpgrade && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))) return true;
        if (request.Headers["Sec-Fetch-Site"] is [{ Length: > 0 } site]) return site is "same-origin" or "none";
        return request.Headers.Origin is not [{ Length: > 0 } origin] || origin.Equals($"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }
}
