using System.Diagnostics;
using System.Text.Json.Nodes;
using Gateway.Contracts.Live;
using Gateway.Netns.Tests.Harness;
using Xunit;
using static Gateway.Netns.Tests.Explain.MatrixLab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>What is broken is noticed without a question; what is not raises nothing.</summary>
public sealed class DetectorTests
{
    private static readonly string[] s_alarms =
        [EventKinds.OneWayFlow, EventKinds.MtuBlackHole, EventKinds.HandshakeRefused, EventKinds.PresharedKey, EventKinds.OldTimestamp, EventKinds.EndpointFlapping];

    [Fact]
    public async Task BrokenConversations_AreRaisedWithTheirCause()
    {
        await using var lab = await MatrixLab.Create();
        await Sh(lab.V, "ip route del default");
        await using (lab.U.Start("ping", "-i", "0.3", V4))
        {
            var raised = await Raised(lab, EventKinds.OneWayFlow);
            Assert.Equal("host-u", raised["peer"]!.GetValue<string>());
            Assert.Equal("way-back", raised["evidence"]!["hop"]!.GetValue<string>());
            Assert.Contains("ip route replace 192.168.53.0/24 via 192.168.60.1", raised["remedy"]!.GetValue<string>(), StringComparison.Ordinal);
        }

        await lab.Restore();
        await Sh(lab.V, "ip link set eth0 mtu 1280");
        await using (lab.U.Start("ping", "-i", "0.3", "-s", "1300", "-M", "dont", V4))
        await using (lab.U.Start("ping", "-i", "0.4", V4))
        {
            Assert.Contains("1328 bytes", (await Raised(lab, EventKinds.MtuBlackHole))["text"]!.GetValue<string>(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public Task AMinuteOfMixedTraffic_RaisesNothing() => Healthy(TimeSpan.FromMinutes(1));

    [Fact(Explicit = true)]
    public Task TenMinutesOfMixedTraffic_RaiseNothing() => Healthy(TimeSpan.FromMinutes(10));

    private static async Task Healthy(TimeSpan duration)
    {
        await using var lab = await MatrixLab.Create();
        // What a client does: pings of all sizes, names asked for, pages fetched, things sent that nobody answers by design.
        await using var pings = lab.U.Start("ping", "-i", "0.5", V4);
        await using var large = lab.U.Start("ping", "-i", "0.7", "-s", "1300", V6);
        await using var syslog = lab.U.Start("bash", "-c", $"while sleep 1; do echo hello > /dev/udp/{V4}/514; done");
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < duration)
        {
            Assert.True(await lab.Passes(new Question(V4, "tcp", 23)));
            Assert.True(await lab.Passes(new Question(V6)));
        }

        var events = (await lab.Api.Get("events?limit=100"))["items"]!.AsArray();
        Assert.DoesNotContain(events, e => s_alarms.Contains(e!["kind"]!.GetValue<string>()));
    }

    private static Task<JsonNode> Raised(MatrixLab lab, string kind) => Eventually.Get(
        async () => (await lab.Api.Get("events?limit=100"))["items"]!.AsArray().FirstOrDefault(e => e!["kind"]!.GetValue<string>() == kind), $"the event {kind}", TimeSpan.FromSeconds(40));
}
