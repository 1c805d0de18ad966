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

    /// <summary>Nobody yet: may do nothing.</summary>
    public static readonly CallerIdentity Nobody = new(SystemKind, null, "nobody", Permission.None, null);

    /// <summary>The gateway itself.</summary>
    public static readonly CallerIdentity System = new(SystemKind, null, "gateway", Gateway.Security.Permissions.All, null);

    /// <summary>The user behind it: the one who signed in, or the token's owner; null where there is none.</summary>
    public Guid? UserId { get; init; }

    /// <summary>The browser session it came by; null for tokens.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>When the token or the session ends by itself; null = never.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    /// <summary>The <see cref="AccessChanges.Generation"/> before it was looked up: if it has moved on, this may be out of date.</summary>
    public long AsOf { get; init; }

    /// <summary>Whom an authentication handler vouched for; nobody if it did not.</summary>
    public static CallerIdentity Of(ClaimsPrincipal principal) => (principal.Identity as AccessIdentity)?.Caller ?? Nobody;

    /// <summary>Where a request came from, IPv4 as IPv4.</summary>
    public static IPAddress? AddressOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;
}

/// <summary>What the authentication handlers put into the principal: the caller as looked up in the database for this very request or connection.</summary>
internal sealed class AccessIdentity(CallerIdentity caller, string scheme) : ClaimsIdentity(
    [new Claim(ClaimTypes.Name, caller.Name), new Claim(ClaimTypes.NameIdentifier, $"{caller.Kind}:{caller.Id}")], scheme)
{
    public CallerIdentity Caller { get; } = caller;
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
