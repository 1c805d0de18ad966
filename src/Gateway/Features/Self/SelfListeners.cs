using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux;
using Gateway.Linux.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Gateway.Features.Self;

/// <summary>
/// Keeps one small server for each WireGuard tunnel that is up, on the tunnel's own addresses and, in TCP, the number of its UDP port. Its sockets hear
/// only what comes in through that tunnel's device. Plain tunnels authenticate nobody and have none.
/// </summary>
internal sealed partial class SelfListeners(
    DataPlane dataPlane, ITunnelPorts ports, SelfConfigs configs, Followers followers, TimeProvider time, ILoggerFactory loggers, ILogger<SelfListeners> logger) : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<Guid, (Place Place, KestrelServer? Server)> _open = [];
    private ImmutableArray<TunnelConfig> _configs = [];

    /// <summary>Opens and closes servers so that they match the tunnels that are up. Any thread.</summary>
    public async Task SyncAsync(ImmutableArray<TunnelConfig>? applied = null)
    {
        // Devices in memory are none that packets could come in through.
        if (ports is not LinuxTunnelPorts) return;
        await _gate.WaitAsync();
        try
        {
            if (applied is { } now) _configs = now;
            var wanted = Wanted();
            foreach (var (id, open) in _open.Where(o => wanted.GetValueOrDefault(o.Key) != o.Value.Place).ToList())
            {
                _open.Remove(id);
                await StopAsync(open.Server);
            }

            foreach (var (id, place) in wanted.Where(w => !_open.ContainsKey(w.Key))) _open[id] = (place, await TryStartAsync(id, place));
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, server) in _open.Values) await StopAsync(server);
        _open.Clear();
        _gate.Dispose();
    }

    private Dictionary<Guid, Place> Wanted()
    {
        var up = dataPlane.GetTunnels().Where(t => t.State == TunnelState.Up).ToDictionary(t => t.Id);
        return _configs.Where(c => c.Transport == TunnelTransport.WireGuard && !c.Addresses.IsEmpty && up.ContainsKey(c.Id))
            .ToDictionary(c => c.Id, c => new Place(up[c.Id].Name, up[c.Id].ListenPort, string.Join(' ', c.Addresses.Select(a => a.Address))));
    }

    private async Task<KestrelServer?> TryStartAsync(Guid tunnelId, Place place)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxRequestBodySize = 0;
        options.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        foreach (var address in place.Addresses.Split(' ')) options.Listen(IPAddress.Parse(address), place.Port, listen => listen.Protocols = HttpProtocols.Http1);
        var transport = new SocketTransportFactory(
            Options.Create(new SocketTransportOptions { CreateBoundListenSocket = endpoint => TunnelListener.Bind(place.Device, (IPEndPoint)endpoint) }), loggers);
        var server = new KestrelServer(Options.Create(options), transport, loggers);
        try
        {
            await server.StartAsync(new SelfApplication(tunnelId, configs, followers, time), CancellationToken.None);
            return server;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            server.Dispose();
            LogNotOpen(place.Device, place.Port, e.Message);
            return null;
        }
    }

    private static async Task StopAsync(KestrelServer? server)
    {
        if (server is null) return;
        // Clients that wait for a change hold their connections; they ask again elsewhere.
        using var patience = new CancellationTokenSource(StopPatience);
        await server.StopAsync(patience.Token);
        server.Dispose();
    }

    [LoggerMessage(EventId = 1281, Level = LogLevel.Warning, Message = "Clients of {Device} cannot follow changes by themselves, TCP port {Port} on the tunnel's address was refused: {Cause}")]
    private partial void LogNotOpen(string device, int port, string cause);

    /// <summary>Where a server listens. The addresses in one text, so that two places compare.</summary>
    private sealed record Place(string Device, int Port, string Addresses);
}
