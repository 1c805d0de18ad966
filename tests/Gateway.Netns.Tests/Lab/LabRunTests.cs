using System.Text.Json;
using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>The nine experiments and what can be broken, by command and over REST, on the real hosts.</summary>
public sealed class LabRunTests : IClassFixture<MakeLab>, IAsyncLifetime
{
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>What a failed test left broken is none of the next one's business.</summary>
    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed) await MakeLab.Script("reset");
    }

    [Theory]
    [InlineData("1", "0 answered")]
    [InlineData("2", "POINTOPOINT,MULTICAST,NOARP")]
    [InlineData("3", "IP 10.0.2.7.")]
    [InlineData("4", "192.168.54.99 > 192.168.60.101: ICMP echo request, id 4001")]
    [InlineData("5", "UDP, length 84")]
    [InlineData("6", "V 192.168.60.101 / heard first / heard typed")]
    [InlineData("9", "who-has 192.168.55.1 tell 192.168.55.99")]
    public async Task Experiment_ByCommand_SeesWhatItExpects(string number, string seen)
    {
        var run = await MakeLab.Script("run", number);

        Assert.True(run.ExitCode == 0, run.All);
        Assert.Contains("All was as expected.", run.Output, StringComparison.Ordinal);
        Assert.Contains(seen, run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("✗ ", string.Concat(run.Output.Split('\n').Where(line => line.StartsWith("  ✗ ", StringComparison.Ordinal) && line.EndsWith(')') && !line.Contains("(asked", StringComparison.Ordinal))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Experiment7_OverRest_IsExplainedByVsMissingRouteAndThenPasses()
    {
        var answer = await MakeLab.Script("api", "POST", "lab/experiments/7/run", "{}");
        var run = JsonSerializer.Deserialize<LabRun>(answer.Output, JsonSerializerOptions.Web)!;

        Assert.True(run.Passed, answer.All);
        Assert.Equal([HopIds.WayBack, null], run.Explanations.Select(one => one.Explanation.Culprit));
        // The request at all six points, sealed on the wire; no answer of V's to it anywhere.
        var request = run.Packets.Where(packet => packet.Subject.Contains("echo request, id 7001, seq 1,", StringComparison.Ordinal)).ToList();
        Assert.Equal(LabPoints.All, request.OrderBy(packet => packet.At).Select(packet => packet.Point));
        Assert.Single(request.Select(packet => packet.Journey).Distinct());
        Assert.Equal([LabPoints.UOutside, LabPoints.GatewayOutside], request.Where(packet => packet.IsInferred).Select(packet => packet.Point));
        Assert.DoesNotContain(run.Packets, packet => packet.Subject.Contains("echo reply, id 7001", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("off", "tunnel", false, HopIds.AnswerRoute)]
    [InlineData("off", "tunnel", true, HopIds.AnswerRoute)]
    [InlineData("strict", "tunnel", false, HopIds.ReversePath)]
    [InlineData("strict", "tunnel", true, HopIds.ReversePath)]
    [InlineData("loose", "tunnel", false, HopIds.ReversePath)]
    [InlineData("loose", "tunnel", true, HopIds.AnswerRoute)]
    [InlineData("strict", "all", false, HopIds.ReversePath)]
    public async Task Experiment8_ByRpFilterAndDefaultRoute_IsExplainedByTheHopWhereItDies(string rpFilter, string on, bool defaultRoute, string hop)
    {
        var run = await Run(["run", "8", "--rp-filter", rpFilter, "--on", on, .. defaultRoute ? ["--default-route"] : Array.Empty<string>()]);

        Assert.True(run.Passed, Describe(run));
        Assert.Equal([hop, null], run.Explanations.Select(one => one.Explanation.Culprit));
        Assert.Equal(hop == HopIds.AnswerRoute, run.Packets.Any(packet => packet.Point == LabPoints.V && packet.Subject.Contains("echo request, id 8001", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("no-way-back", HopIds.WayBack)]
    [InlineData("moved-address", HopIds.ReversePath, "--rp-filter", "strict")]
    [InlineData("tap", HopIds.Source)]
    public async Task Break_StaysUntilItIsHealed(string name, string hop, params string[] how)
    {
        var broken = await Run(["break", name, .. how]);
        Assert.True(broken.Passed, Describe(broken));
        var explanation = Assert.Single(broken.Explanations).Explanation;
        if (name == "tap") Assert.Contains("Ethernet frames", explanation.Hops.Single(one => one.Id == hop).Reason, StringComparison.Ordinal);
        else Assert.Equal(hop, explanation.Culprit);
        Assert.Contains("broken", (await MakeLab.Script("list")).Output, StringComparison.Ordinal);
        Assert.Equal(5, (await MakeLab.Script("run", "1")).ExitCode);

        var healed = await Run("heal", name);
        Assert.True(healed.Passed, Describe(healed));
        Assert.Equal(Verdicts.Passes, Assert.Single(healed.Explanations).Explanation.Verdict);
        Assert.Contains("The lab is as make lab left it.", (await MakeLab.Script("list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Packets_WhilePinging_ShowOneJourneyAtAllSixPoints()
    {
        await using var packets = MakeLab.Start("packets", "--json");
        await Eventually.True(async () =>
        {
            await MakeLab.Script("u", "ping", "-c", "1", "-W", "1", "-e", "4242", ThreeHosts.VAddress);
            return packets.Output.Split('\n').Where(line => line.EndsWith('}')).Select(line => JsonSerializer.Deserialize<LabPacket>(line, JsonSerializerOptions.Web)!)
                .Where(packet => packet.Subject.Contains("echo reply, id 4242", StringComparison.Ordinal)).GroupBy(packet => packet.Journey).Any(journey => journey.DistinctBy(packet => packet.Point).Count() == LabPoints.All.Count);
        }, "an answer at all six points");
    }

    /// <summary>What <c>gateway lab</c> says in JSON.</summary>
    private static async Task<LabRun> Run(params string[] arguments)
    {
        var result = await MakeLab.Script([.. arguments, "--json"]);
        Assert.True(result.Output.StartsWith('{'), result.All);
        return JsonSerializer.Deserialize<LabRun>(result.Output, JsonSerializerOptions.Web)!;
    }

    private static string Describe(LabRun run) =>
        string.Join('\n', [.. run.Expectations.Where(one => !one.Passed).Select(one => $"{one.Text}: {one.Seen}"), .. run.Left, .. run.Explanations.Select(one => $"{one.When}: {one.Explanation.Summary}")]);
}
