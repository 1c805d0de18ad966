using System.Globalization;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>The lab as <c>make lab</c> starts it: hosts, helpers, gateway and client, by scripts/lab.sh; one for all tests of it.</summary>
public sealed class MakeLab : IAsyncLifetime
{
    // As the harness names its hosts, so that what a killed run leaves is swept.
    private static readonly string s_name = string.Create(CultureInfo.InvariantCulture, $"gwt{Environment.ProcessId}-0");

    public async ValueTask InitializeAsync()
    {
        var started = await Script("start");
        if (started.ExitCode != 0) throw new InvalidOperationException(started.All);
    }

    public async ValueTask DisposeAsync() => await Script("down");

    /// <summary>scripts/lab.sh with arguments.</summary>
    internal static Task<CommandResult> Script(params string[] arguments) => Command.Try([.. Line(arguments)]);

    /// <summary>The same, while the test goes on.</summary>
    internal static Child Start(params string[] arguments) => new(Line(arguments));

    /// <summary>Where its processes keep their files.</summary>
    internal static string RunDirectory => $"/run/{s_name}";

    /// <summary>A command to be run on the gateway's host.</summary>
    internal static string[] OnGateway(params string[] command) => ["ip", "netns", "exec", $"{s_name}-gw", .. command];

    private static string[] Line(string[] arguments) => ["env", $"LAB={s_name}", $"CONFIGURATION={Binaries.Configuration}", Path.Combine(Binaries.Top, "scripts", "lab.sh"), .. arguments];
}
