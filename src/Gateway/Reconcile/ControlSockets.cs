using System.Collections.Immutable;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux;
using Gateway.Linux.Uapi;

namespace Gateway.Reconcile;

/// <summary>
/// Lets <c>wg show</c> look at the gateway's own tunnels: one control socket for each WireGuard tunnel that is up, under its device's real
/// name; <c>wg set</c> is refused there. Without them everything else works, so what stands in their way is only logged.
/// </summary>
internal sealed partial class ControlSockets(DataPlane dataPlane, ITunnelPorts ports, ILogger<ControlSockets> logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<Guid, (string Device, UapiServer? Server)> _open = [];
    private ImmutableArray<TunnelConfig> _configs = [];

    /// <summary>Opens and closes sockets so that they match the tunnels that are up. Any thread.</summary>
    public async Task SyncAsync(ImmutableArray<TunnelConfig>? applied = null)
    {
        // Devices in memory are none that wg could find.
        if (ports is not LinuxTunnelPorts) return;
        await _gate.WaitAsync();
        try
        {
            if (applied is { } configs) _configs = configs;
            var wireGuard = _configs.Where(c => c.Transport == TunnelTransport.WireGuard).Select(c => c.Id).ToHashSet();
            var up = dataPlane.GetTunnels().Where(s => s.State == TunnelState.Up && wireGuard.Contains(s.Id)).ToDictionary(s => s.Id, s => s.Name);
            foreach (var (id, open) in _open.Where(o => up.GetValueOrDefault(o.Key) != o.Value.Device).ToList())
            {
                _open.Remove(id);
                if (open.Server is not null) await open.Server.DisposeAsync();
            }

            foreach (var (id, device) in up.Where(u => !_open.ContainsKey(u.Key))) _open[id] = (device, TryOpen(id, device));
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, server) in _open.Values)
        {
            if (server is not null) await server.DisposeAsync();
        }

        _open.Clear();
        _gate.Dispose();
    }

    private UapiServer? TryOpen(Guid id, string device)
    {
        try
        {
            return UapiServer.Start(device, new ManagedTunnelUapi(() => Read(id), logger), logger);
        }
        catch (PortException e)
        {
            LogNotOpen(device, e.Message, e.Remedy);
            return null;
        }
    }

    private UapiDevice? Read(Guid id) =>
        _configs.FirstOrDefault(c => c.Id == id) is { } config && dataPlane.GetTunnel(id) is { } status ? new UapiDevice(config, status, dataPlane.GetPeers(id)) : null;

    [LoggerMessage(EventId = 1241, Level = LogLevel.Warning, Message = "wg cannot look at {Device}: {Cause} {Remedy}")]
    private partial void LogNotOpen(string device, string cause, string remedy);
}
