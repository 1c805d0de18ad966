using Microsoft.AspNetCore.Components.Server.Circuits;
using MudBlazor;
using MudBlazor.Services;

namespace Gateway.Components;

/// <summary>The dashboard: Blazor components over the same services as the API.</summary>
internal static class Dashboard
{
    /// <summary>How long a browser that lost its connection may come back to the very state it left.</summary>
    private static readonly TimeSpan CircuitRetention = TimeSpan.FromMinutes(5);

    public static void AddDashboard(this IServiceCollection services)
    {
        services.AddLocalization();
        services.AddCascadingAuthenticationState();
        services.AddScoped<CircuitHandler, CircuitCaller>();
        services.AddScoped<ChangePreview>();
        services.AddRazorComponents().AddInteractiveServerComponents(circuits => circuits.DisconnectedCircuitRetentionPeriod = CircuitRetention);
        services.AddMudServices(mud =>
        {
            mud.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomRight;
            mud.SnackbarConfiguration.PreventDuplicates = true;
            mud.SnackbarConfiguration.SnackbarVariant = Variant.Outlined;
        });
    }

    /// <summary>Before routing: a page that is not there, or not for this person, is answered with a page. The API answers with problem details.</summary>
    public static void UseDashboardErrors(this WebApplication app) => app.UseWhen(
        context => IsPage(context.Request), pages => pages.UseStatusCodePagesWithReExecute("/status/{0}", createScopeForStatusCodePages: true));

    /// <summary>After authorization. Every page needs a signed-in person unless it says [AllowAnonymous]; the assets are for everyone.</summary>
    public static void MapDashboard(this WebApplication app)
    {
        app.UseAntiforgery();
        app.MapStaticAssets().AllowAnonymous();
        // The content policy is one header for everything (SecurityHeaders), so the framework adds none of its own.
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(server => server.ContentSecurityFrameAncestorsPolicy = null).RequireAuthorization();
    }

    /// <summary>Whether a person's browser asks for a page, and not a program for data.</summary>
    public static bool IsPage(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && !request.Path.StartsWithSegments("/api", StringComparison.Ordinal)
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
}
