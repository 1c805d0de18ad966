using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>The product's two programs as they are shipped: published, not just built.</summary>
internal static class Products
{
    private const string Configuration = "Release";

    // A first publish compiles the whole solution.
    private static readonly TimeSpan PublishDeadline = TimeSpan.FromMinutes(10);

    public static string Host { get; } = Path.Combine(Directory("Gateway"), "Gateway");

    public static string Cli { get; } = Path.Combine(Directory("Gateway.Cli"), "Gateway.Cli");

    /// <summary>Publishes the command line and, if asked for, the host.</summary>
    public static async Task Publish(bool host)
    {
        foreach (var project in host ? (string[])["Gateway.Cli", "Gateway"] : ["Gateway.Cli"])
        {
            await using var publish = new Child(["dotnet", "publish", Path.Combine(Binaries.Top, "src", project), "-c", Configuration, "-o", Directory(project), "-v", "q", "--nologo"]);
            if (await publish.Ends(PublishDeadline) != 0) throw new InvalidOperationException($"src/{project} cannot be published: {publish.Output.Trim()}");
        }
    }

    private static string Directory(string project) => Path.Combine(Binaries.Top, "src", project, "bin", Configuration, "net10.0", "publish");
}
