using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Cli;
using Gateway.Cli.Api;
using Gateway.Contracts;
using Xunit;

namespace Gateway.Tests.Cli.Api;

/// <summary>Nothing of the API is without its command, and nothing of a settings record without its option.</summary>
public sealed class CoverageTests
{
    [Fact]
    public async Task EveryOperation_OfTheRunningHost_HasACommand()
    {
        await using var host = await TestHost.StartInLabAsync();
        var document = JsonNode.Parse(await host.Client.GetStringAsync("/swagger/v1/swagger.json"))!;
        var operations = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(o => o.Value!["operationId"]!.GetValue<string>())).ToHashSet();
        var called = Commands(Program.BuildRoot()).SelectMany(c => c.Command.Operations).ToHashSet();

        // A connected client asks for its own config, by the address that the tunnel vouches for: no person does.
        Assert.Equal(["GetSelfConfig"], operations.Except(called).Order());
        Assert.Empty(called.Except(operations).Order());
    }

    [Theory]
    [InlineData("tunnel add", typeof(TunnelSettings))]
    [InlineData("tunnel set", typeof(TunnelSettings), nameof(TunnelSettings.Name), nameof(TunnelSettings.Transport), nameof(TunnelSettings.Layer))]
    [InlineData("peer add", typeof(PeerSettings))]
    [InlineData("peer set", typeof(PeerSettings))]
    [InlineData("peer link add", typeof(ConfigLinkSettings))]
    [InlineData("peer bulk", typeof(BulkRequest), nameof(BulkRequest.Ids), nameof(BulkRequest.Filter))]
    [InlineData("route add", typeof(RouteSettings))]
    [InlineData("route set", typeof(RouteSettings))]
    [InlineData("user add", typeof(UserSettings))]
    [InlineData("user set", typeof(UserSettings))]
    [InlineData("token add", typeof(TokenSettings))]
    [InlineData("token set", typeof(TokenSettings))]
    [InlineData("peer rotate", typeof(RotateKeysRequest))]
    [InlineData("host set", typeof(HostSettings))]
    [InlineData("interface set", typeof(InterfaceSettings))]
    public void EveryMember_OfASettingsRecord_HasAnOption(string command, Type settings, params string[] others)
    {
        var taken = Commands(Program.BuildRoot()).Single(c => c.Path == command).Command.Settings!;
        Assert.Equal(settings.GetProperties().Select(p => p.Name).Except(others).Select(JsonNamingPolicy.CamelCase.ConvertName).Order(), taken.Members.Order());
    }

    private static IEnumerable<(string Path, ApiCommand Command)> Commands(Command command, string path = "")
    {
        if (command is ApiCommand api) yield return (path, api);
        foreach (var below in command.Subcommands.SelectMany(c => Commands(c, $"{path} {c.Name}".TrimStart()))) yield return below;
    }
}
