using System.Reflection;
using NetArchTest.Rules;
using Xunit;

namespace Gateway.Tests;

/// <summary>Who may know whom: Linux → Engine → Protocol; Cli → Contracts, Engine, Linux; Migrations → Data; the host → everything but Cli.</summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Gateway.Protocol"] = [],
        ["Gateway.Engine"] = ["Gateway.Protocol"],
        ["Gateway.Linux"] = ["Gateway.Engine", "Gateway.Protocol"],
        ["Gateway.Contracts"] = [],
        ["Gateway.Data"] = [],
        ["Gateway.Migrations.Sqlite"] = ["Gateway.Data"],
        ["Gateway.Cli"] = ["Gateway.Contracts", "Gateway.Engine", "Gateway.Linux", "Gateway.Protocol"],
        ["Gateway"] = ["Gateway.Contracts", "Gateway.Data", "Gateway.Engine", "Gateway.Linux", "Gateway.Migrations.Sqlite", "Gateway.Protocol"],
    };

    public static TheoryData<string> Assemblies => [.. Arrows.Keys];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Assembly_KnowsOnlyWhatItsArrowsAllow(string name) =>
        Assert.Subset(Arrows[name].ToHashSet(), References(name).Where(r => r.Split('.')[0] == "Gateway").ToHashSet());

    [Fact]
    public void Protocol_KnowsNoSocketsTasksClocksOrLogs()
    {
        var result = Types.InAssembly(Assembly.Load("Gateway.Protocol")).ShouldNot()
            .HaveDependencyOnAny("System.Net.Sockets", "System.Threading.Tasks", "System.TimeProvider", "Microsoft.Extensions.Logging", "System.Diagnostics.Stopwatch").GetResult();
        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
        Assert.DoesNotContain(References("Gateway.Protocol"), r => r.StartsWith("Microsoft.Extensions", StringComparison.Ordinal) || r is "System.Net.Sockets");
    }

    [Fact]
    public void Engine_KnowsNoWebDatabaseOrPacketLibrary() =>
        Assert.DoesNotContain(References("Gateway.Engine"),
            r => r.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || r.StartsWith("Microsoft.EntityFrameworkCore", StringComparison.Ordinal) || r is "PacketDotNet");

    [Fact]
    public void Components_KnowServicesAndNeitherDatabaseNorKernel()
    {
        var result = Types.InAssembly(Assembly.Load("Gateway")).That().ResideInNamespaceStartingWith("Gateway.Components")
            .ShouldNot().HaveDependencyOnAny("Gateway.Data", "Gateway.Linux", "Microsoft.EntityFrameworkCore").GetResult();
        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }

    private static string[] References(string name) => [.. Assembly.Load(name).GetReferencedAssemblies().Select(r => r.Name!)];
}
