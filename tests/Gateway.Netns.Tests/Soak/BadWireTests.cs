using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Xunit;

namespace Gateway.Netns.Tests.Soak;

/// <summary>
/// The product at both ends while the network between them loses every twentieth datagram each way: TCP goes on, sessions are renewed, and the gateway
/// does not grow.
/// </summary>
public sealed class BadWireTests
{
    private const int LossPercent = 5;
    private const double MegabytesOfGrowth = 40;

    // A TCP connection stands still for some seconds where the wire loses the same segment again and again.
    private const int IntervalSeconds = 10;

    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(10);

    [Fact]
    public Task BadWire_ForSomeSeconds_CarriesTcp() => Run(TimeSpan.FromSeconds(20));

    [Fact(Explicit = true)]
    public Task BadWire_ForAnHour_CarriesTcpAndTheGatewayStaysAsSmall() => Run(SoakTime.Long);

    private static async Task Run(TimeSpan time)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await Lose(lab.GatewayHost, tunnel.Port);
        await using var server = lab.V.Start("iperf3", "-s", "--forceflush");
        await server.Says("listening");

        await Load(lab, s_settling);
        var before = ResidentMegabytes(lab.Gateway.ProcessId);
        await Load(lab, time);
        var growth = ResidentMegabytes(lab.Gateway.ProcessId) - before;

        var peer = await lab.Api.Get($"peers/{tunnel.PeerId}");
        Assert.Equal("working", peer["state"]!.GetValue<string>());
        Assert.False(((JsonObject)peer["drops"]!).ContainsKey("bad tag"), peer["drops"]!.ToJsonString());
        // Keys older than 180 s are refused: what passes now passed under new ones.
        Assert.True(DateTimeOffset.UtcNow - peer["lastHandshake"]!.GetValue<DateTimeOffset>() < TimeSpan.FromSeconds(200));
        Assert.True(growth < MegabytesOfGrowth, $"{growth:F0} MB more than before");
    }

    /// <summary>A rule of the gateway's host stands for the wire: this kernel may have no netem.</summary>
    private static async Task Lose(Host host, int port) => await host.Run("nft", $$"""
        table inet wire {
          chain in { type filter hook input priority 0; udp dport {{port}} numgen random mod 100 < {{LossPercent}} drop; }
          chain out { type filter hook output priority 0; udp sport {{port}} numgen random mod 100 < {{LossPercent}} drop; }
        }
        """);

    /// <summary>Both directions one after the other, and in every interval something must have arrived.</summary>
    private static async Task Load(ThreeHosts lab, TimeSpan time)
    {
        foreach (var reverse in (string[][])[[], ["--reverse"]])
        {
            var seconds = Math.Max(1, (int)(time.TotalSeconds / 2));
            var run = await lab.U.Run(["iperf3", "--client", ThreeHosts.VAddress, "--json", "--time", seconds.ToString(CultureInfo.InvariantCulture),
                "--interval", Math.Min(seconds, IntervalSeconds).ToString(CultureInfo.InvariantCulture), .. reverse]);
            var result = JsonNode.Parse(run)!;
            Assert.Null(result["error"]);
            Assert.All(result["intervals"]!.AsArray().SkipLast(1), interval => Assert.True(interval!["sum"]!["bytes"]!.GetValue<double>() > 0, run));
            Assert.True(result["end"]!["sum_received"]!["bytes"]!.GetValue<double>() > 0, run);
        }
    }

    private static double ResidentMegabytes(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.WorkingSet64 / 1e6;
    }
}
