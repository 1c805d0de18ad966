using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Gateway.Reconcile;

/// <summary>Looks up endpoints that are names, beside the reconciler's loop, and posts to it what was found. Repeated with growing pauses.</summary>
internal sealed partial class EndpointLookups(ChannelWriter<Work> work, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);
    private readonly Dictionary<Guid, (string Configured, Task Task)> _running = [];

    /// <summary>Starts a look-up for each peer that needs one and has none running. Called by the loop only.</summary>
    public void Start(IEnumerable<TunnelSlot> tunnels, CancellationToken cancellationToken)
    {
        foreach (var tunnel in tunnels)
        {
            foreach (var peer in tunnel.Peers.Where(p => p.NeedsLookup))
            {
                var configured = peer.ConfiguredEndpoint!;
                if (_running.TryGetValue(peer.Id, out var running) && running.Configured == configured && !running.Task.IsCompleted) continue;
                _running[peer.Id] = (configured, RunAsync(tunnel.Row.Id, peer, configured, cancellationToken));
            }
        }
    }

    private async Task RunAsync(Guid tunnelId, PeerSlot peer, string configured, CancellationToken cancellationToken)
    {
        if (!Addresses.TryReadEndpoint(configured, out var endpoint, out _)) return;
        for (var pause = TimeSpan.FromSeconds(5); ; pause = pause * 2 > LongestPause ? LongestPause : pause * 2)
        {
            try
            {
                var found = await Dns.GetHostAddressesAsync(endpoint.Host, cancellationToken);
                if (found.Length > 0)
                {
                    work.TryWrite(new Work([], 0, null, new FoundEndpoint(tunnelId, peer.Id, configured, new IPEndPoint(found[0], endpoint.Port))));
                    return;
                }
            }
            catch (SocketException e)
            {
                LogUnknown(endpoint.Host, peer.Config!.Name, e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested) return;
        }
    }

    [LoggerMessage(EventId = 1211, Level = LogLevel.Warning, Message = "The endpoint {Host} of peer {Peer} cannot be looked up: {Cause}")]
    private partial void LogUnknown(string host, string peer, string cause);
}
