using BenchmarkDotNet.Running;
using Gateway.Benchmarks.Api;
using Gateway.Benchmarks.Tunnel;

switch (args)
{
    case ["micro", .. var rest]:
        BenchmarkSwitcher.FromAssembly(typeof(TunnelCommand).Assembly).Run(rest.Length == 0 ? ["--filter", "*"] : rest);
        return 0;
    case ["tunnel", .. var rest]:
        return await TunnelCommand.Run(rest);
    case ["api", .. var rest]:
        return await ApiCommand.Run(rest);
    default:
        await Console.Error.WriteLineAsync("benchmarks: say which: \"tunnel\" (side by side with wireguard-go, in namespaces; needs root), \"api\" (the host with thousands of peers, over HTTP; needs root) or \"micro\" (BenchmarkDotNet)");
        return 2;
}
