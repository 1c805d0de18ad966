using System.Globalization;
using Gateway.Benchmarks.Tunnel.Ends;

namespace Gateway.Benchmarks.Tunnel.Report;

/// <summary>What the product has promised of its figures, one line each: "ok" or "short". Told, never enforced: the machine may be anything.</summary>
internal sealed class Criteria
{
    private const double Throughput = 8, Cpu = 7, Ping = 1, ManyPeersThroughput = 0.95, WatchedThroughput = 0.95, RecordedThroughput = 0.97, MegabytesWithManyPeers = 300, IdlePercent = 1;

    private readonly List<string> _lines = [];

    public async Task Print(TextWriter output)
    {
        if (_lines.Count > 0) await output.WriteLineAsync("\nwhat was promised");
        foreach (var line in _lines) await output.WriteLineAsync("  " + line);
    }

    /// <summary>Only wireguard-go against the product says something.</summary>
    public void SideBySide(Results? results, ITunnelEnds[] ends)
    {
        if (results is null || ends is not [WireGuardGoEnds first, GatewayEnds second]) return;
        Ratios("throughput 1 stream", Measure.Tcp1, Throughput);
        Ratios("gateway CPU per GB, 1 stream, less by", Measure.Tcp1Cpu, Cpu);
        Ratios("ping -f, shorter by", Measure.Ping, Ping);

        void Ratios(string what, Measure measure, double wanted)
        {
            foreach (var direction in Enum.GetValues<Direction>())
            {
                if (results.Better(first.Name, second.Name, direction, measure) is { } ratio) Add($"{what} {Arrow(direction)}", ratio, "×", ratio >= wanted, $"≥ {wanted}");
            }
        }
    }

    public void ManyPeers(Results? results, ITunnelEnds[] ends, double megabytes)
    {
        foreach (var direction in Enum.GetValues<Direction>())
        {
            if (results?.Better(ends[0].Name, ends[1].Name, direction, Measure.Tcp1) is { } ratio)
                Add($"throughput with {ends[1].Name} against {ends[0].Name} {Arrow(direction)}", ratio, "×", ratio >= ManyPeersThroughput, $"≥ {ManyPeersThroughput.ToString(CultureInfo.InvariantCulture)}");
        }
        Add($"memory at its highest with {ends[1].Name}", megabytes, " MB", megabytes < MegabytesWithManyPeers, $"< {MegabytesWithManyPeers}");
    }

    public void Watched(Results? results, ITunnelEnds[] ends)
    {
        foreach (var direction in Enum.GetValues<Direction>())
        {
            if (results?.Better(ends[0].Name, ends[1].Name, direction, Measure.Tcp1) is { } ratio)
                Add($"throughput with {ends[1].Name} against none {Arrow(direction)}", ratio, "×", ratio >= WatchedThroughput, $"≥ {WatchedThroughput.ToString(CultureInfo.InvariantCulture)}");
        }
    }

    public void Recorded(Results? results, ITunnelEnds[] ends)
    {
        foreach (var direction in Enum.GetValues<Direction>())
        {
            if (results?.Better(ends[0].Name, ends[1].Name, direction, Measure.Tcp1) is { } ratio)
                Add($"throughput {ends[1].Name} against {ends[0].Name} {Arrow(direction)}", ratio, "×", ratio >= RecordedThroughput, $"≥ {RecordedThroughput.ToString(CultureInfo.InvariantCulture)}");
        }
    }

    public void Idle(ITunnelEnds ends, double percent)
    {
        if (ends is GatewayEnds) Add("CPU without traffic", percent, " % of a core", percent < IdlePercent, $"< {IdlePercent}");
    }

    private void Add(string what, double value, string unit, bool kept, string wanted) =>
        _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {value:F2}{unit} (wanted {wanted}) {(kept ? "ok" : "short")}"));

    private static string Arrow(Direction direction) => direction == Direction.UToV ? "U→V" : "V→U";
}
