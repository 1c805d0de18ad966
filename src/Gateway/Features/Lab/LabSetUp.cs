using System.Collections.Concurrent;
using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Features.Interfaces;
using Gateway.Features.Packets;
using Gateway.Features.Peers;
using Gateway.Features.Routes;
using Gateway.Features.Tunnels;
using Gateway.Web;

namespace Gateway.Features.Lab;

/// <summary>What the lab remembers as long as the gateway runs.</summary>
internal sealed class LabMemory : IDisposable
{
    /// <summary>One run at a time.</summary>
    public SemaphoreSlim One { get; } = new(1);

    /// <summary>The last run of each experiment.</summary>
    public ConcurrentDictionary<int, LabRun> Runs { get; } = new();

    /// <summary>By device: what was wanted of its rp_filter; null = it was left alone.</summary>
    public ConcurrentDictionary<string, string?> RpFilters { get; } = new(StringComparer.Ordinal);

    public void Dispose() => One.Dispose();
}

/// <summary>
/// What the experiments need on the gateway, made and taken away through the same services as everything else: tunnels of its own next to the
/// WireGuard one, a route of U's peer, rp_filter. Each method answers with a sentence where it was refused.
/// </summary>
internal sealed class LabSetUp(TunnelService tunnels, PeerService peers, RouteService routes, InterfaceService interfaces, PacketService packets, LabMemory memory)
{
    /// <summary>What <c>make lab</c> makes.</summary>
    public const string WireGuardTunnel = "wg0", Peer = "host-u";

    /// <summary>What the experiments make for their time.</summary>
    public const string PlainTunnel = "labtun0", TapTunnel = "labtap0";

    /// <summary>The question of an explanation: the peer of a tunnel.</summary>
    public static string PeerOf(string tunnel) => $"{tunnel}/{Peer}";

    /// <summary>The tunnel that carries the lab's own wire format, with U as its peer.</summary>
    public Task<string?> MakePlainAsync(CancellationToken cancellationToken) =>
        MakeAsync(PlainTunnel, Layers.Ip, LabAddresses.PlainPort, LabAddresses.PlainGateway, LabAddresses.PlainU, cancellationToken);

    /// <summary>The same for Ethernet frames.</summary>
    public Task<string?> MakeTapAsync(CancellationToken cancellationToken) =>
        MakeAsync(TapTunnel, Layers.Ethernet, LabAddresses.TapPort, LabAddresses.TapGateway, LabAddresses.TapU, cancellationToken);

    /// <summary>Takes one of them away; that it is not there is fine.</summary>
    public async Task<string?> DeleteTunnelAsync(string name, CancellationToken cancellationToken) =>
        (await tunnels.DeleteAsync(name, null, cancellationToken)).Failure is { Kind: not FailureKind.NotFound } failure ? failure.Detail : null;

    /// <summary>Which of them there are.</summary>
    public async Task<IReadOnlyList<string>> FindTunnelsAsync(CancellationToken cancellationToken) =>
        [.. (await tunnels.ListAllAsync(cancellationToken)).Select(tunnel => tunnel.Name).Where(name => name is PlainTunnel or TapTunnel)];

    /// <summary>Gives U's peer the network that its address is moved to.</summary>
    /// <param name="kernelRoute">Whether the kernel is told.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<string?> AddMovedRouteAsync(bool kernelRoute, CancellationToken cancellationToken)
    {
        if (!(await FindPeerAsync(cancellationToken)).Succeeded(out var peer, out var failure)) return failure.Detail;
        return (await routes.CreateAsync(peer.Id, new RouteSettings { Prefix = LabAddresses.MovedNetwork, InstallOn = InstallOn.Gateway, KernelRoute = kernelRoute }, cancellationToken)).Failure?.Detail;
    }

    /// <summary>Takes it away; that it is not there is fine.</summary>
    public async Task<string?> DeleteMovedRouteAsync(CancellationToken cancellationToken) =>
        await FindMovedRouteAsync(cancellationToken) is { } route && (await routes.DeleteAsync(route.Id, null, cancellationToken)).Failure is { Kind: not FailureKind.NotFound } failure ? failure.Detail : null;

    /// <summary>That route, if it is there.</summary>
    public async Task<RouteResponse?> FindMovedRouteAsync(CancellationToken cancellationToken)
    {
        if (!(await FindPeerAsync(cancellationToken)).Succeeded(out var peer, out _)) return null;
        return (await routes.ListAsync(peer.Id, null, null, cancellationToken)).Value?.Items.FirstOrDefault(route => route.Prefix == LabAddresses.MovedNetwork);
    }

    /// <summary>Sets rp_filter; what was wanted of it before is remembered.</summary>
    public async Task<string?> SetRpFilterAsync(string device, string mode, CancellationToken cancellationToken)
    {
        if (!(await interfaces.GetAsync(device, cancellationToken)).Succeeded(out var found, out var failure)) return failure.Detail;
        memory.RpFilters.TryAdd(device, found.Interface.DesiredRpFilter);
        return (await interfaces.UpdateAsync(device, JsonBody<InterfaceSettings>.Of(("rpFilter", mode)), null, cancellationToken)).Failure?.Detail;
    }

    /// <summary>Puts every rp_filter back to what was wanted, or found, before.</summary>
    public async Task<string?> PutBackRpFiltersAsync(CancellationToken cancellationToken)
    {
        foreach (var (device, wanted) in memory.RpFilters.ToList())
        {
            if ((await interfaces.UpdateAsync(device, JsonBody<InterfaceSettings>.Of(("rpFilter", wanted)), null, cancellationToken)).Failure is { } failure) return failure.Detail;
            memory.RpFilters.TryRemove(device, out _);
        }

        return null;
    }

    /// <summary>Devices whose rp_filter the lab has set.</summary>
    public IReadOnlyList<string> RpFilterDevices => [.. memory.RpFilters.Keys];

    /// <summary>Writes a packet to the WireGuard tunnel's device, as if it had come through the tunnel.</summary>
    public Task<Outcome<PacketResponse>> WriteToDeviceAsync(byte[] packet, CancellationToken cancellationToken) =>
        packets.WriteAsync(WireGuardTunnel, new PacketRequest { To = PacketTargets.Device, Hex = Convert.ToHexStringLower(packet) }, cancellationToken);

    /// <summary>U's peer of the WireGuard tunnel.</summary>
    public async Task<Outcome<PeerResponse>> FindPeerAsync(CancellationToken cancellationToken)
    {
        if (!(await peers.ListAsync(new PeerFilter { Tunnel = WireGuardTunnel, Search = Peer }, null, null, null, cancellationToken)).Succeeded(out var page, out var failure)) return failure;
        return page.Items.FirstOrDefault(peer => peer.Name == Peer) is { } found
            ? found : new Failure(FailureKind.Conflict, $"The lab's tunnel {WireGuardTunnel} has no peer {Peer} any more: make lab builds the lab anew.", []);
    }

    private async Task<string?> MakeAsync(string name, string layer, int port, string address, string peer, CancellationToken cancellationToken)
    {
        var tunnel = new TunnelSettings { Name = name, Transport = Transports.Plain, Layer = layer, ListenPort = port, Addresses = [$"{address}/24"], Endpoint = $"{LabAddresses.GatewayOutside}:{port}" };
        if ((await tunnels.CreateAsync(tunnel, cancellationToken)).Failure is { } refused) return refused.Detail;
        if (!(await peers.CreateAsync(name, new PeerSettings { Name = Peer, Addresses = [$"{peer}/32"] }, cancellationToken)).Succeeded(out var made, out var failure)) return failure.Detail;
        return (await routes.CreateAsync(made.Id, new RouteSettings { Prefix = LabAddresses.Intranet, InstallOn = InstallOn.Client }, cancellationToken)).Failure?.Detail;
    }
}
