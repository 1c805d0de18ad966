namespace Gateway.Benchmarks.Tunnel.Report;

/// <summary>What the figures were measured on.</summary>
internal static class MachineFacts
{
    public static string Text()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown CPU";
        var flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ') ?? [];
        var vectors = flags.Contains("avx512f") ? "AVX-512" : flags.Contains("avx2") ? "AVX2" : "no AVX2";
        var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{model} ({vectors}), {Environment.ProcessorCount} cores, Linux {kernel}, .NET {Environment.Version}, load before the start {load}";
    }
}
