using System.Runtime.InteropServices;

namespace Gateway.Benchmarks.Api;

/// <summary>`api`: the host with thousands of peers, asked over HTTP. Ends with 0 whatever the figures are, 1 when something could not be measured, 2 when the arguments are wrong.</summary>
internal static class ApiCommand
{
    public static async Task<int> Run(string[] args)
    {
        if (ApiOptions.Parse(args, out var error) is not { } options)
        {
            await Console.Error.WriteLineAsync($"benchmarks: {error}; this is understood:\n{ApiOptions.Usage}");
            return 2;
        }

        if (!Environment.IsPrivilegedProcess)
        {
            await Console.Error.WriteLineAsync("benchmarks: namespaces and devices need root: run it with sudo");
            return 1;
        }

        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            await new ApiBenchmark(options, Console.Out, Console.Error, stop.Token).Run();
            return 0;
        }
        catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"benchmarks: not measured: {exception.Message}");
            return 1;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }
}
