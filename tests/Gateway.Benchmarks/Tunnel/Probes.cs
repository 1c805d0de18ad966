using Gateway.Benchmarks.Tunnel.Report;
using Gateway.Benchmarks.Tunnel.Traffic;

namespace Gateway.Benchmarks.Tunnel;

/// <summary>The measures as probes.</summary>
internal static class Probes
{
    private const int FullSizeBytes = 1372, SmallBytes = 64, ManyStreams = 8;

    public static Probe[] Throughput(Loads loads, Family family) =>
    [
        async (ends, direction) =>
        {
            var run = await loads.Tcp(ends, direction, 1, family);
            return [(Measure.Tcp1, run.GigabitsPerSecond), (Measure.Tcp1Cpu, run.CpuSecondsPerGigabyte)];
        },
        async (ends, direction) =>
        {
            var run = await loads.Tcp(ends, direction, ManyStreams, family);
            return [(Measure.Tcp8, run.GigabitsPerSecond), (Measure.Tcp8Cpu, run.CpuSecondsPerGigabyte)];
        },
    ];

    public static Probe[] Datagrams(Loads loads) =>
    [
        async (ends, direction) =>
        {
            var run = await loads.Udp(ends, direction, FullSizeBytes);
            return [(Measure.Udp, run.GigabitsPerSecond), (Measure.UdpLoss, run.LossPercent), (Measure.UdpCpu, run.CpuSecondsPerGigabyte)];
        },
    ];

    public static Probe[] SmallDatagrams(Loads loads) =>
    [
        async (ends, direction) =>
        {
            var run = await loads.Udp(ends, direction, SmallBytes);
            return [(Measure.Packets, run.KilopacketsPerSecond), (Measure.PacketsLoss, run.LossPercent)];
        },
    ];

    public static Probe[] RoundTrips(Loads loads) =>
    [
        async (ends, direction) => [(Measure.Ping, await loads.PingFlood(ends, direction))],
        async (ends, direction) => [(Measure.PingLoaded, await loads.PingUnderLoad(ends, direction))],
    ];
}
