using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Features.Tunnels;
using Gateway.Linux.Netlink;
using Gateway.Reconcile;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Explain.Gathering;

/// <summary>
/// Collects the evidence for one explanation: the peer as saved, what the engine knows of it, what the flow table has seen, what the kernel says, and
/// where a conversation stays without an answer, what the destination answers to the gateway itself.
/// </summary>
internal sealed class EvidenceGatherer(IDbContextFactory<GatewayDbContext> contexts, DataPlane dataPlane, IKernelEvidence kernel, IHostChecker hosts, TimeProvider time)
{
    public async Task<Outcome<Evidence>> GatherAsync(ExplainRequest request, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var errors = new RuleErrors();
        var peer = await PeerFinder.FindAsync(db, request.Peer, errors, cancellationToken);
        var packet = PacketRules.Read(request, peer, errors);
        if (errors.Any || peer is null || packet is null) return errors.ToFailure();
        return await GatherAsync(db, peer, packet, cancellationToken);
    }

    /// <summary>The evidence for a packet of a peer that is known by its id; null where the peer has gone.</summary>
    public async Task<Evidence?> GatherAsync(Guid tunnelId, Guid peerId, PacketQuestion packet, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var peer = await db.Peers.AsNoTracking().Include(p => p.Tunnel).Include(p => p.Prefixes).SingleOrDefaultAsync(p => p.Id == peerId && p.TunnelId == tunnelId, cancellationToken);
        return peer is null ? null : await GatherAsync(db, peer, packet, cancellationToken);
    }

    private async Task<Evidence> GatherAsync(GatewayDbContext db, Peer peer, PacketQuestion packet, CancellationToken cancellationToken)
    {
        var tunnel = ToEvidence(peer.Tunnel!);
        var status = dataPlane.GetPeer(peer.TunnelId, peer.Id);
        var traffic = TrafficReader.Read(dataPlane, peer.TunnelId, peer.Id, packet, tunnel.Mtu);
        var (asked, problem) = AskKernel(new KernelQuestion(tunnel.Device, packet, status?.Endpoint));
        var evidence = new Evidence
        {
            Now = time.GetUtcNow(),
            Packet = packet,
            TunnelId = peer.TunnelId,
            Tunnel = tunnel,
            Peer = ToEvidence(peer, status),
            SourceOwner = await FindOwnerAsync(db, peer.TunnelId, packet.Source, cancellationToken),
            DestinationAllowed = status is null || dataPlane.AllowsDestination(peer.TunnelId, peer.Id, packet.Destination),
            DestinationOwner = await FindOwnerAsync(db, peer.TunnelId, packet.Destination, cancellationToken),
            HandshakeSources = dataPlane.GetHandshakeSources(peer.TunnelId),
            Traffic = traffic,
            Kernel = asked,
            KernelProblem = problem,
        };
        return await AskHostAsync(evidence, cancellationToken);
    }

    /// <summary>The same evidence with what the kernel says now, and with other traffic.</summary>
    public Task<Evidence> RefreshAsync(Evidence evidence, TrafficEvidence traffic, CancellationToken cancellationToken)
    {
        var (asked, problem) = AskKernel(new KernelQuestion(evidence.Tunnel.Device, evidence.Packet, evidence.Peer.Endpoint));
        return AskHostAsync(evidence with { Now = time.GetUtcNow(), Kernel = asked, KernelProblem = problem, Traffic = traffic, HostCheck = null }, cancellationToken);
    }

    private async Task<Evidence> AskHostAsync(Evidence evidence, CancellationToken cancellationToken)
    {
        var isWorthAsking = evidence.Traffic.Same?.IsUnanswered(evidence.Now) == true
            && evidence.Kernel is { DestinationIsLocal: false, OutLink: { Running: true } link } && link.Name != evidence.Tunnel.Device
            && evidence.Kernel.NextHop?.State is not NeighbourState.Failed;
        return isWorthAsking ? evidence with { HostCheck = await hosts.AskAsync(evidence.Packet with { Destination = evidence.Kernel!.RoutedDestination, Port = evidence.Kernel.DestinationNat is { Port: > 0 } nat ? nat.Port : evidence.Packet.Port }, cancellationToken) } : evidence;
    }

    private (KernelEvidence? Evidence, string? Problem) AskKernel(KernelQuestion question)
    {
        try
        {
            return (kernel.Read(question), null);
        }
        catch (PortException e)
        {
            return (null, $"{e.Message} {e.Remedy}");
        }
    }

    private TunnelEvidence ToEvidence(Tunnel row)
    {
        var status = dataPlane.GetTunnel(row.Id);
        return new TunnelEvidence(row.Name, status?.Name ?? row.Name, status?.State == TunnelState.Up, status?.Cause, status?.Remedy,
            TunnelWords.Transport(row) == TunnelTransport.WireGuard, TunnelWords.Layer(row) == TunnelLayer.Ethernet, status?.ListenPort ?? row.ListenPort, status?.Mtu ?? row.Mtu, row.Endpoint,
            [.. row.Addresses.Select(a => Reconcile.Addresses.TryReadInterface(a, out var address, out _) ? address.Network : default).Distinct()])
        {
            Nat = NatRules.Read(row),
        };
    }

    private PeerEvidence ToEvidence(Peer row, PeerStatus? status) => new()
    {
        Id = row.Id,
        Name = row.Name,
        ExpiresAt = row.ExpiresAt is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null,
        HasPresharedKey = row.ProtectedPresharedKey is not null,
        Prefixes = [.. row.Prefixes.Select(ToEvidence)],
        Endpoint = status?.Endpoint is { } endpoint && endpoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endpoint.Address.MapToIPv4(), endpoint.Port) : status?.Endpoint,
        LastHandshake = status?.LastHandshake,
        LastReceived = status?.LastReceived,
        Handshakes = dataPlane.GetHandshakes(row.TunnelId, row.Id),
    };

    private async Task<OwnerEvidence?> FindOwnerAsync(GatewayDbContext db, Guid tunnelId, IPAddress address, CancellationToken cancellationToken)
    {
        if (dataPlane.FindOwner(tunnelId, address) is not { } id) return null;
        var owner = await db.Peers.AsNoTracking().Include(p => p.Prefixes).SingleOrDefaultAsync(p => p.Id == id, cancellationToken);
        return owner is null ? null : new OwnerEvidence(id, owner.Name,
            owner.Prefixes.Where(p => p.Kind != PrefixKind.Client).Select(ToEvidence).Where(p => p.Prefix.Contains(address)).OrderByDescending(p => p.Prefix.PrefixLength).FirstOrDefault());
    }

    private static RouteEvidence ToEvidence(PeerPrefix row) => new(row.Id, IPNetwork.Parse(row.Prefix), row.Kind, row.KernelRoute);
}
