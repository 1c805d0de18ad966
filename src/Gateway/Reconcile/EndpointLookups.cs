using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Gateway.Engine;

namespace Gateway.Reconcile;

/// <summary>Asks for the addresses of a host: the system's resolver, or a table in tests.</summary>
internal interface INameResolver
{
    /// <summary>All addresses, the best first (RFC 6724). Throws <see cref="SocketException"/>.</summary>
    Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellationToken);
}

/// <summary>The system's resolver.</summary>
internal sealed class SystemResolver : INameResolver
{
    public Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellationToken) => Dns.GetHostAddressesAsync(host, cancellationToken);
}

/// <summary>
/// Finds where configured endpoints are, beside the reconciler's loop. A name is looked up until it has an address, with growing pauses, and that is posted
/// to the loop. A peer that has fallen silent is tried at the next address that its name has by then, IPv6 and IPv4, one after the other.
/// </summary>
internal sealed partial class EndpointLookups(INameResolver resolver, DataPlane dataPlane, TimeProvider time, ILogger<EndpointLookups> logger)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);
    private readonly Dictionary<Guid, (string Configured, Task Task)> _running = [];

    /// <summary>Starts a look-up for each peer that needs one and has none running. Called by the loop only.</summary>
    public void Start(IEnumerable<TunnelSlot> tunnels, ChannelWriter<Work> work, CancellationToken cancellationToken)
    {
        foreach (var tunnel in tunnels)
        {
            foreach (var peer in tunnel.Peers.Where(p => p.NeedsLookup))
            {
                var configured = peer.ConfiguredEndpoint!;
                if (IsRunning(peer.Id, configured)) continue;
                _running[peer.Id] = (configured, FindAsync(tunnel.Row.Id, peer, configured, work, cancellationToken));
            }
        }
    }

    /// <summary>Tries a silent peer elsewhere. Called by the loop only; the task is for tests.</summary>
    public Task TryElsewhere(Guid tunnelId, PeerSlot peer, CancellationToken cancellationToken)
    {
        if (peer.ConfiguredEndpoint is not { } configured || peer.NeedsLookup || IsRunning(peer.Id, configured)) return Task.CompletedTask;
        var task = MoveAsync(tunnelId, peer, configured, cancellationToken);
        _running[peer.Id] = (configured, task);
        return task;
    }

    private bool IsRunning(Guid peerId, string configured) => _running.TryGetValue(peerId, out var running) && running.Configured == configured && !running.Task.IsCompleted;

    private async Task FindAsync(Guid tunnelId, PeerSlot peer, string configured, ChannelWriter<Work> work, CancellationToken cancellationToken)
    {
        if (!Addresses.TryReadEndpoint(configured, out var endpoint, out _)) return;
        for (var pause = TimeSpan.FromSeconds(5); ; pause = pause * 2 > LongestPause ? LongestPause : pause * 2)
        {
            if (await LookUpAsync(endpoint, peer, cancellationToken) is [var first, ..])
            {
                work.TryWrite(Work.Of(new FoundEndpoint(tunnelId, peer.Id, configured, new IPEndPoint(first, endpoint.Port))));
                return;
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested) return;
        }
    }

    private async Task MoveAsync(Guid tunnelId, PeerSlot peer, string configured, CancellationToken cancellationToken)
    {
        if (!Addresses.TryReadEndpoint(configured, out var endpoint, out _)) return;
        var addresses = await LookUpAsync(endpoint, peer, cancellationToken);
        if (addresses.Length == 0) return;
        // A peer that went silent where it had roamed to is looked for where it was configured: the first address then.
        var now = dataPlane.GetPeer(tunnelId, peer.Id)?.Endpoint;
        var next = new IPEndPoint(addresses[(Array.IndexOf(addresses, now?.Address) + 1) % addresses.Length], endpoint.Port);
        if (next.Equals(now)) return;
        dataPlane.MoveEndpoint(tunnelId, peer.Id, next);
        LogElsewhere(peer.Config!.Name, next);
    }

    private async Task<IPAddress[]> LookUpAsync(Endpoint endpoint, PeerSlot peer, CancellationToken cancellationToken)
    {
        if (endpoint.Address is { } address) return [address];
        try
        {
            return await resolver.LookUpAsync(endpoint.Host, cancellationToken);
        }
        catch (SocketException e)
        {
            LogUnknown(endpoint.Host, peer.Config!.Name, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }

        return [];
    }

    [LoggerMessage(EventId = 1211, Level = LogLevel.Warning, Message = "The endpoint {Host} of peer {Peer} cannot be looked up: {Cause}")]
    private partial void LogUnknown(string host, string peer, string cause);

    [LoggerMessage(EventId = 1212, Level = LogLevel.Information, Message = "Peer {Peer} does not answer and is tried at {Endpoint}")]
    private partial void LogElsewhere(string peer, IPEndPoint endpoint);
}
