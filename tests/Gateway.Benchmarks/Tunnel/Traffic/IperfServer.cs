using Gateway.Netns.Tests.Harness;

namespace Gateway.Benchmarks.Tunnel.Traffic;

/// <summary>iperf3's server on V. After a failed run it may wait for a client that is gone: it is then started anew.</summary>
internal sealed class IperfServer(Host v) : IAsyncDisposable
{
    private Child? _process;

    public async Task Start()
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = v.Start("iperf3", "-s", "--forceflush");
        await _process.Says("Server listening");
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
    }
}
