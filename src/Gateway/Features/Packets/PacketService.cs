using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Features.Audit;
using Gateway.Features.Tunnels;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Packets;

/// <summary>Crafted packets, to see what becomes of them.</summary>
internal sealed class PacketService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, AuditTrail audit, DataPlane dataPlane)
{
    private const int MaxBytes = 65_535;

    public async Task<Outcome<PacketResponse>> WriteAsync(string tunnelName, PacketRequest request, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (await TunnelService.FindAsync(db.Tunnels.AsNoTracking(), tunnelName, cancellationToken) is not { } tunnel) return Failure.NotFound("tunnel", tunnelName);
        var errors = new RuleErrors();
        var packet = ReadHex(request.Hex, errors);
        Guid? peerId = null;
        if (request.To is not (PacketTargets.Device or PacketTargets.Peer))
            errors.Add("to", request.To is null ? "It is missing." : $"'{request.To}' is not known.", "It is device or peer.");
        else if (request.To == PacketTargets.Device && request.Peer is not null)
            errors.Add("peer", "A packet to the device has no peer.", "Leave it out, or set to to peer.");
        else if (request.To == PacketTargets.Peer)
            peerId = await FindPeerAsync(db, tunnel, request.Peer, errors, cancellationToken);
        if (errors.Any) return errors.ToFailure();

        if (dataPlane.GetTunnel(tunnel.Id) is not { State: TunnelState.Up })
            return new Failure(FailureKind.Conflict, $"Tunnel '{tunnel.Name}' is not up; GET /api/v1/tunnels/{tunnel.Name} says why.", []);
        await audit.NoteAsync("packet.craft", tunnel.Name, new { request.To, request.Peer, packet.Length }, cancellationToken);
        var result = peerId is { } id ? dataPlane.InjectToPeer(tunnel.Id, id, packet) : dataPlane.InjectToDevice(tunnel.Id, packet);
        if (result.Written) return new PacketResponse(true, packet.Length);
        return Failure.Of(FailureKind.Rule, "hex", result.Error ?? "It was refused.",
            tunnel.Layer == Layers.Ethernet ? "Give a whole Ethernet frame." : "Give a whole IPv4 or IPv6 packet whose lengths agree.");
    }

    private static byte[] ReadHex(string? hex, RuleErrors errors)
    {
        const string Expected = "Two hexadecimal digits a byte, blanks as you like: 4500001c….";
        var digits = hex is null ? "" : string.Concat(hex.Where(c => !char.IsWhiteSpace(c)));
        if (digits.Length == 0) errors.Add("hex", "It is missing or empty.", Expected);
        else if (digits.FirstOrDefault(c => !char.IsAsciiHexDigit(c)) is var bad and not '\0') errors.Add("hex", $"'{bad}' is no hexadecimal digit.", Expected);
        else if (digits.Length % 2 != 0) errors.Add("hex", $"{digits.Length} digits are no whole number of bytes.", Expected);
        else if (digits.Length / 2 > MaxBytes) errors.Add("hex", $"{digits.Length / 2} bytes are more than a packet has.", $"At most {MaxBytes} bytes.");
        else return Convert.FromHexString(digits);
        return [];
    }

    private static async Task<Guid?> FindPeerAsync(GatewayDbContext db, Tunnel tunnel, string? named, RuleErrors errors, CancellationToken cancellationToken)
    {
        Guid? id = Guid.TryParse(named, out var parsed) ? parsed : null;
        var found = await db.Peers.Where(p => p.TunnelId == tunnel.Id && (p.Id == id || p.Name == named)).Select(p => (Guid?)p.Id).FirstOrDefaultAsync(cancellationToken);
        if (found is null)
            errors.Add("peer", named is null ? "It is missing." : $"Tunnel '{tunnel.Name}' has no peer '{named}'.", "Give the id or the name of a peer of this tunnel.");
        return found;
    }
}
