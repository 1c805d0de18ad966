using System.Security.Cryptography;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Routes;
using Gateway.Features.Tunnels;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>Peers: rules, keys and database.</summary>
internal sealed class PeerService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, PeerView view, RouteGuard guard, SecretVault vault, ICryptoPrimitives crypto)
{
    public async Task<Outcome<Page<PeerResponse>>> ListAsync(PeerFilter filter, string? sort, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.Read(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!(await PeerQueries.FilterAsync(db, filter, cancellationToken)).Succeeded(out var found, out failure)) return failure;
        if (!PeerQueries.Order(found, sort, page.After).Succeeded(out var ordered, out failure)) return failure;
        var rows = await PeerQueries.WithAll(ordered.AsNoTracking()).Take(page.Limit + 1).ToListAsync(cancellationToken);
        return Cursors.ToPage(rows, page.Limit, view.Show(), p => PeerQueries.Key(p, sort));
    }

    /// <summary>How many peers a filter is about.</summary>
    public async Task<Outcome<int>> CountAsync(PeerFilter filter, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return (await PeerQueries.FilterAsync(db, filter, cancellationToken)).Succeeded(out var found, out var failure) ? await found.CountAsync(cancellationToken) : failure;
    }

    /// <summary>All tags in use, in the order of the alphabet.</summary>
    public async Task<Outcome<IReadOnlyList<string>>> ListTagsAsync(CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.PeerTags.Select(t => t.Tag).Distinct().Order().ToListAsync(cancellationToken);
    }

    public async Task<Outcome<PeerResponse>> GetAsync(Guid id, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await PeerQueries.WithAll(db.Peers.AsNoTracking()).SingleOrDefaultAsync(p => p.Id == id, cancellationToken) is { } row ? view.Show()(row) : NotFound(id);
    }

    public async Task<Outcome<PeerResponse>> CreateAsync(string tunnelName, PeerSettings settings, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<Peer>(Permission.ChangePeers, async change =>
            await TunnelService.FindAsync(change.Db.Tunnels, tunnelName, cancellationToken) is { } tunnel
                ? await AddAsync(change, tunnel, settings, null, cancellationToken) : Failure.NotFound("tunnel", tunnelName), cancellationToken);
        return saved.Succeeded(out var peer, out var failure) ? view.Show()(peer) : failure;
    }

    /// <summary>Adds a peer within a change, with its private key where that is known.</summary>
    public async Task<Outcome<Peer>> AddAsync(Change change, Tunnel tunnel, PeerSettings settings, PrivateKey? privateKey, CancellationToken cancellationToken)
    {
        var errors = new RuleErrors();
        settings = settings with { KeepaliveSeconds = settings.KeepaliveSeconds ?? tunnel.KeepaliveSeconds };
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
        if (privateKey is not null) row.ProtectedPrivateKey = vault.Protect(privateKey);
        else if (tunnel.Transport == Transports.WireGuard && settings.PublicKey is null) settings = MakeKeys(row, settings);
        if (await ConflictAsync(change.Db, row, settings, cancellationToken) is { } conflict) return conflict;
        Write(row, settings, change);
        change.Db.Peers.Add(row);
        change.Record("peer.create", row.Name, null, Read(row));
        return row;
    }

    public async Task<Outcome<PeerResponse>> UpdateAsync(Guid id, JsonBody<PeerSettings> body, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<Peer>(Permission.ChangePeers, async change =>
        {
            var row = await PeerQueries.WithAll(change.Db.Peers).SingleOrDefaultAsync(p => p.Id == id, cancellationToken);
            if (row is null) return NotFound(id);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            var current = Read(row);
            if (!body.MergeInto(current).Succeeded(out var settings, out var malformed)) return malformed;
            var errors = new RuleErrors();
            PeerRules.Check(settings, row.Tunnel!, errors);
            if (settings.PublicKey is null && row.PublicKey is not null)
                errors.Add("publicKey", "It cannot be taken away.", "Give another key, or delete the peer.");
            if (errors.Any) return errors.ToFailure();
            settings = settings with { Addresses = settings.Addresses ?? [] };
            if (await ConflictAsync(change.Db, row, settings, cancellationToken) is { } conflict) return conflict;
            if (settings.PublicKey != row.PublicKey)
            {
                // A key that somebody gave is one whose private half is not known here; and it takes over at once.
                row.ProtectedPrivateKey = null;
                row.ForgetPreviousKey();
            }

            Write(row, settings, change);
            change.Record("peer.update", row.Name, current, Read(row));
            return row;
        }, cancellationToken);
        return saved.Succeeded(out var peer, out var failure) ? view.Show()(peer) : failure;
    }

    public async Task<Outcome<bool>> DeleteAsync(Guid id, string? ifMatch, CancellationToken cancellationToken) =>
        await changes.SaveAsync<bool>(Permission.ChangePeers, async change =>
        {
            if (await PeerQueries.WithAll(change.Db.Peers).SingleOrDefaultAsync(p => p.Id == id, cancellationToken) is not { } row) return NotFound(id);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            change.Db.Peers.Remove(row);
            change.Record("peer.delete", row.Name, Read(row), null);
            change.Touch(row.TunnelId, row.Id);
            return true;
        }, cancellationToken);

    public static Failure NotFound(Guid id) => Failure.NotFound("peer", id.ToString());

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

    private async Task<Failure?> ConflictAsync(GatewayDbContext db, Peer row, PeerSettings settings, CancellationToken cancellationToken)
    {
        var errors = new List<FieldError>();
        if (await db.Peers.AnyAsync(p => p.TunnelId == row.TunnelId && p.Name == settings.Name && p.Id != row.Id, cancellationToken))
            errors.Add(new FieldError("name", $"Tunnel '{row.Tunnel!.Name}' has a peer '{settings.Name}' already.", "Choose another name."));
        if (settings.PublicKey is not null && await Ownership.FindKeyAsync(db, row.TunnelId, row.Id, settings.PublicKey, cancellationToken) is { } other)
            errors.Add(new FieldError("publicKey", $"It is the key of peer '{other}' already.", "Each peer of a tunnel has its own key."));
        var prefixes = settings.Addresses!.Select(PeerRules.Canonical).ToList();
        for (var i = 0; i < prefixes.Count; i++)
        {
            var conflict = await Ownership.FindConflictAsync(db, row.TunnelId, Guid.Empty, $"addresses[{i}]", prefixes[i], settings.Name!, cancellationToken, row.Id);
            if (conflict is not null) errors.Add(conflict);
        }

        if (errors.Count == 0) errors.AddRange(guard.CheckPeer(row, settings, prefixes));
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
        Enabled = row.Enabled,
        Tags = PeerView.Tags(row),
        Notes = row.Notes,
        DropKeyAfterDownload = row.DropKeyAfterDownload,
    };

    private void Write(Peer row, PeerSettings settings, Change change)
    {
        row.Name = settings.Name!;
        row.PublicKey = settings.PublicKey;
        row.Endpoint = settings.Endpoint;
        row.KeepaliveSeconds = settings.KeepaliveSeconds ?? 0;
        row.ExpiresAt = settings.ExpiresAt?.UtcTicks;
        row.Enabled = settings.Enabled ?? true;
        row.Notes = settings.Notes ?? "";
        row.DropKeyAfterDownload = settings.DropKeyAfterDownload ?? false;
        row.Revision = change.Revision;
        if (!PresharedKey.TryParse(settings.PresharedKey, out var presharedKey)) row.ProtectedPresharedKey = null;
        else if (row.ProtectedPresharedKey is null || !vault.UnprotectPresharedKey(row.ProtectedPresharedKey).Equals(presharedKey)) row.ProtectedPresharedKey = vault.Protect(presharedKey);
        var tags = PeerRules.Tags(settings.Tags ?? []);
        row.Tags.RemoveAll(t => !tags.Remove(t.Tag));
        foreach (var tag in tags)
        {
            var added = new PeerTag { PeerId = row.Id, Tag = tag };
            row.Tags.Add(added);
            change.Db.Add(added);
        }

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
