using Gateway.Contracts;
using Gateway.Data;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>Who owns a prefix of a tunnel. Nested prefixes are fine (the longest wins); the same one twice is not.</summary>
internal static class Ownership
{
    /// <summary>The name of another peer that has this key, or has it still from before a rotation; null = free.</summary>
    public static Task<string?> FindKeyAsync(GatewayDbContext db, Guid tunnelId, Guid peerId, string key, CancellationToken cancellationToken) =>
        db.Peers.Where(p => p.TunnelId == tunnelId && p.Id != peerId && (p.PublicKey == key || p.PreviousPublicKey == key)).Select(p => p.Name).FirstOrDefaultAsync(cancellationToken);

    /// <summary>Who owns a prefix, but for one row and, with <paramref name="peerId"/>, but for that peer's own addresses; null = nobody.</summary>
    public static async Task<FieldError?> FindConflictAsync(
        GatewayDbContext db, Guid tunnelId, Guid rowId, string field, string prefix, string peerName, CancellationToken cancellationToken, Guid? peerId = null)
    {
        var owner = await db.Prefixes.Where(p => p.TunnelId == tunnelId && p.Prefix == prefix && p.Kind != PrefixKind.Client && p.Id != rowId
                && !(p.PeerId == peerId && p.Kind == PrefixKind.Address))
            .Select(p => new { p.Kind, p.Peer!.Name }).FirstOrDefaultAsync(cancellationToken);
        if (owner is null) return null;
        var how = owner.Kind == PrefixKind.Address ? "as its address" : "as a gateway route";
        return new FieldError(field, $"'{prefix}' for peer '{peerName}' is already owned by peer '{owner.Name}', {how}.",
            $"Choose another prefix, or take it from '{owner.Name}' first.");
    }
}
