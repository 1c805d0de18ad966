using System.Globalization;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Tunnels;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>Looks for peers in the database: filters, orders, and where a page goes on.</summary>
internal static class PeerQueries
{
    private const int MaxSearchLength = 100;
    private const string Escape = "\\";
    private const char KeySeparator = '\n';

    /// <summary>The peers that a filter is about.</summary>
    public static async Task<Outcome<IQueryable<Peer>>> FilterAsync(GatewayDbContext db, PeerFilter filter, CancellationToken cancellationToken)
    {
        if (filter.Search?.Length > MaxSearchLength)
            return Failure.Of(FailureKind.Malformed, "search", "It is too long.", $"Give up to {MaxSearchLength} characters.");
        IQueryable<Peer> peers = db.Peers;
        if (filter.Tunnel is not null)
        {
            if (await TunnelService.FindAsync(db.Tunnels.AsNoTracking(), filter.Tunnel, cancellationToken) is not { } tunnel) return Failure.NotFound("tunnel", filter.Tunnel);
            peers = peers.Where(p => p.TunnelId == tunnel.Id);
        }

        if (filter.Enabled is { } enabled) peers = peers.Where(p => p.Enabled == enabled);
        // Sub-queries that do not depend on the peer: SQLite runs each once, on its own index.
        if (filter.Tag is { } tag) peers = peers.Where(p => db.PeerTags.Where(t => t.Tag == tag).Select(t => t.PeerId).Contains(p.Id));
        if (filter.Search?.Trim() is not { Length: > 0 } search) return Outcome.Of(peers);
        var begins = Quote(search) + "%";
        var holds = "%" + begins;
        var tagged = db.PeerTags.Where(t => EF.Functions.Like(t.Tag, holds, Escape)).Select(t => t.PeerId);
        var owners = db.Prefixes.Where(p => EF.Functions.Like(p.Prefix, begins, Escape)).Select(p => p.PeerId);
        // Base64 knows upper and lower case, LIKE does not; GLOB does, and its special characters are none of base64's.
        var key = search.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/' or '=') ? search + "*" : "";
        return Outcome.Of(peers.Where(p =>
            EF.Functions.Like(p.Name, holds, Escape) || tagged.Contains(p.Id) || owners.Contains(p.Id) || EF.Functions.Glob(p.PublicKey!, key)));
    }

    /// <summary>Puts peers in order and leaves out those up to the cursor's.</summary>
    public static Outcome<IQueryable<Peer>> Order(IQueryable<Peer> peers, string? sort, string? after)
    {
        var order = sort ?? PeerOrders.Created;
        var down = order.StartsWith('-');
        if (down) order = order[1..];
        if (!PeerOrders.All.Contains(order))
            return Failure.Of(FailureKind.Malformed, "sort", $"'{sort}' is no order.", $"It is {string.Join(", ", PeerOrders.All)}, each with a '-' in front for the other way round.");
        var (value, id) = ("", down ? Guid.AllBitsSet : Guid.Empty);
        var cut = after?.LastIndexOf(KeySeparator) ?? -1;
        if (after is not null && (cut < 0 || !Guid.TryParse(after.AsSpan(cut + 1), out id)))
            return Failure.Of(FailureKind.Malformed, "cursor", "It is not one that this list gave.", "Send nextCursor of the page before, with the same order.");
        if (cut > 0) value = after![..cut];
        switch (order)
        {
            case PeerOrders.Name:
                if (after is not null)
                {
                    peers = down
                        ? peers.Where(p => EF.Functions.Collate(p.Name, "NOCASE").CompareTo(value) < 0 || (EF.Functions.Collate(p.Name, "NOCASE") == value && p.Id < id))
                        : peers.Where(p => EF.Functions.Collate(p.Name, "NOCASE").CompareTo(value) > 0 || (EF.Functions.Collate(p.Name, "NOCASE") == value && p.Id > id));
                }

                return Outcome.Of<IQueryable<Peer>>(down ? peers.OrderByDescending(p => EF.Functions.Collate(p.Name, "NOCASE")).ThenByDescending(p => p.Id)
                    : peers.OrderBy(p => EF.Functions.Collate(p.Name, "NOCASE")).ThenBy(p => p.Id));
            case PeerOrders.Expires:
                var time = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) ? ticks : long.MaxValue;
                if (after is not null)
                {
                    peers = down
                        ? peers.Where(p => (p.ExpiresAt ?? long.MaxValue) < time || ((p.ExpiresAt ?? long.MaxValue) == time && p.Id < id))
                        : peers.Where(p => (p.ExpiresAt ?? long.MaxValue) > time || ((p.ExpiresAt ?? long.MaxValue) == time && p.Id > id));
                }

                return Outcome.Of<IQueryable<Peer>>(down ? peers.OrderByDescending(p => p.ExpiresAt ?? long.MaxValue).ThenByDescending(p => p.Id)
                    : peers.OrderBy(p => p.ExpiresAt ?? long.MaxValue).ThenBy(p => p.Id));
            default:
                if (after is not null) peers = down ? peers.Where(p => p.Id < id) : peers.Where(p => p.Id > id);
                return Outcome.Of<IQueryable<Peer>>(down ? peers.OrderByDescending(p => p.Id) : peers.OrderBy(p => p.Id));
        }
    }

    /// <summary>What a cursor holds of the last peer of a page: its place in the order, and its id.</summary>
    public static string Key(Peer peer, string? sort) => sort?.TrimStart('-') switch
    {
        PeerOrders.Name => peer.Name,
        PeerOrders.Expires => (peer.ExpiresAt ?? long.MaxValue).ToString(CultureInfo.InvariantCulture),
        _ => "",
    } + KeySeparator + peer.Id;

    /// <summary>Peers with all that a view of them needs.</summary>
    public static IQueryable<Peer> WithAll(IQueryable<Peer> peers) => peers.Include(p => p.Tunnel).Include(p => p.Prefixes).Include(p => p.Tags).AsSplitQuery();

    private static string Quote(string text) => text.Replace(Escape, Escape + Escape, StringComparison.Ordinal)
        .Replace("%", Escape + "%", StringComparison.Ordinal).Replace("_", Escape + "_", StringComparison.Ordinal);
}
