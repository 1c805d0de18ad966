namespace Gateway.Netns.Tests.Harness;

/// <summary>Where the product's executables and the test's files are: built with the same configuration as these tests.</summary>
internal static class Binaries
{
    /// <summary>The top of the repository: tests/Gateway.Netns.Tests/bin/CONFIGURATION/net10.0/ is five below it.</summary>
    public static string Top { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", ".."));

    /// <summary>Release or Debug.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    /// <summary>The host.</summary>
    public static string Gateway { get; } = Built("Gateway");

    /// <summary>The command line.</summary>
    public static string Cli { get; } = Built("Gateway.Cli");

    public static string Peer(string name) => Path.Combine(Top, "tests", "Gateway.Netns.Tests", "Lab", "peers", name);

    private static string Built(string project) => Path.Combine(Top, "src", project, "bin", Configuration, "net10.0", project);
}
