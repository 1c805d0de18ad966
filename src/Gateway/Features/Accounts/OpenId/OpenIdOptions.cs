namespace Gateway.Features.Accounts.OpenId;

/// <summary>The settings under <c>Gateway:Oidc:</c>: a provider at which people sign in instead of here (OpenID Connect Core 1.0, authorization code with PKCE).</summary>
internal sealed class OpenIdOptions
{
    private static readonly string[] KnownKeys =
        [nameof(Authority), nameof(ClientId), nameof(ClientSecret), SecretFile, nameof(Name), nameof(Scopes), nameof(NameClaim), nameof(RoleClaim), nameof(Roles), nameof(DefaultRole), nameof(CreateUsers)];

    /// <summary>From the one that may most; who has claims of two roles gets the first.</summary>
    private static readonly string[] KnownRoles = [Contracts.Roles.Admin, Contracts.Roles.Operator, Contracts.Roles.Viewer];

    private const string SecretFile = "ClientSecretFile";

    /// <summary>The provider's issuer, as its discovery document names it. HTTPS; plain HTTP only on this very machine.</summary>
    public required Uri Authority { get; init; }

    /// <summary>What the provider calls this gateway.</summary>
    public required string ClientId { get; init; }

    /// <summary>What the gateway proves itself with, given as such or in a file; null for a public client, which has PKCE only.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>What people call the provider: it stands on the button. Default: its host name.</summary>
    public required string Name { get; init; }

    /// <summary>What is asked of the provider. Default: openid, profile.</summary>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The claim that new users are named after. Default: preferred_username.</summary>
    public required string NameClaim { get; init; }

    /// <summary>The claim that roles are read from. Default: groups.</summary>
    public required string RoleClaim { get; init; }

    /// <summary>Which values of that claim make which role. With any, the provider decides: the role is set at each sign-in.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Roles { get; init; }

    /// <summary>The role of who has none of these values; null: they are refused.</summary>
    public string? DefaultRole { get; init; }

    /// <summary>Whether somebody whom nobody knows here becomes a user. Default true. Otherwise a user connects the two first.</summary>
    public bool CreateUsers { get; init; }

    /// <summary>Whether roles are kept at the provider, and not here.</summary>
    public bool DecidesRoles => Roles.Count > 0;

    /// <summary>The role that these values of the role claim make; null: none.</summary>
    public string? RoleOf(IReadOnlyCollection<string> values) => KnownRoles.FirstOrDefault(role => Roles.TryGetValue(role, out var wanted) && wanted.Any(values.Contains)) ?? DefaultRole;

    /// <summary>Reads and checks the section; null if there is none.</summary>
    public static OpenIdOptions? Read(IConfigurationSection section, List<string> errors)
    {
        if (!section.Exists()) return null;
        var before = errors.Count;
        foreach (var child in section.GetChildren().Where(c => !KnownKeys.Contains(c.Key, StringComparer.OrdinalIgnoreCase)))
            errors.Add($"{child.Path} is not a setting; under {section.Path} there are {string.Join(", ", KnownKeys)}.");
        if (!Uri.TryCreate(section[nameof(Authority)], UriKind.Absolute, out var authority) || !(authority.Scheme == Uri.UriSchemeHttps || (authority.Scheme == Uri.UriSchemeHttp && authority.IsLoopback)))
            errors.Add($"{section.Path}:Authority is '{section[nameof(Authority)]}'; it is the provider's https address, such as https://id.example.org/realms/office (http only on localhost).");
        if (string.IsNullOrWhiteSpace(section[nameof(ClientId)])) errors.Add($"{section.Path}:ClientId is missing; it is what the provider calls this gateway.");
        var roles = ReadRoles(section.GetSection(nameof(Roles)), errors);
        var otherwise = section[nameof(DefaultRole)]?.ToLowerInvariant();
        if (otherwise is not null && !KnownRoles.Contains(otherwise)) errors.Add($"{section.Path}:DefaultRole is '{otherwise}'; it is viewer, operator or admin, or left out.");
        var create = true;
        if (section[nameof(CreateUsers)] is { } text && !bool.TryParse(text, out create)) errors.Add($"{section.Path}:CreateUsers is '{text}'; it is true or false.");
        if (create && roles.Count == 0 && otherwise is null)
            errors.Add($"{section.Path} gives nobody a role: set {section.Path}:Roles:admin, :operator or :viewer to values of the claim '{section[nameof(RoleClaim)] ?? "groups"}', or {section.Path}:DefaultRole, or {section.Path}:CreateUsers to false.");
        var secret = ReadSecret(section, errors);
        if (errors.Count > before) return null;
        var scopes = List(section.GetSection(nameof(Scopes)));
        return new OpenIdOptions
        {
            Authority = authority!,
            ClientId = section[nameof(ClientId)]!,
            ClientSecret = secret,
            Name = section[nameof(Name)] is { Length: > 0 } name ? name : authority!.Host,
            Scopes = [.. (scopes.Count > 0 ? scopes : ["profile"]).Prepend("openid").Distinct()],
            NameClaim = section[nameof(NameClaim)] is { Length: > 0 } nameClaim ? nameClaim : "preferred_username",
            RoleClaim = section[nameof(RoleClaim)] is { Length: > 0 } roleClaim ? roleClaim : "groups",
            Roles = roles,
            DefaultRole = otherwise,
            CreateUsers = create,
        };
    }

    private static Dictionary<string, IReadOnlyList<string>> ReadRoles(IConfigurationSection section, List<string> errors)
    {
        var roles = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var child in section.GetChildren())
        {
            var values = List(child);
            if (!KnownRoles.Contains(child.Key, StringComparer.OrdinalIgnoreCase)) errors.Add($"{child.Path} is no role; roles are viewer, operator and admin.");
            else if (values.Count == 0) errors.Add($"{child.Path} is empty; give the values of the role claim that make somebody {child.Key}, separated by commas.");
            else roles[child.Key.ToLowerInvariant()] = values;
        }

        return roles;
    }

    private static string? ReadSecret(IConfigurationSection section, List<string> errors)
    {
        var (secret, file) = (section[nameof(ClientSecret)], section[SecretFile]);
        if (secret is not null && file is not null) errors.Add($"{section.Path} has both ClientSecret and {SecretFile}; give one of them.");
        if (file is null) return string.IsNullOrEmpty(secret) ? null : secret;
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            errors.Add($"{section.Path}:{SecretFile} cannot be read: {e.Message}");
            return null;
        }
    }

    // A list, or one text with commas between.
    private static List<string> List(IConfigurationSection section) =>
        [.. section.GetChildren().Select(c => c.Value ?? "").Concat((section.Value ?? "").Split(',')).Select(v => v.Trim()).Where(v => v.Length > 0)];
}
