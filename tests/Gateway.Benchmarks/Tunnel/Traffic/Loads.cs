using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.Benchmarks.Tunnel.Ends;
using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Tunnel.Traffic;

/// <summary>What a TCP run carried, and the CPU time of the gateway's end for it.</summary>
internal readonly record struct TcpRun(double GigabitsPerSecond, double CpuSecondsPerGigabyte);

/// <summary>What a UDP run delivered.</summary>
internal readonly record struct UdpRun(double GigabitsPerSecond, double KilopacketsPerSecond, double LossPercent, double CpuSecondsPerGigabyte);

/// <summary>Sends load through a tunnel, both ways, and says what came of it.</summary>
internal sealed partial class Loads(TimeSpan time, CancellationToken cancellation)
{
    private const int IperfAttempts = 3;
    private const double BitsPerByte = 8, Giga = 1e9;

    // For queues behind a UDP overload: the largest (7 MB of socket buffer at 0.3 Gbit/s) is empty in less.
    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(300);

    private string Seconds => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>iperf3 over TCP, with what the receiver counted.</summary>
    public async Task<TcpRun> Tcp(ITunnelEnds ends, Direction direction, int streams, Family family)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
            var before = ProcessUse.CpuSeconds(ends.GatewayProcessId);
            var result = await ends.Bed.U.Try(Iperf(ends, direction, streams, family));
            var cpu = ProcessUse.CpuSeconds(ends.GatewayProcessId) - before;
            var received = result.ExitCode == 0 ? JsonNode.Parse(result.Output)!["end"]?["sum_received"] : null;
            if (received is not null)
            {
                var bytes = received["bytes"]!.GetValue<double>();
                return new TcpRun(received["bits_per_second"]!.GetValue<double>() / Giga, cpu / (bytes / Giga));
            }
            if (attempt == IperfAttempts) throw new InvalidOperationException($"iperf3 through {ends.Name}: {result.All.Trim()}");
            await ends.Bed.Iperf.Start();
        }
    }

    /// <summary>More datagrams than the tunnel can carry; counted is what arrives.</summary>
    public async Task<UdpRun> Udp(ITunnelEnds ends, Direction direction, int length)
    {
        cancellation.ThrowIfCancellationRequested();
        var (from, to, source, target) = Way(ends, direction);
        var port = (ends.Slot.Port + 1000).ToString(CultureInfo.InvariantCulture);
        var self = Path.Combine(AppContext.BaseDirectory, "Gateway.Benchmarks");
        await using var sink = to.Start(self, "tunnel", UdpBlast.ReceiveVerb, target, port);
        await sink.Says(UdpBlast.Listening);
        var before = ProcessUse.CpuSeconds(ends.GatewayProcessId);
        var sent = UdpBlast.Read(await from.Run(self, "tunnel", UdpBlast.SendVerb, source, target, port, length.ToString(CultureInfo.InvariantCulture), Seconds));
        await Task.Delay(DrainTime, cancellation);
        var cpu = ProcessUse.CpuSeconds(ends.GatewayProcessId) - before;
        await sink.Type("end");
        await sink.Ends();
        var received = UdpBlast.Read(sink.Output);
        if (received.Datagrams < 2) throw new InvalidOperationException($"UDP through {ends.Name}: {received.Datagrams} of {sent.Datagrams} datagrams arrived");
        var rate = received.Datagrams / received.Seconds;
        var bytes = received.Datagrams * (double)length;
        return new UdpRun(rate * length * BitsPerByte / Giga, rate / 1000, 100.0 * (sent.Datagrams - received.Datagrams) / sent.Datagrams, cpu / (bytes / Giga));
    }

    /// <summary>ping -f: each request as soon as the answer to the one before came. Mean round trip, microseconds.</summary>
    public async Task<double> PingFlood(ITunnelEnds ends, Direction direction)
    {
        cancellation.ThrowIfCancellationRequested();
        var (from, _, source, target) = Way(ends, direction);
        return MeanRoundTrip(await from.Run("ping", "-n", "-q", "-f", "-w", Whole(time), "-I", source, target));
    }

    /// <summary>ping every 10 ms while one TCP stream fills the tunnel the same way. Mean round trip, microseconds.</summary>
    public async Task<double> PingUnderLoad(ITunnelEnds ends, Direction direction)
    {
        var (from, _, source, target) = Way(ends, direction);
        var load = Tcp(ends, direction, 1, Family.V4);
        // The ping ends before the load does.
        var ping = MeanRoundTrip((await from.Try("ping", "-n", "-q", "-i", "0.01", "-w", Whole(time), "-I", source, target)).Output);
        await load;
        return ping;
    }

    private string[] Iperf(ITunnelEnds ends, Direction direction, int streams, Family family) =>
    [
        "iperf3", "-c", ends.Slot.VAddress(family), "-B", ends.Slot.ClientAddress(family), "-J", "-t", Whole(time),
        "-P", streams.ToString(CultureInfo.InvariantCulture), .. direction == Direction.VToU ? (string[])["-R"] : [],
    ];

    private (Host From, Host To, string Source, string Target) Way(ITunnelEnds ends, Direction direction) => direction == Direction.UToV
        ? (ends.Bed.U, ends.Bed.V, ends.Slot.ClientAddress(Family.V4), ends.Slot.VAddress(Family.V4))
        : (ends.Bed.V, ends.Bed.U, ends.Slot.VAddress(Family.V4), ends.Slot.ClientAddress(Family.V4));

    private static string Whole(TimeSpan time) => Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    private static double MeanRoundTrip(string output)
    {
        var match = RoundTrip().Match(output);
        return match.Success ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * 1000 : throw new InvalidOperationException($"ping had no answers: {output.Trim()}");
    }

    [GeneratedRegex(@"min/avg/max/mdev = [\d.]+/([\d.]+)/")]
    private static partial Regex RoundTrip();
}
