using Gateway.Contracts;
using Gateway.Data;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>Who owns a prefix of a tunnel. Nested prefixes are fine (the longest wins); the same one twice is not.</summary>
internal static class Ownership
{
    /// <summary>The owner of one of the prefixes other than this peer's row <paramref name="peerId"/> of that kind; null = free.</summary>
    public static async Task<FieldError?> FindConflictAsync(
        GatewayDbContext db, Guid tunnelId, Guid? peerId, PrefixKind kind, string field, string prefix, string peerName, CancellationToken cancellationToken)
    {
        var owner = await db.Prefixes.Where(p => p.TunnelId == tunnelId && p.Prefix == prefix && p.Kind != PrefixKind.Client && !(p.PeerId == peerId && p.Kind == kind))
            .Select(p => new { p.Kind, p.Peer!.Name }).FirstOrDefaultAsync(cancellationToken);
        if (owner is null) return null;
        var how = owner.Kind == PrefixKind.Address ? "as its address" : "as a gateway route";
        return new FieldError(field, $"'{prefix}' for peer '{peerName}' is already owned by peer '{owner.Name}', {how}.",
            $"Choose another prefix, or take it from '{owner.Name}' first.");
    }
}
