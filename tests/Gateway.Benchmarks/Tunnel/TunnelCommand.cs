using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Gateway.Benchmarks.Tunnel.Ends;
using Gateway.Benchmarks.Tunnel.Traffic;

namespace Gateway.Benchmarks.Tunnel;

/// <summary>
/// `tunnel`: two pairs of tunnel ends between the same hosts, loaded in turn, their figures side by side. Ends with 0 whatever the figures are,
/// 1 when something could not be measured, 2 when the arguments are wrong.
/// </summary>
internal static class TunnelCommand
{
    public static async Task<int> Run(string[] args)
    {
        switch (args)
        {
            // The benchmark's own processes inside the hosts.
            case [UdpBlast.SendVerb, var from, var to, var port, var length, var seconds]:
                UdpBlast.Send(IPAddress.Parse(from), EndPoint(to, port), int.Parse(length, CultureInfo.InvariantCulture), TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)));
                return 0;
            case [UdpBlast.ReceiveVerb, var at, var port]:
                UdpBlast.Receive(EndPoint(at, port));
                return 0;
            case [EngineProcess.Verb, .. var arguments]:
                await EngineProcess.Run(arguments);
                return 0;
        }

        if (TunnelOptions.Parse(args, out var error) is not { } options)
        {
            await Console.Error.WriteLineAsync($"benchmarks: {error}; this is understood:\n{TunnelOptions.Usage}");
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
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        return await new TunnelBenchmark(options, Console.Out, Console.Error, stop.Token).Run() ? 0 : 1;

        // What runs is ended and the namespaces are removed on the way out.
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    private static IPEndPoint EndPoint(string address, string port) => new(IPAddress.Parse(address), int.Parse(port, CultureInfo.InvariantCulture));
}
