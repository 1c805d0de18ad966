using Gateway.Benchmarks.Tunnel.Ends;
using Gateway.Benchmarks.Tunnel.Report;

namespace Gateway.Benchmarks.Tunnel;

/// <summary>One load on one pair of ends, one way, and what it showed.</summary>
internal delegate Task<IReadOnlyList<(Measure Measure, double Value)>> Probe(ITunnelEnds ends, Direction direction);

/// <summary>Runs probes on several pairs of ends in turn, so that what changes on the machine meanwhile meets all of them.</summary>
internal sealed class Runner(TunnelOptions options, TextWriter progress, CancellationToken cancellation)
{
    public async Task<Results> Interleave(string title, IReadOnlyList<ITunnelEnds> ends, IReadOnlyList<Probe> probes)
    {
        var results = new Results();
        for (var run = 1; run <= options.Runs; run++)
        {
            await progress.WriteLineAsync($"{title}: run {run} of {options.Runs}");
            foreach (var probe in probes)
            {
                foreach (var direction in Enum.GetValues<Direction>())
                {
                    foreach (var pair in ends)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        await pair.Prepare();
                        foreach (var (measure, value) in await probe(pair, direction)) results.Add(pair.Name, direction, measure, value);
                    }
                }
            }
        }
        return results;
    }
}
