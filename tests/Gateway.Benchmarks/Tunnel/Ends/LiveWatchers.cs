using System.Net.Sockets;
using Gateway.Contracts.Live;
using Gateway.Netns.Tests.Harness;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;

namespace Gateway.Benchmarks.Tunnel.Ends;

/// <summary>Ten who watch the flows and one who watches the packets of a running gateway, through its hub, in this process.</summary>
internal sealed class LiveWatchers : IAsyncDisposable
{
    private const int FlowWatchers = 10;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<HubConnection> _hubs = [];
    private readonly List<Task> _reading = [];
    private long _updates, _packets, _skipped;

    /// <summary>Updates of both kinds, packets shown, packets that the watcher was told it does not see.</summary>
    public (long Updates, long Packets, long Skipped) Seen => (Interlocked.Read(ref _updates), Interlocked.Read(ref _packets), Interlocked.Read(ref _skipped));

    /// <summary>Starts them and returns when each has had its first update.</summary>
    public static async Task<LiveWatchers> Start(GatewayProcess gateway)
    {
        var watchers = new LiveWatchers();
        var first = new List<Task>();
        for (var i = 0; i < FlowWatchers; i++) first.Add(await watchers.Watch<FlowsUpdate>(gateway, "Flows", new FlowsQuery(), _ => { }));
        await watchers.Watch<PacketsUpdate>(gateway, "Packets", new PacketsQuery(), update =>
        {
            Interlocked.Add(ref watchers._packets, update.Packets.Count);
            Interlocked.Add(ref watchers._skipped, update.Skipped);
        });
        await Task.WhenAll(first);
        return watchers;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_reading);
        foreach (var hub in _hubs) await hub.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<Task> Watch<T>(GatewayProcess gateway, string stream, object query, Action<T> take)
    {
        // The socket's file leads into the gateway's namespace; WebSockets would not take that way.
        var hub = new HubConnectionBuilder().WithUrl("http://localhost/hubs/live", HttpTransportType.ServerSentEvents, options =>
        {
            options.AccessTokenProvider = () => Task.FromResult<string?>(GatewayProcess.Token);
            options.HttpMessageHandlerFactory = _ => new SocketsHttpHandler { ConnectCallback = (_, cancellation) => Connect(gateway.SocketPath, cancellation) };
        }).Build();
        _hubs.Add(hub);
        await hub.StartAsync(_stop.Token);
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _reading.Add(Read());
        return first.Task;

        async Task Read()
        {
            try
            {
                await foreach (var update in hub.StreamAsync<T>(stream, query, _stop.Token))
                {
                    Interlocked.Increment(ref _updates);
                    take(update);
                    first.TrySetResult();
                }
            }
            catch (OperationCanceledException)
            {
                // Told to stop.
            }
        }
    }

    private static async ValueTask<Stream> Connect(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
