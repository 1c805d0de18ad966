namespace Gateway.Hosting;

/// <summary>
/// Looks at the command line before the framework does, which leaves out without a word what it does not know: a mistyped <c>--port 9000</c>
/// would start a gateway that listens elsewhere.
/// </summary>
internal static class Arguments
{
    public const string Usage = """
        Gateway [--urls URL;URL…] [--Gateway:SETTING=VALUE…] [--Logging:LogLevel:Default=LEVEL]

          --urls                     where it listens; http://127.0.0.1:8080 unless told otherwise
          --Gateway:DataDirectory    where the database and the token lie; 'data' below the working directory unless told otherwise
          --Gateway:SETTING          any other setting of the section Gateway, as in appsettings.json or the environment (Gateway__SETTING)
          --restore-kernel           starts nothing: gives the kernel back what the gateway changed, before it is uninstalled
          --Logging:… --Kestrel:…    ASP.NET Core's own settings
        """;

    private static readonly string[] s_keys = ["urls", "environment", "contentRoot", "AllowedHosts"];
    private static readonly string[] s_sections = [GatewayOptions.Section + ":", "Logging:", "Kestrel:"];

    /// <summary>One sentence on the first argument that is none; null when all are understood. What stands in a section is checked where it is read.</summary>
    public static string? Problem(IReadOnlyList<string> args)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var argument = args[i];
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var key = argument.StartsWith("--", StringComparison.Ordinal) ? argument[2..(equals < 0 ? argument.Length : equals)] : "";
            var known = s_keys.Contains(key, StringComparer.OrdinalIgnoreCase) || s_sections.Any(section => key.StartsWith(section, StringComparison.OrdinalIgnoreCase));
            if (!known) return $"'{argument}' is no argument of the gateway; --help lists them, and an address to listen on is given as --urls http://127.0.0.1:9000.";
            if (equals >= 0) continue;
            if (i + 1 == args.Count || args[i + 1].StartsWith("--", StringComparison.Ordinal)) return $"{argument} has no value; write {argument}=VALUE.";
            i++;
        }

        return null;
    }
}
