using System.Net;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Uapi;
using Gateway.Protocol;

namespace Gateway.Cli.Device;

/// <summary>One device that wg configures: keeps its configuration and hands each change to the data plane.</summary>
internal sealed class UserspaceDevice(DataPlane plane, DevicePorts ports, ICryptoPrimitives crypto, TunnelConfig initial) : IUapiTarget, IDisposable
{
    private readonly SemaphoreSlim _changing = new(1);
    private volatile TunnelConfig _config = initial;

    /// <summary>Opens the device in the data plane.</summary>
    public Task StartAsync() => plane.ApplyAsync([_config]);

    /// <summary>The device as it is now; null once it is gone.</summary>
    public TunnelStatus? Status => plane.GetTunnel(_config.Id);

    /// <inheritdoc/>
    public UapiDevice? Read()
    {
        var config = _config;
        return Status is { } status ? new UapiDevice(config, status, plane.GetPeers(config.Id)) : null;
    }

    /// <inheritdoc/>
    public async ValueTask<UapiError?> ChangeAsync(UapiChange change, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken);
        try
        {
            if (Status is not { } status) return new UapiError(UapiError.NoDevice, "the device is gone");
            var next = DeviceChange.Apply(_config, change, crypto);

            // A port that the kernel picked stays when only the mark changes; one that is asked for is bound before anything else happens.
            if (next.ListenPort == 0 && change.ListenPort is null && next.FirewallMark != _config.FirewallMark) next = next with { ListenPort = status.ListenPort };
            if (change.ListenPort is { } port && port != 0 && port != status.ListenPort)
            {
                try
                {
                    ports.Reserve(new SocketRequest(port, next.FirewallMark));
                }
                catch (PortException e)
                {
                    return new UapiError(UapiError.PortInUse, e.Message);
                }
            }

            if (WithSeenEndpoints(_config, id => plane.GetPeer(_config.Id, id)?.Endpoint, change) is { } seen) await plane.ApplyAsync([seen], CancellationToken.None);
            await plane.ApplyAsync([next], CancellationToken.None);
            _config = next;
            return null;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _changing.Dispose();

    /// <summary>
    /// A peer that has roamed is set back to its old endpoint: to the data plane that would be no change. Telling it first where the peer is makes it
    /// one. Null where no peer needs it.
    /// </summary>
    internal static TunnelConfig? WithSeenEndpoints(TunnelConfig config, Func<Guid, IPEndPoint?> seen, UapiChange change)
    {
        var set = change.Peers.Where(p => p.Endpoint is not null).ToDictionaryLast(p => p.PublicKey, p => p.Endpoint);
        if (set.Count == 0) return null;
        var changed = false;
        var peers = config.Peers.ToBuilder();
        for (var i = 0; i < peers.Count; i++)
        {
            var peer = peers[i];
            if (!set.TryGetValue(peer.PublicKey!.Value, out var wanted) || !Equals(wanted, peer.Endpoint)) continue;
            if (seen(peer.Id) is not { } now || now.Equals(wanted)) continue;
            peers[i] = peer with { Endpoint = now };
            changed = true;
        }

        return changed ? config with { Peers = peers.ToImmutable() } : null;
    }
}

file static class DictionaryExtensions
{
    public static Dictionary<TKey, TValue> ToDictionaryLast<T, TKey, TValue>(this IEnumerable<T> items, Func<T, TKey> key, Func<T, TValue> value)
        where TKey : notnull
    {
        var result = new Dictionary<TKey, TValue>();
        foreach (var item in items) result[key(item)] = value(item);
        return result;
    }
}
