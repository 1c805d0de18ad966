using Gateway.Features.Accounts.SignIn;
using Gateway.Features.Audit;
using Gateway.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Identity;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Features.Accounts.OpenId;

/// <summary>Sets the framework's OpenID Connect handler up: what it asks for, and what becomes of an answer that it does not accept.</summary>
internal static class OpenIdSetup
{
    /// <summary>The handler's name.</summary>
    public const string Scheme = "OpenId";

    /// <summary>Where the provider sends people back to; to be registered there.</summary>
    public const string CallbackPath = "/account/openid/callback";

    /// <summary>Where the sign-in is concluded, or said to have failed.</summary>
    public const string ReturnPath = "/account/openid/return";

    /// <summary>In the state that goes to the provider and back, encrypted: the user who wants to connect, if that is what it is for.</summary>
    public const string Connects = "gateway:connects";

    public static AuthenticationBuilder AddOpenId(this AuthenticationBuilder authentication, OpenIdOptions? provider)
    {
        authentication.Services.AddScoped<OpenIdService>();
        return provider is null ? authentication : authentication.AddOpenIdConnect(Scheme, provider.Name, options =>
        {
            options.SignInScheme = IdentityConstants.ExternalScheme;
            options.Authority = provider.Authority.AbsoluteUri;
            options.RequireHttpsMetadata = !provider.Authority.IsLoopback;
            options.ClientId = provider.ClientId;
            options.ClientSecret = provider.ClientSecret;
            options.CallbackPath = CallbackPath;
            options.ResponseType = OpenIdConnectResponseType.Code;
            // An answer by form would come without our cookies, which are SameSite=Lax.
            options.ResponseMode = OpenIdConnectResponseMode.Query;
            options.CorrelationCookie.SameSite = options.NonceCookie.SameSite = SameSiteMode.Lax;
            options.CorrelationCookie.SecurePolicy = options.NonceCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.Scope.Clear();
            foreach (var scope in provider.Scopes) options.Scope.Add(scope);
            // Claims keep their names; the issuer is half of who somebody is. Some providers tell groups only when asked for them.
            options.MapInboundClaims = false;
            options.ClaimActions.Remove("iss");
            options.GetClaimsFromUserInfoEndpoint = true;
            options.ClaimActions.MapJsonKey(provider.RoleClaim, provider.RoleClaim);
            options.ClaimActions.MapJsonKey(provider.NameClaim, provider.NameClaim);
            options.Events.OnMessageReceived = LimitAsync;
            options.Events.OnRemoteFailure = FailAsync;
        });
    }

    /// <summary>Before the provider is asked for anything: how often may this address try?</summary>
    private static Task LimitAsync(MessageReceivedContext context)
    {
        var limits = context.HttpContext.RequestServices.GetRequiredService<SignInLimits>();
        if (limits.Wait(CallerIdentity.AddressOf(context.HttpContext), null) is null) return Task.CompletedTask;
        context.Response.Redirect($"{ReturnPath}?failed=often");
        context.HandleResponse();
        return Task.CompletedTask;
    }

    /// <summary>Why stays in the audit. The texts of the exceptions may hold pieces of what was sent and go nowhere.</summary>
    private static async Task FailAsync(RemoteFailureContext context)
    {
        var http = context.HttpContext;
        await http.RequestServices.GetRequiredService<AuditTrail>().NoteAsync(
            CallerIdentity.Nobody with { From = CallerIdentity.AddressOf(http) }, AuditActions.SignInFailed, "", new { Method = "openid", Reason = ReasonOf(context.Failure) }, http.RequestAborted);
        context.Response.Redirect($"{ReturnPath}?failed=refused");
        context.HandleResponse();
    }

    private static string ReasonOf(Exception? failure) => failure switch
    {
        OpenIdConnectProtocolInvalidNonceException => "wrong nonce",
        OpenIdConnectProtocolException { Data: var data } when data["error"] is string { Length: < 40 } error && error.All(c => char.IsAsciiLetterLower(c) || c == '_') => $"the provider answered {error}",
        SecurityTokenSignatureKeyNotFoundException or SecurityTokenInvalidSignatureException => "wrong signature",
        SecurityTokenInvalidIssuerException => "wrong issuer",
        SecurityTokenInvalidAudienceException => "wrong audience",
        SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException or SecurityTokenNotYetValidException or SecurityTokenNoExpirationException => "expired",
        HttpRequestException or TaskCanceledException or IOException => "the provider cannot be reached",
        AuthenticationFailureException { InnerException: { } inner } => ReasonOf(inner),
        { InnerException: { } inner } when failure is not SecurityTokenException => ReasonOf(inner),
        SecurityTokenException => "token not accepted",
        _ => "not begun in this browser, or too long ago",
    };
}
