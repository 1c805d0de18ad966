using Gateway.Features.Accounts.OpenId;
using Gateway.Features.Accounts.Users;
using Gateway.Features.Backup;
using Gateway.Web;

namespace Gateway.Hosting;

/// <summary>A start that cannot go on, in one sentence for the person who started it.</summary>
internal sealed class StartupException(string message) : Exception(message);

/// <summary>The settings under <c>Gateway:</c> (environment <c>Gateway__</c>).</summary>
internal sealed class GatewayOptions
{
    public const string Section = "Gateway";
    public const int MinTokenLength = 16;

    private static readonly string[] KnownKeys = [nameof(DataDirectory), nameof(Bootstrap), nameof(Restore), nameof(FlowCapacity), nameof(RecordedPeers), nameof(ShowPayload), nameof(AuditEntries), nameof(TrustedProxies), nameof(Https), nameof(Oidc), nameof(Lab), "Metrics", "Otlp"];

    /// <summary>Where the database and its keys lie; made if missing. Default: <c>data</c> below the working directory. Whoever can read it can read every key.</summary>
    public string DataDirectory { get; init; } = "data";

    /// <summary>What the first start sets up.</summary>
    public BootstrapOptions Bootstrap { get; init; } = new();

    /// <summary>A backup that the first start begins with; null = none.</summary>
    public RestoreOptions? Restore { get; init; }

    /// <summary>Flows kept at most per tunnel, 256 bytes each; the oldest goes first. Default 65536.</summary>
    public int FlowCapacity { get; init; } = 65_536;

    /// <summary>Peers of each tunnel whose last packets the flight recorder holds, 8 KB each once they have been heard; who was unheard longest goes first. Default 2048; 0 = it is off.</summary>
    public int RecordedPeers { get; init; } = 2_048;

    /// <summary>
    /// Whether who may see packets also sees what they carry, not only their headers. Default false. Danger: it shows what people send each other
    /// where they did not encrypt it themselves.
    /// </summary>
    public bool ShowPayload { get; init; }

    /// <summary>Audit entries kept at most; the oldest go first. Default 100000, some 50 MB.</summary>
    public int AuditEntries { get; init; } = 100_000;

    /// <summary>The proxies whose word on where a request came from is believed: addresses and prefixes. Default: none. Danger: whoever is named can claim any address.</summary>
    public IReadOnlyList<System.Net.IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>What HTTPS is answered with.</summary>
    public HttpsOptions Https { get; init; } = new();

    /// <summary>An OpenID provider at which people sign in; null = none.</summary>
    public OpenIdOptions? Oidc { get; init; }

    /// <summary>
    /// The run directory of the lab that this gateway is in the middle of, which <c>make lab</c> sets; null = none. Danger: administrators may then
    /// have the helpers in it change the lab's hosts.
    /// </summary>
    public string? Lab { get; init; }

    /// <summary>Reads and checks the section; tells all that is wrong at once.</summary>
    public static GatewayOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var errors = new List<string>();
        foreach (var child in section.GetChildren())
        {
            if (!KnownKeys.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                errors.Add($"{Section}:{child.Key} is not a setting; settings are {string.Join(", ", KnownKeys.Select(k => $"{Section}:{k}"))}.");
        }

        foreach (var child in section.GetSection(nameof(Bootstrap)).GetChildren())
        {
            if (!child.Key.Equals(nameof(BootstrapOptions.ApiToken), StringComparison.OrdinalIgnoreCase) && !child.Key.Equals(nameof(BootstrapOptions.AdminPassword), StringComparison.OrdinalIgnoreCase))
                errors.Add($"{child.Path} is not a setting; under {Section}:Bootstrap there are ApiToken and AdminPassword.");
        }

        var directory = section[nameof(DataDirectory)];
        if (directory is not null && string.IsNullOrWhiteSpace(directory))
            errors.Add($"{Section}:DataDirectory is empty; it is a path, or left out for 'data' below the working directory.");
        var token = section[$"{nameof(Bootstrap)}:{nameof(BootstrapOptions.ApiToken)}"];
        if (token is not null && (token.Length < MinTokenLength || token.Length > 256 || token.Any(c => c is <= ' ' or > '~')))
            errors.Add($"{Section}:Bootstrap:ApiToken is {MinTokenLength} to 256 visible ASCII characters without blanks; try 'openssl rand -hex 32'.");
        var password = section[$"{nameof(Bootstrap)}:{nameof(BootstrapOptions.AdminPassword)}"];
        if (password is not null)
        {
            var broken = new RuleErrors();
            UserRules.CheckPassword(password, BootstrapOptions.AdminName, broken);
            if (broken.Any) errors.Add($"{Section}:Bootstrap:AdminPassword: {string.Join(' ', broken.ToFailure().Errors.Select(e => $"{e.Detail} {e.Expected}"))}");
        }

        var flows = Number(nameof(FlowCapacity), 65_536, 1_024, 16_777_216);
        var recorded = Number(nameof(RecordedPeers), 2_048, 0, 65_536);
        var auditEntries = Number(nameof(AuditEntries), 100_000, 1_000, 10_000_000);
        var payload = false;
        if (section[nameof(ShowPayload)] is { } shown && !bool.TryParse(shown, out payload)) errors.Add($"{Section}:ShowPayload is '{shown}'; it is true or false.");
        var restore = RestoreOptions.Read(section.GetSection(nameof(Restore)), errors);
        var proxies = Hosting.TrustedProxies.Read(section.GetSection(nameof(TrustedProxies)), errors);
        var https = HttpsOptions.Read(section.GetSection(nameof(Https)), errors);
        var oidc = OpenIdOptions.Read(section.GetSection(nameof(Oidc)), errors);
        var lab = section[nameof(Lab)];
        if (lab is not null && !(Path.IsPathRooted(lab) && Directory.Exists(lab))) errors.Add($"{Section}:Lab is '{lab}'; it is the run directory of a lab, which make lab makes and sets.");
        if (errors.Count > 0) throw new StartupException(string.Join(Environment.NewLine, errors));
        return new GatewayOptions
        {
            DataDirectory = directory ?? "data",
            Bootstrap = new BootstrapOptions { ApiToken = token, AdminPassword = password },
            Restore = restore,
            FlowCapacity = flows,
            RecordedPeers = recorded,
            ShowPayload = payload,
            AuditEntries = auditEntries,
            TrustedProxies = proxies,
            Https = https,
            Oidc = oidc,
            Lab = lab,
        };

        int Number(string key, int otherwise, int least, int most)
        {
            if (section[key] is not { } text) return otherwise;
            if (int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
            errors.Add($"{Section}:{key} is '{text}'; it is a whole number from {least} to {most}.");
            return otherwise;
        }
    }
}

/// <summary>The settings under <c>Gateway:Bootstrap:</c>, looked at on the first start only.</summary>
internal sealed class BootstrapOptions
{
    /// <summary>The first API token. Without one it is made and written to the file <c>api-token</c> in the data directory.</summary>
    public string? ApiToken { get; init; }

    /// <summary>The password of the first user, <see cref="AdminName"/>. Without one the log shows a single-use link to the set-up page.</summary>
    public string? AdminPassword { get; init; }

    /// <summary>What the first user is called who comes from <see cref="AdminPassword"/>.</summary>
    public const string AdminName = "admin";
}
