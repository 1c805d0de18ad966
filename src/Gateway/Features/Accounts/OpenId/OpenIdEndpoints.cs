using Gateway.Features.Accounts.SignIn;
using Gateway.Hosting;
using Gateway.Security;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.Features.Accounts.OpenId;

/// <summary>Where the button leads: to the provider.</summary>
internal static partial class OpenIdEndpoints
{
    public const string Path = "/account/openid/begin";

    public static void MapOpenId(this WebApplication app)
    {
        if (app.Services.GetRequiredService<GatewayOptions>().Oidc is null) return;
        app.MapPost(Path, BeginAsync).ExcludeFromDescription().AllowAnonymous();
    }

    // A form with an antiforgery token, because for who is signed in it connects an account at the provider to theirs: no other site may begin that.
    private static async Task<IResult> BeginAsync(HttpContext context, IAntiforgery antiforgery, Caller caller, SignInLimits limits, ILogger<OpenIdService> logger)
    {
        if (!await antiforgery.IsRequestValidAsync(context)) return Results.BadRequest();
        if (limits.Wait(CallerIdentity.AddressOf(context), null) is not null) return Results.LocalRedirect($"{OpenIdSetup.ReturnPath}?failed=often");
        var returnUrl = context.Request.Form["ReturnUrl"].ToString();
        var properties = new AuthenticationProperties { RedirectUri = returnUrl.Length == 0 ? OpenIdSetup.ReturnPath : $"{OpenIdSetup.ReturnPath}?returnUrl={Uri.EscapeDataString(returnUrl)}" };
        if (caller.Identity is { SessionId: not null, UserId: { } me }) properties.Items[OpenIdSetup.Connects] = me.ToString();
        try
        {
            await context.ChallengeAsync(OpenIdSetup.Scheme, properties);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or HttpRequestException)
        {
            // The provider's description could not be read.
            LogUnreachable(logger, (e.InnerException ?? e).Message);
            return Results.LocalRedirect($"{OpenIdSetup.ReturnPath}?failed=unreachable");
        }

        // A redirect as the answer to a form meets the content policy's form-action, in which every host would have to be named that the provider
        // sends people over (CSP3 §6.4.2). A page that moves on does not.
        context.Response.Headers["Refresh"] = $"0;url={context.Response.Headers.Location}";
        context.Response.Headers.Remove("Location");
        return Results.Text("", "text/html", statusCode: StatusCodes.Status200OK);
    }

    [LoggerMessage(EventId = 1809, Level = LogLevel.Warning, Message = "The OpenID provider cannot be reached, so nobody can sign in with it: {Reason}")]
    private static partial void LogUnreachable(ILogger logger, string reason);
}
