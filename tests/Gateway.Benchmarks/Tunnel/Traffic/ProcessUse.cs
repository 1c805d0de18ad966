using System.Diagnostics;

namespace Gateway.Benchmarks.Tunnel.Traffic;

/// <summary>What a process uses, read in /proc.</summary>
internal static class ProcessUse
{
    private const double BytesPerMegabyte = 1e6;

    /// <summary>User and system time of all its threads, those that ended included: utime + stime of /proc/PID/stat.</summary>
    public static double CpuSeconds(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>Resident memory in MB (10^6 bytes), now and at its highest: VmRSS and VmHWM.</summary>
    public static (double Now, double Highest) Memory(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return (process.WorkingSet64 / BytesPerMegabyte, process.PeakWorkingSet64 / BytesPerMegabyte);
    }

    /// <summary>CPU use in percent of one core over a time.</summary>
    public static async Task<double> CpuPercent(int processId, TimeSpan time, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var before = CpuSeconds(processId);
        await Task.Delay(time, cancellation);
        return (CpuSeconds(processId) - before) / clock.Elapsed.TotalSeconds * 100;
    }
}
