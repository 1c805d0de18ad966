using Gateway.Contracts;
using Gateway.Netns.Tests.Harness;
using Xunit;
using static Gateway.Netns.Tests.Explain.MatrixLab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>Real probes through a real kernel: what comes back, where they die, and that the peer sees nothing of it.</summary>
public sealed class ProbeTests
{
    [Fact]
    public async Task Probe_OfTheLab_ComesBackOrSaysWhereItDied()
    {
        await using var lab = await MatrixLab.Create();
        await Eventually.True(() => lab.Passes(new Question(V4)), "an answer from V");
        await using var u = await Capture.Start(lab.U, ClientDevice);

        foreach (var question in (Question[])[new(V4), new(V6), new(V4, "tcp", 23), new("192.168.53.1"), new(V6, "tcp", 23)])
        {
            var answered = await Send(lab, question);
            Assert.True(answered is { Outcome: ProbeOutcomes.Answered, DiedAt: null, Milliseconds: > 0 and < 1500, Explanation.Verdict: Verdicts.Passes }, Describe(answered));
        }

        var refused = await Send(lab, new Question(V4, "tcp", 24));
        Assert.True(refused is { Outcome: ProbeOutcomes.Refused, DiedAt: null } && refused.Summary.Contains("reset", StringComparison.Ordinal), Describe(refused));
        refused = await Send(lab, new Question(V4, "udp", 24));
        Assert.True(refused is { Outcome: ProbeOutcomes.Refused } && refused.Summary.Contains("ICMP", StringComparison.Ordinal), Describe(refused));

        await Dies(lab, new Question(V4, "tcp", 23), "nft 'table inet filter { chain forward { type filter hook forward priority 0; tcp dport 23 counter drop; }; }'", HopIds.Firewall, Bases.Observed, "tcp dport 23 counter");
        await Dies(lab, new Question(V4, "tcp", 23), "nft 'table inet filter { chain forward { type filter hook forward priority 0; tcp sport 23 drop; }; }'", HopIds.AnswerFirewall, Bases.Observed, "tcp sport 23 drop");
        await Dies(lab, new Question(V4), "nft 'table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }'", HopIds.Firewall, Bases.Observed, "policy drop");
        await Dies(lab, new Question(V4), "sysctl -qw net.ipv4.ip_forward=0", HopIds.Forwarding, Bases.AskedKernel, "does not forward");
        await Dies(lab, new Question("192.168.60.55"), "true", HopIds.NextHop, Bases.AskedKernel, "ARP");
        var lost = await Dies(lab, new Question(V4), "true", HopIds.WayBack, null, "no route back", lab.V, "ip route del default");
        Assert.Contains(lost.Observations, o => o.Source == "capture" && o.Values["left"] == "True" && o.Values["cameBack"] == "False");

        await lab.AddRoute(lab.Peer, "192.168.30.0/24", "gateway", kernelRoute: false);
        await lab.Api.Patch("interfaces/wg0", new { rpFilter = "strict" });
        lost = await Send(lab, new Question(V4, Source: "192.168.30.99"));
        Assert.True(lost is { Outcome: ProbeOutcomes.Lost, DiedAt: HopIds.ReversePath, Basis: Bases.Observed }, Describe(lost));
        Assert.Contains(lost.Observations, o => o.Source == "counters" && o.Values.ContainsKey("TcpExt.IPReversePathFilter"));

        // The peer has seen nothing of all that: no answer, no reset, no ICMP.
        Assert.True(await lab.Passes(new Question(V4)));
        await u.Sees(packet => packet.IsEchoReply, "a reply to its own ping");
        u.SawNo(packet => packet is { IsEchoReply: true, IcmpId: >= 61_000 } || packet.DestinationPort >= 61_000 || packet.IcmpType == 3, "an answer to a probe");
        Assert.DoesNotContain("gateway_probe", await lab.Gw.Run("nft", "list", "ruleset"), StringComparison.Ordinal);
    }

    private static async Task<ProbeResult> Dies(MatrixLab lab, Question question, string command, string at, string? basis, string says, Host? where = null, string? there = null)
    {
        await Sh(lab.Gw, command);
        if (where is not null) await Sh(where, there!);
        var result = await Send(lab, question);
        Assert.True(result.Outcome == ProbeOutcomes.Lost && result.DiedAt == at && (basis is null || result.Basis == basis) && result.Summary.Contains(says, StringComparison.Ordinal), Describe(result));
        await lab.Restore();
        return result;
    }

    private static async Task<ProbeResult> Send(MatrixLab lab, Question question)
    {
        // The limit is two a second; the test is as fast as it may be.
        var answer = await Eventually.Get(async () =>
        {
            var asked = await lab.Api.Ask(HttpMethod.Post, "probes", new { peer = lab.Peer, source = question.Source, destination = question.Destination, protocol = question.Protocol, port = question.Port });
            return (int)asked.Status == 429 ? null : asked;
        }, "a probe being let through");
        Assert.True((int)answer.Status == 200, answer.Text);
        return System.Text.Json.JsonSerializer.Deserialize<ProbeResult>(answer.Json, System.Text.Json.JsonSerializerOptions.Web)!;
    }

    private static string Describe(ProbeResult result) =>
        $"{result.Outcome} at {result.DiedAt} ({result.Basis}): {result.Summary}\n" + string.Join("\n", result.Observations.Select(o => $"  {o.Source}: {o.Text}"));
}
