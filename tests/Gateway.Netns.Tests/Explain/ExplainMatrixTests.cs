using System.Diagnostics;
using Gateway.Contracts;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Explain;

/// <summary>
/// Broken set-ups, each with real packets: they do not pass; the explanation names the hop and a remedy; with the remedy they pass; a change taken
/// back breaks them again.
/// </summary>
public sealed class ExplainMatrixTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Explain_OfEachBrokenSetUp_NamesTheHopAndARemedyThatWorks()
    {
        var only = Environment.GetEnvironmentVariable("EXPLAIN_ONLY");
        BrokenCase[] cases = [.. ((BrokenCase[])[.. RoutingCases.All, .. FirewallCases.All, .. V6Cases.All, .. SessionCases.All]).Where(c => only is null || c.Name.Contains(only, StringComparison.Ordinal))];
        await using var lab = await MatrixLab.Create();
        await Healthy(lab, new Question(MatrixLab.V4));
        await Healthy(lab, new Question(MatrixLab.V6));
        await Healthy(lab, new Question(MatrixLab.V4, "tcp", 23));
        int explained = 0, changed = 0, instructed = 0;
        var failures = new List<string>();
        foreach (var broken in cases)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                await Run(lab, broken);
                explained++;
                if (broken.Cure == Cure.Change) changed++;
                if (broken.Cure == Cure.Instruction) instructed++;
            }
            catch (Exception e) when (e is InvalidOperationException or TimeoutException or HttpRequestException or Xunit.Sdk.XunitException)
            {
                failures.Add($"{broken.Name}: {e.Message}");
            }

            Write($"{(failures.LastOrDefault()?.StartsWith(broken.Name + ":", StringComparison.Ordinal) == true ? "FAILED " : "")}{broken.Name} ({clock.Elapsed.TotalSeconds:0.0} s)");
            await lab.Restore();
        }

        Write($"explained {explained} of {cases.Length}, remedied by change {changed}, by instruction {instructed}");
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    private static async Task Healthy(MatrixLab lab, Question question)
    {
        await Eventually.True(() => lab.Passes(question), $"an answer from {question.Destination}");
        var explanation = await lab.Explain(question);
        Assert.True(explanation is { Verdict: Verdicts.Passes, Culprit: null }, Describe(explanation));
    }

    private static async Task Run(MatrixLab lab, BrokenCase broken)
    {
        await broken.Break(lab);
        var peer = broken.Peer?.Invoke() ?? lab.Peer;
        var last = "";
        // Some evidence takes its time: a second handshake, a neighbour that is asked three times.
        var found = await Eventually.Get(async () =>
        {
            var passes = await lab.Passes(broken.Ask);
            Assert.False(passes && !broken.IsFlaky, "it passes, although it is broken");
            var explanation = await lab.Explain(broken.Ask, peer);
            last = Describe(explanation);
            var named = explanation.Hops.FirstOrDefault(h => h.Id == explanation.Culprit);
            return named?.Id == broken.Hop && (named.Reason + string.Concat(named.Evidence.Select(e => e.Text))).Contains(broken.Says, StringComparison.Ordinal) ? explanation : null;
        }, $"{broken.Hop} being named with '{broken.Says}'", TimeSpan.FromSeconds(30), () => last);
        var hop = found.Hops.Single(h => h.Id == broken.Hop);
        Assert.NotEqual(Verdicts.Passes, hop.Verdict);
        Assert.NotEmpty(hop.Reason);

        switch (broken.Cure)
        {
            case Cure.Change:
                var change = hop.Remedies.First(r => r.Kind == RemedyKinds.Change);
                var id = await lab.Apply(change.Apply);
                if (broken.AsTold is { } then) await then(lab);
                await Eventually.True(() => lab.Passes(broken.Ask), $"an answer after '{change.Text}'");
                var after = await lab.Explain(broken.Ask, peer);
                Assert.True(after.Verdict == Verdicts.Passes, Describe(after));
                await lab.Apply(change.Undo, id);
                if (broken.AsTold is { } again) await again(lab);
                await Eventually.True(async () => !await lab.Passes(broken.Ask), $"no answer after '{change.Text}' was taken back");
                break;
            case Cure.Instruction:
                var instruction = hop.Remedies.First(r => r.Kind == RemedyKinds.Instruction);
                if (broken.AsTold is { } told) await told(lab);
                else
                {
                    Assert.NotEmpty(instruction.Commands);
                    await lab.Follow(instruction);
                }

                await Eventually.True(() => lab.Passes(broken.Ask), $"an answer after '{instruction.Text}' {string.Join("; ", instruction.Commands)}");
                break;
            default: break;
        }
    }

    private static string Describe(Explanation explanation) =>
        $"{explanation.Verdict}, {explanation.Culprit ?? "nothing"}: {explanation.Summary}\n" + string.Join("\n", explanation.Hops.Where(h => h.Verdict != Verdicts.Passes).Select(h => $"  {h.Id}: {h.Verdict}: {h.Reason}"));

    private void Write(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
