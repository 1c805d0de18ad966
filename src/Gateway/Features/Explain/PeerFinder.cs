using Gateway.Data;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Explain;

/// <summary>Finds a peer by what people call it: its id, its name, or tunnel/name.</summary>
internal static class PeerFinder
{
    /// <summary>The peer with its tunnel and prefixes; null where none or several are meant, which is then among the errors.</summary>
    public static async Task<Peer?> FindAsync(GatewayDbContext db, string? named, RuleErrors errors, CancellationToken cancellationToken)
    {
        const string Expected = "Give a peer's id, its name, or tunnel/name.";
        if (string.IsNullOrEmpty(named))
        {
            errors.Add("peer", "It is missing.", Expected);
            return null;
        }

        var peers = db.Peers.AsNoTracking().Include(p => p.Tunnel).Include(p => p.Prefixes);
        Guid? id = Guid.TryParse(named, out var parsed) ? parsed : null;
        var slash = named.IndexOf('/', StringComparison.Ordinal);
        var (tunnel, name) = slash < 0 ? (null, named) : (named[..slash], named[(slash + 1)..]);
        var found = await peers.Where(p => p.Id == id || p.Name == named || (p.Name == name && p.Tunnel!.Name == tunnel)).OrderBy(p => p.Id).Take(2).ToListAsync(cancellationToken);
        if (found.Count == 0) errors.Add("peer", $"There is no peer '{named}'.", Expected);
        if (found.Count > 1) errors.Add("peer", $"Several tunnels have a peer '{named}'.", $"Say which: {string.Join(" or ", found.Select(p => $"{p.Tunnel!.Name}/{p.Name}"))}.");
        return found.Count == 1 ? found[0] : null;
    }
}
