using System.Net;
using System.Security.Claims;
using Gateway.Web;

namespace Gateway.Security;

/// <summary>Who a request, a hub call or a circuit acts for.</summary>
/// <param name="Kind">user, token or system.</param>
/// <param name="Id">The user's or the token's; null for the gateway itself.</param>
/// <param name="Name">For people and the audit.</param>
/// <param name="Permissions">What they may do.</param>
/// <param name="From">Where the request came from; null where there is none.</param>
internal sealed record CallerIdentity(string Kind, Guid? Id, string Name, Permission Permissions, IPAddress? From)
{
    public const string UserKind = "user";
    public const string TokenKind = "token";
    public const string SystemKind = "system";

    /// <summary>The claim that holds the permissions, as the scopes' words, one claim each.</summary>
    public const string PermissionClaim = "gateway:permission";

    /// <summary>The claim that says user or token.</summary>
    public const string KindClaim = "gateway:kind";

    /// <summary>Nobody yet: may do nothing.</summary>
    public static readonly CallerIdentity Nobody = new(SystemKind, null, "nobody", Permission.None, null);

    /// <summary>The gateway itself.</summary>
    public static readonly CallerIdentity System = new(SystemKind, null, "gateway", Gateway.Security.Permissions.All, null);

    /// <summary>What an authentication handler vouched for; nobody if it did not.</summary>
    public static CallerIdentity Of(ClaimsPrincipal principal, IPAddress? from)
    {
        if (principal.Identity is not { IsAuthenticated: true }) return Nobody with { From = from };
        return new CallerIdentity(
            principal.FindFirstValue(KindClaim) ?? UserKind,
            Guid.TryParse(principal.FindFirstValue(ClaimTypes.NameIdentifier), out var id) ? id : null,
            principal.Identity.Name ?? "unnamed",
            Gateway.Security.Permissions.OfScopes(principal.FindAll(PermissionClaim).Select(c => c.Value)),
            from is { IsIPv4MappedToIPv6: true } ? from.MapToIPv4() : from);
    }
}

/// <summary>
/// The caller of this scope: a request, a hub call, a circuit. Services enforce permissions through it, so that page, API and hub answer alike.
/// Whoever opens the scope says who it is; until then it is nobody.
/// </summary>
internal sealed class Caller
{
    public CallerIdentity Identity { get; private set; } = CallerIdentity.Nobody;

    public void Become(CallerIdentity identity) => Identity = identity;

    public bool May(Permission permission) => (Identity.Permissions & permission) == permission;

    /// <summary>Null when the caller may; else the 403 to answer with.</summary>
    public Failure? Lacks(Permission permission) => May(permission) ? null : new Failure(FailureKind.Forbidden,
        $"{Identity.Kind} '{Identity.Name}' may not do this: it takes the permission {Permissions.Scope(permission)}, here there is {Have()}.", []);

    private string Have() => Identity.Permissions == Permission.None ? "none" : string.Join(", ", Permissions.ToScopes(Identity.Permissions));
}

/// <summary>Tells each HTTP request's scope who calls.</summary>
internal static class CallerMiddleware
{
    public static void UseCaller(this WebApplication app) => app.Use((context, next) =>
    {
        context.RequestServices.GetRequiredService<Caller>().Become(CallerIdentity.Of(context.User, context.Connection.RemoteIpAddress));
        return next(context);
    });
}
