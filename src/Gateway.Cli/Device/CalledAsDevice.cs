namespace Gateway.Cli.Device;

/// <summary>
/// Lets programs that were written for wireguard-go call this one unchanged, with wireguard-go's own arguments: through a link of that name, or
/// as wg-quick's WG_QUICK_USERSPACE_IMPLEMENTATION, which can name a program but no subcommand.
/// </summary>
internal static class CalledAsDevice
{
    private const string DropInName = "wireguard-go";

    /// <summary>Puts "device" before the arguments where this process was called in wireguard-go's place.</summary>
    /// <param name="args">The arguments as given.</param>
    /// <param name="invokedName">argv[0], as typed; null = unknown.</param>
    /// <param name="environment">Reads an environment variable.</param>
    public static string[] Rewrite(string[] args, string? invokedName, Func<string, string?> environment)
    {
        var name = Path.GetFileName(invokedName);
        if (string.IsNullOrEmpty(name)) return args;
        if (name == DropInName) return args is ["--version"] ? args : ["device", .. args];

        // wg-quick hands its whole environment on. Only its exact call is taken for one, so that a mistyped command makes no device.
        var isWgQuick = args is [not ("connect" or "device")] && args[0] is [not '-', ..]
            && Path.GetFileName(environment("WG_QUICK_USERSPACE_IMPLEMENTATION")) == name;
        return isWgQuick ? ["device", .. args] : args;
    }

    /// <summary>argv[0] of this process: the framework tells the assembly's path instead.</summary>
    public static string? InvokedName()
    {
        try
        {
            var line = File.ReadAllText("/proc/self/cmdline");
            return line.Split('\0')[0];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
