using System.Security.Cryptography;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Tunnels;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>Peers: rules, keys and database.</summary>
internal sealed class PeerService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, PeerView view, SecretVault vault, ICryptoPrimitives crypto)
{
    public async Task<Outcome<Page<PeerResponse>>> ListAsync(string? tunnel, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.ReadById(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        Guid? tunnelId = null;
        if (tunnel is not null)
        {
            if (await TunnelService.FindAsync(db.Tunnels.AsNoTracking(), tunnel, cancellationToken) is not { } row) return Failure.NotFound("tunnel", tunnel);
            tunnelId = row.Id;
        }

        var rows = await WithAll(db.Peers).Where(p => p.Id > page.After && (tunnelId == null || p.TunnelId == tunnelId))
            .OrderBy(p => p.Id).Take(page.Limit + 1).ToListAsync(cancellationToken);
        return Cursors.ToPage(rows, page.Limit, view.Show(), p => p.Id.ToString());
    }

    public async Task<Outcome<PeerResponse>> GetAsync(Guid id, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await WithAll(db.Peers).SingleOrDefaultAsync(p => p.Id == id, cancellationToken) is { } row ? view.Show()(row) : NotFound(id);
    }

    public async Task<Outcome<PeerResponse>> CreateAsync(string tunnelName, PeerSettings settings, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<Peer>(Permission.ChangePeers, async change =>
        {
            if (await TunnelService.FindAsync(change.Db.Tunnels, tunnelName, cancellationToken) is not { } tunnel) return Failure.NotFound("tunnel", tunnelName);
            var errors = new RuleErrors();
            PeerRules.Check(settings, tunnel, errors);
            PeerRules.CheckExpiry(settings.ExpiresAt, change.Now, errors);
            if (errors.Any) return errors.ToFailure();
            if (settings.Addresses is null)
            {
                var (free, full) = await FreeAddresses.ChooseAsync(change.Db, tunnel, cancellationToken);
                if (free is null) return Failure.Of(FailureKind.Conflict, "addresses", $"No address of {full} is free.", "Give the tunnel a larger prefix, or delete a peer.");
                settings = settings with { Addresses = free };
            }

            var row = new Peer { Id = change.NewId(), TunnelId = tunnel.Id, Tunnel = tunnel, CreatedAt = change.Now.UtcTicks };
            if (tunnel.Transport == Transports.WireGuard && settings.PublicKey is null) settings = MakeKeys(row, settings);
            if (await ConflictAsync(change.Db, row, settings, cancellationToken) is { } conflict) return conflict;
            Write(row, settings, change);
            change.Db.Peers.Add(row);
            change.Record("peer.create", row.Name, null, Read(row));
            return row;
        }, cancellationToken);
        return saved.Succeeded(out var peer, out var failure) ? view.Show()(peer) : failure;
    }

    public async Task<Outcome<PeerResponse>> UpdateAsync(Guid id, JsonBody<PeerSettings> body, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<Peer>(Permission.ChangePeers, async change =>
        {
            var row = await change.Db.Peers.Include(p => p.Tunnel).Include(p => p.Prefixes).SingleOrDefaultAsync(p => p.Id == id, cancellationToken);
            if (row is null) return NotFound(id);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            var current = Read(row);
            if (!body.MergeInto(current).Succeeded(out var settings, out var malformed)) return malformed;
            var errors = new RuleErrors();
            PeerRules.Check(settings, row.Tunnel!, errors);
            if (settings.ExpiresAt != current.ExpiresAt) PeerRules.CheckExpiry(settings.ExpiresAt, change.Now, errors);
            if (settings.PublicKey is null && row.PublicKey is not null)
                errors.Add("publicKey", "It cannot be taken away.", "Give another key, or delete the peer.");
            if (errors.Any) return errors.ToFailure();
            settings = settings with { Addresses = settings.Addresses ?? [] };
            if (await ConflictAsync(change.Db, row, settings, cancellationToken) is { } conflict) return conflict;
            // A key that somebody gave is one whose private half is not known here.
            if (settings.PublicKey != row.PublicKey) row.ProtectedPrivateKey = null;
            Write(row, settings, change);
            change.Record("peer.update", row.Name, current, Read(row));
            return row;
        }, cancellationToken);
        return saved.Succeeded(out var peer, out var failure) ? view.Show()(peer) : failure;
    }

    public async Task<Outcome<bool>> DeleteAsync(Guid id, string? ifMatch, CancellationToken cancellationToken) =>
        await changes.SaveAsync<bool>(Permission.ChangePeers, async change =>
        {
            if (await change.Db.Peers.Include(p => p.Prefixes).SingleOrDefaultAsync(p => p.Id == id, cancellationToken) is not { } row) return NotFound(id);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            change.Db.Peers.Remove(row);
            change.Record("peer.delete", row.Name, Read(row), null);
            change.Touch(row.TunnelId, row.Id);
            return true;
        }, cancellationToken);

    public async Task<Outcome<(string FileName, string Text)>> GetConfigAsync(Guid id, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.ReadConfigs) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var row = await WithAll(db.Peers).SingleOrDefaultAsync(p => p.Id == id, cancellationToken);
        if (row is null) return NotFound(id);
        if (row.Tunnel!.Transport == Transports.Plain)
        {
            return Failure.Of(FailureKind.Conflict, "id", $"Tunnel '{row.Tunnel.Name}' is plain, which has no config file.",
                $"Connect with: {PeerConfigFile.PlainCommand(row)}");
        }

        return ($"{PeerConfigFile.FileName(row.Name)}.conf", PeerConfigFile.Write(row, vault));
    }

    public static Failure NotFound(Guid id) => Failure.NotFound("peer", id.ToString());

    private static IQueryable<Peer> WithAll(IQueryable<Peer> peers) => peers.AsNoTracking().Include(p => p.Tunnel).Include(p => p.Prefixes);

    private PeerSettings MakeKeys(Peer row, PeerSettings settings)
    {
        using var random = RandomNumberGenerator.Create();
        var key = PrivateKey.Generate(random);
        row.ProtectedPrivateKey = vault.Protect(key);
        return settings with
        {
            PublicKey = key.GetPublicKey(crypto).ToString(),
            PresharedKey = settings.PresharedKey ?? PresharedKey.Generate(random).ToBase64(),
        };
    }

    private static async Task<Failure?> ConflictAsync(GatewayDbContext db, Peer row, PeerSettings settings, CancellationToken cancellationToken)
    {
        var errors = new List<FieldError>();
        if (await db.Peers.AnyAsync(p => p.TunnelId == row.TunnelId && p.Name == settings.Name && p.Id != row.Id, cancellationToken))
            errors.Add(new FieldError("name", $"Tunnel '{row.Tunnel!.Name}' has a peer '{settings.Name}' already.", "Choose another name."));
        if (settings.PublicKey is not null
            && await db.Peers.Where(p => p.TunnelId == row.TunnelId && p.PublicKey == settings.PublicKey && p.Id != row.Id).Select(p => p.Name).FirstOrDefaultAsync(cancellationToken) is { } other)
            errors.Add(new FieldError("publicKey", $"It is the key of peer '{other}' already.", "Each peer of a tunnel has its own key."));
        for (var i = 0; i < settings.Addresses!.Count; i++)
        {
            var conflict = await Ownership.FindConflictAsync(
                db, row.TunnelId, row.Id, PrefixKind.Address, $"addresses[{i}]", PeerRules.Canonical(settings.Addresses[i]), settings.Name!, cancellationToken);
            if (conflict is not null) errors.Add(conflict);
        }

        return errors.Count > 0 ? Failure.Of(FailureKind.Conflict, errors) : null;
    }

    // The document that a patch merges into. It has the pre-shared key, so that a patch without that member keeps it; it leaves this class for the audit only, which hides it.
    private PeerSettings Read(Peer row) => new()
    {
        Name = row.Name,
        PublicKey = row.PublicKey,
        Addresses = PeerView.Addresses(row),
        Endpoint = row.Endpoint,
        PresharedKey = row.ProtectedPresharedKey is null ? null : vault.UnprotectPresharedKey(row.ProtectedPresharedKey).ToBase64(),
        KeepaliveSeconds = row.KeepaliveSeconds,
        ExpiresAt = row.ExpiresAt is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null,
    };

    private void Write(Peer row, PeerSettings settings, Change change)
    {
        row.Name = settings.Name!;
        row.PublicKey = settings.PublicKey;
        row.Endpoint = settings.Endpoint;
        row.KeepaliveSeconds = settings.KeepaliveSeconds ?? 0;
        row.ExpiresAt = settings.ExpiresAt?.UtcTicks;
        row.Revision = change.Revision;
        if (!PresharedKey.TryParse(settings.PresharedKey, out var presharedKey)) row.ProtectedPresharedKey = null;
        else if (row.ProtectedPresharedKey is null || !vault.UnprotectPresharedKey(row.ProtectedPresharedKey).Equals(presharedKey)) row.ProtectedPresharedKey = vault.Protect(presharedKey);
        var wanted = settings.Addresses!.Select(PeerRules.Canonical).ToHashSet();
        row.Prefixes.RemoveAll(p => p.Kind == PrefixKind.Address && !wanted.Remove(p.Prefix));
        foreach (var prefix in settings.Addresses!.Select(PeerRules.Canonical).Where(wanted.Contains))
        {
            var added = new PeerPrefix
            {
                Id = change.NewId(),
                TunnelId = row.TunnelId,
                Prefix = prefix,
                Kind = PrefixKind.Address,
                CreatedAt = change.Now.UtcTicks,
                Revision = change.Revision,
            };
            row.Prefixes.Add(added);
            change.Db.Add(added);
        }

        change.Touch(row.TunnelId, row.Id);
    }
}
