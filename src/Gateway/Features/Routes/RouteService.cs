using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Peers;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Routes;

/// <summary>Routes: what a peer may reach, and what lies behind it.</summary>
internal sealed class RouteService(IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, RouteGuard guard)
{
    public async Task<Outcome<Page<RouteResponse>>> ListAsync(Guid? peerId, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.ReadById(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (peerId is { } id && !await db.Peers.AnyAsync(p => p.Id == id, cancellationToken)) return PeerService.NotFound(id);
        var rows = await db.Prefixes.AsNoTracking().Include(r => r.Peer!.Tunnel)
            .Where(r => r.Kind != PrefixKind.Address && r.Id > page.After && (peerId == null || r.PeerId == peerId))
            .OrderBy(r => r.Id).Take(page.Limit + 1).ToListAsync(cancellationToken);
        return Cursors.ToPage(rows, page.Limit, Show, r => r.Id.ToString());
    }

    public async Task<Outcome<RouteResponse>> GetAsync(Guid id, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await FindAsync(db.Prefixes.AsNoTracking(), id, cancellationToken) is { } row ? Show(row) : NotFound(id);
    }

    public async Task<Outcome<RouteResponse>> CreateAsync(Guid peerId, RouteSettings wanted, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<PeerPrefix>(Permission.ChangePeers, async change =>
        {
            var peer = await change.Db.Peers.Include(p => p.Tunnel).SingleOrDefaultAsync(p => p.Id == peerId, cancellationToken);
            return peer is null ? PeerService.NotFound(peerId) : await AddAsync(change, peer, wanted, cancellationToken);
        }, cancellationToken);
        return saved.Succeeded(out var route, out var failure) ? Show(route) : failure;
    }

    /// <summary>Adds a route within a change.</summary>
    public async Task<Outcome<PeerPrefix>> AddAsync(Change change, Peer peer, RouteSettings wanted, CancellationToken cancellationToken)
    {
        var row = new PeerPrefix { Id = change.NewId(), TunnelId = peer.TunnelId, PeerId = peer.Id, Peer = peer, CreatedAt = change.Now.UtcTicks };
        if (await WriteAsync(change, row, wanted, cancellationToken) is { } failure) return failure;
        change.Db.Prefixes.Add(row);
        change.Record("route.create", peer.Name, null, Read(row));
        return row;
    }

    public async Task<Outcome<RouteResponse>> UpdateAsync(Guid id, JsonBody<RouteSettings> body, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<PeerPrefix>(Permission.ChangePeers, async change =>
        {
            if (await FindAsync(change.Db.Prefixes, id, cancellationToken) is not { } row) return NotFound(id);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            var before = Read(row);
            if (!body.MergeInto(before).Succeeded(out var wanted, out var malformed)) return malformed;
            // What a gateway route said of the kernel is nothing that a client route could say.
            if (wanted.InstallOn != before.InstallOn && wanted.KernelRoute == before.KernelRoute) wanted = wanted with { KernelRoute = null };
            if (await WriteAsync(change, row, wanted, cancellationToken) is { } failure) return failure;
            change.Record("route.update", row.Peer!.Name, before, Read(row));
            return row;
        }, cancellationToken);
        return saved.Succeeded(out var route, out var failure) ? Show(route) : failure;
    }

    public async Task<Outcome<bool>> DeleteAsync(Guid id, string? ifMatch, CancellationToken cancellationToken) =>
        await changes.SaveAsync<bool>(Permission.ChangePeers, async change =>
        {
            if (await FindAsync(change.Db.Prefixes, id, cancellationToken) is not { } row) return NotFound(id);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            change.Db.Prefixes.Remove(row);
            change.Record("route.delete", row.Peer!.Name, Read(row), null);
            change.Touch(row.TunnelId, row.PeerId);
            return true;
        }, cancellationToken);

    private static Failure NotFound(Guid id) => Failure.NotFound("route", id.ToString());

    private static Task<PeerPrefix?> FindAsync(IQueryable<PeerPrefix> prefixes, Guid id, CancellationToken cancellationToken) =>
        prefixes.Include(r => r.Peer!.Tunnel).SingleOrDefaultAsync(r => r.Id == id && r.Kind != PrefixKind.Address, cancellationToken);

    /// <summary>Rules, conflicts, and the row.</summary>
    private async Task<Failure?> WriteAsync(Change change, PeerPrefix row, RouteSettings wanted, CancellationToken cancellationToken)
    {
        var settings = wanted with { InstallOn = wanted.InstallOn ?? InstallOn.Client };
        var errors = new RuleErrors();
        var prefix = Check(settings, errors);
        if (errors.Any) return errors.ToFailure();
        var kind = settings.InstallOn == InstallOn.Gateway ? PrefixKind.Gateway : PrefixKind.Client;
        var kernelRoute = kind == PrefixKind.Gateway && (settings.KernelRoute ?? true);
        if (await ConflictAsync(change.Db, row, prefix, kind, kernelRoute, settings.Confirm ?? false, cancellationToken) is { } conflict)
            return Failure.Of(FailureKind.Conflict, [conflict]);
        row.Prefix = prefix.ToString();
        row.Kind = kind;
        row.KernelRoute = kernelRoute;
        row.Revision = change.Revision;
        change.Touch(row.TunnelId, row.PeerId);
        return null;
    }

    private static IPNetwork Check(RouteSettings settings, RuleErrors errors)
    {
        if (settings.InstallOn is not (InstallOn.Client or InstallOn.Gateway))
            errors.Add("installOn", $"'{settings.InstallOn}' is not known.", "It is client (the peer may reach the prefix) or gateway (the prefix lies behind the peer).");
        if (settings.InstallOn == InstallOn.Client && settings.KernelRoute is true)
            errors.Add("kernelRoute", "A client route makes no kernel route here.", "Leave it out, or choose installOn gateway.");
        const string Expected = "Write it like 192.168.60.0/24 or fd60::/64.";
        if (settings.Prefix is null) errors.Add("prefix", "It is missing.", Expected);
        else if (!Addresses.TryReadPrefix(settings.Prefix, out var prefix, out var problem)) errors.Add("prefix", problem, Expected);
        else if (prefix.PrefixLength == 0 && settings.InstallOn == InstallOn.Gateway && settings.KernelRoute is not false)
            errors.Add("prefix", $"'{prefix}' would send all traffic of the gateway's host into the tunnel.", "Give a smaller prefix, or set kernelRoute to false.");
        else return prefix;
        return default;
    }

    private async Task<FieldError?> ConflictAsync(
        GatewayDbContext db, PeerPrefix row, IPNetwork prefix, PrefixKind kind, bool kernelRoute, bool confirmed, CancellationToken cancellationToken)
    {
        var (peer, text) = (row.Peer!, prefix.ToString());
        if (await db.Prefixes.AnyAsync(p => p.PeerId == peer.Id && p.Prefix == text && p.Kind == kind && p.Id != row.Id, cancellationToken))
            return new FieldError("prefix", $"Peer '{peer.Name}' has this route to '{prefix}' already.", "There is nothing to add.");
        if (kind == PrefixKind.Client)
        {
            return prefix.PrefixLength > 0 || confirmed || peer.Tunnel!.Nat.Any(n => n.Prefix == text && n.To != NatTargets.None) ? null : new FieldError("prefix",
                $"'{prefix}' sends all traffic of peer '{peer.Name}' here, and tunnel '{peer.Tunnel!.Name}' has no NAT for it: answers come back only where the networks behind know the way to the tunnel.",
                $"Give the tunnel the NAT rule {{\"prefix\":\"{prefix}\"}}, or repeat the request with \"confirm\": true.");
        }

        return await Ownership.FindConflictAsync(db, peer.TunnelId, row.Id, "prefix", text, peer.Name, cancellationToken)
            ?? (kernelRoute ? guard.Check(peer, peer.Name, peer.Endpoint, prefix, "prefix") : null);
    }

    private static RouteSettings Read(PeerPrefix row) => new()
    {
        Prefix = row.Prefix,
        InstallOn = row.Kind == PrefixKind.Gateway ? InstallOn.Gateway : InstallOn.Client,
        KernelRoute = row.Kind == PrefixKind.Gateway ? row.KernelRoute : null,
    };

    private static RouteResponse Show(PeerPrefix row) => new()
    {
        Id = row.Id,
        Tunnel = row.Peer!.Tunnel!.Name,
        Peer = row.Peer.Name,
        PeerId = row.PeerId,
        Prefix = row.Prefix,
        InstallOn = row.Kind == PrefixKind.Gateway ? InstallOn.Gateway : InstallOn.Client,
        KernelRoute = row.KernelRoute,
        CreatedAt = new DateTimeOffset(row.CreatedAt, TimeSpan.Zero),
        Revision = row.Revision,
    };
}
