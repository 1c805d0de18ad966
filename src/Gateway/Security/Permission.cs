using Gateway.Contracts;
using Gateway.Data;

namespace Gateway.Security;

/// <summary>What a caller may do, as a set. Roles and token scopes are such sets; services ask <see cref="Caller"/> for the one they need.</summary>
[Flags]
internal enum Permission
{
    None = 0,
    /// <summary>See tunnels, peers, routes, interfaces, flows, drops, events, history.</summary>
    Read = 1,
    /// <summary>See configuration files of peers, which hold their keys.</summary>
    ReadConfigs = 2,
    /// <summary>Change peers and routes.</summary>
    ChangePeers = 4,
    /// <summary>Have the way of a packet explained, and send probes.</summary>
    Explain = 8,
    /// <summary>See packets. Comes with no role: it is given by itself.</summary>
    SeePackets = 16,
    /// <summary>Change tunnels, kernel settings, users and tokens; read the audit; back up and restore; craft packets.</summary>
    Administer = 32,
}

/// <summary>Permissions by their names in the API, and by role.</summary>
internal static class Permissions
{
    public static readonly IReadOnlyDictionary<string, Permission> ByScope = new Dictionary<string, Permission>(StringComparer.Ordinal)
    {
        [Scopes.Read] = Permission.Read,
        [Scopes.Configs] = Permission.ReadConfigs,
        [Scopes.Peers] = Permission.ChangePeers,
        [Scopes.Explain] = Permission.Explain,
        [Scopes.Packets] = Permission.SeePackets,
        [Scopes.Admin] = Permission.Administer,
    };

    public const Permission All = Permission.Read | Permission.ReadConfigs | Permission.ChangePeers | Permission.Explain | Permission.SeePackets | Permission.Administer;

    /// <summary>What a role may do; nothing for a word that is no role.</summary>
    public static Permission OfRole(string role) => role switch
    {
        Roles.Viewer => Permission.Read,
        Roles.Operator => Permission.Read | Permission.ReadConfigs | Permission.ChangePeers | Permission.Explain,
        Roles.Admin => All & ~Permission.SeePackets,
        _ => Permission.None,
    };

    /// <summary>What a user may do now.</summary>
    public static Permission Of(User user) =>
        user.Disabled ? Permission.None : OfRole(user.Role) | (user.SeesPackets ? Permission.SeePackets : Permission.None);

    /// <summary>What a token may do now: never more than its owner.</summary>
    public static Permission Of(ApiToken token) => OfScopes(token.Scopes) & (token.OwnerId is null ? All : token.Owner is { } owner ? Of(owner) : Permission.None);

    /// <summary>The scope's word for one permission.</summary>
    public static string Scope(Permission permission) => ByScope.First(s => s.Value == permission).Key;

    /// <summary>The scopes' words for a set.</summary>
    public static IReadOnlyList<string> ToScopes(Permission permissions) => [.. ByScope.Where(s => permissions.HasFlag(s.Value)).Select(s => s.Key)];

    /// <summary>The set for scopes' words; unknown words add nothing.</summary>
    public static Permission OfScopes(IEnumerable<string> scopes) =>
        scopes.Aggregate(Permission.None, (set, scope) => set | ByScope.GetValueOrDefault(scope));
}
