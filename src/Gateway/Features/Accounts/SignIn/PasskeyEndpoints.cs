using Microsoft.AspNetCore.Antiforgery;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>What the script of the sign-in and passkey pages asks for before it calls the browser's WebAuthn. The forms' antiforgery token goes along.</summary>
internal static class PasskeyEndpoints
{
    public static void MapPasskeys(this WebApplication app)
    {
        var options = app.MapGroup("/account/passkeys").ExcludeFromDescription();
        options.MapPost("/request", async (HttpContext context, IAntiforgery antiforgery, PasskeyService service) =>
            await antiforgery.IsRequestValidAsync(context) ? Results.Text(await service.RequestOptionsAsync(), "application/json") : Results.BadRequest()).AllowAnonymous();
        options.MapPost("/creation", async (HttpContext context, IAntiforgery antiforgery, PasskeyService service) =>
            await antiforgery.IsRequestValidAsync(context) && await service.CreationOptionsAsync() is { } json ? Results.Text(json, "application/json") : Results.BadRequest()).RequireAuthorization();
    }
}
