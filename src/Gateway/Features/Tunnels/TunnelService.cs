using System.Security.Cryptography;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Tunnels;

/// <summary>Tunnels: rules, database, and how they run.</summary>
internal sealed class TunnelService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, Changes changes, DataPlane dataPlane, TableKeeper tables, PathMtu mtu, IKernelSettings kernel, SecretVault vault,
    ICryptoPrimitives crypto)
{
    public async Task<Outcome<Page<TunnelResponse>>> ListAsync(int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.ReadById(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Tunnels.AsNoTracking().Where(t => t.Id > page.After)
            .OrderBy(t => t.Id).Take(page.Limit + 1).ToListAsync(cancellationToken);
        return Cursors.ToPage(rows, page.Limit, Show(), t => t.Id.ToString());
    }

    /// <summary>All of them, for the status.</summary>
    public async Task<IReadOnlyList<TunnelResponse>> ListAllAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Tunnels.AsNoTracking().OrderBy(t => t.Name).ToListAsync(cancellationToken);
        return [.. rows.Select(Show())];
    }

    public async Task<Outcome<TunnelResponse>> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await FindAsync(db.Tunnels.AsNoTracking(), name, cancellationToken) is { } row ? Show()(row) : Failure.NotFound("tunnel", name);
    }

    public async Task<Outcome<TunnelResponse>> CreateAsync(TunnelSettings wanted, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<Tunnel>(Permission.Administer, change => AddAsync(change, wanted, null, cancellationToken), cancellationToken);
        return saved.Succeeded(out var tunnel, out var failure) ? Show()(tunnel) : failure;
    }

    /// <summary>Adds a tunnel within a change, with its key where it has one already.</summary>
    public async Task<Outcome<Tunnel>> AddAsync(Change change, TunnelSettings wanted, PrivateKey? privateKey, CancellationToken cancellationToken)
    {
        var settings = TunnelRules.WithDefaults(wanted);
        var errors = new RuleErrors();
        TunnelRules.Check(settings, errors);
        if (errors.Any) return errors.ToFailure();
        if (await ConflictAsync(change.Db, settings, null, cancellationToken) is { } conflict) return conflict;
        var row = new Tunnel
        {
            Id = change.NewId(),
            Name = settings.Name!,
            Transport = settings.Transport!,
            Layer = settings.Layer!,
            CreatedAt = change.Now.UtcTicks,
        };
        if (row.Transport == Transports.WireGuard)
        {
            var key = privateKey ?? NewPrivateKey();
            row.PublicKey = key.GetPublicKey(crypto).ToString();
            row.ProtectedPrivateKey = vault.Protect(key);
        }

        Write(row, settings, change);
        change.Db.Tunnels.Add(row);
        change.Record("tunnel.create", row.Name, null, Read(row));
        return row;
    }

    public async Task<Outcome<TunnelResponse>> UpdateAsync(string name, JsonBody<TunnelSettings> body, string? ifMatch, CancellationToken cancellationToken)
    {
        var saved = await changes.SaveAsync<Tunnel>(Permission.Administer, async change =>
        {
            if (await FindAsync(change.Db.Tunnels, name, cancellationToken) is not { } row) return Failure.NotFound("tunnel", name);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            var before = Read(row);
            if (!body.MergeInto(before).Succeeded(out var merged, out var malformed)) return malformed;
            var settings = TunnelRules.WithDefaults(merged);
            var errors = new RuleErrors();
            if (settings.Name != row.Name) errors.Add("name", "It cannot be changed.", $"It stays '{row.Name}'; delete the tunnel and make another.");
            if (settings.Transport != row.Transport) errors.Add("transport", "It cannot be changed.", $"It stays {row.Transport}; delete the tunnel and make another.");
            if (settings.Layer != row.Layer) errors.Add("layer", "It cannot be changed.", $"It stays {row.Layer}; delete the tunnel and make another.");
            if (!errors.Any) TunnelRules.Check(settings, errors);
            if (errors.Any) return errors.ToFailure();
            if (await ConflictAsync(change.Db, settings, row.Id, cancellationToken) is { } conflict) return conflict;
            Write(row, settings, change);
            change.Record("tunnel.update", row.Name, before, Read(row));
            return row;
        }, cancellationToken);
        return saved.Succeeded(out var tunnel, out var failure) ? Show()(tunnel) : failure;
    }

    public async Task<Outcome<bool>> DeleteAsync(string name, string? ifMatch, CancellationToken cancellationToken) =>
        await changes.SaveAsync<bool>(Permission.Administer, async change =>
        {
            if (await FindAsync(change.Db.Tunnels, name, cancellationToken) is not { } row) return Failure.NotFound("tunnel", name);
            if (!ETags.Allows(ifMatch, row.Revision)) return Failure.Changed(row.Revision);
            change.Db.Tunnels.Remove(row);
            change.Record("tunnel.delete", row.Name, Read(row), null);
            change.Touch(row.Id);
            return true;
        }, cancellationToken);

    /// <summary>By its configured name.</summary>
    public static Task<Tunnel?> FindAsync(IQueryable<Tunnel> tunnels, string name, CancellationToken cancellationToken) =>
        tunnels.SingleOrDefaultAsync(t => t.Name == name, cancellationToken);

    private static PrivateKey NewPrivateKey()
    {
        using var random = RandomNumberGenerator.Create();
        return PrivateKey.Generate(random);
    }

    private async Task<Failure?> ConflictAsync(GatewayDbContext db, TunnelSettings settings, Guid? self, CancellationToken cancellationToken)
    {
        var errors = new List<FieldError>();
        if (self is null && await db.Tunnels.AnyAsync(t => t.Name == settings.Name, cancellationToken))
            errors.Add(new FieldError("name", $"There is a tunnel '{settings.Name}' already.", "Choose another name."));
        else if (self is null && kernel.FindDeviceOwner(settings.Name!) is { } owner)
            errors.Add(new FieldError("name", $"This host has {owner} named '{settings.Name}' already.", $"Choose another name, or remove that device: 'ip -d link show {settings.Name}' tells what it is."));
        if (settings.ListenPort != 0
            && await db.Tunnels.Where(t => t.ListenPort == settings.ListenPort && t.Id != self).Select(t => t.Name).FirstOrDefaultAsync(cancellationToken) is { } other)
            errors.Add(new FieldError("listenPort", $"Tunnel '{other}' listens on {settings.ListenPort} already.", "Choose another port, or 0 to let the kernel pick one."));
        var own = settings.Addresses!.Select(AddressOf).ToHashSet();
        var others = await db.Tunnels.AsNoTracking().Where(t => t.Id != self).ToListAsync(cancellationToken);
        foreach (var taken in others.SelectMany(t => t.Addresses.Where(a => own.Contains(AddressOf(a))).Select(a => (t.Name, Address: a))))
            errors.Add(new FieldError("addresses", $"Tunnel '{taken.Name}' has the address {taken.Address} already.", "Choose another address: answers to a shared one would go into either device."));
        return errors.Count > 0 ? Failure.Of(FailureKind.Conflict, errors) : null;
    }

    /// <summary>Without the prefix length, in one spelling.</summary>
    private static string AddressOf(string text) => Addresses.TryReadInterface(text, out var address, out _) ? address.Address.ToString() : text;

    private static TunnelSettings Read(Tunnel row) => new()
    {
        Name = row.Name,
        Transport = row.Transport,
        Layer = row.Layer,
        ListenPort = row.ListenPort,
        Addresses = row.Addresses,
        Mtu = row.Mtu == 0 ? null : row.Mtu,
        Endpoint = row.Endpoint,
        Nat = NatRules.Read(row),
        ClampMss = row.ClampMss,
        DnsServers = row.DnsServers,
        SearchDomains = row.SearchDomains,
        KeepaliveSeconds = row.KeepaliveSeconds,
        FirewallMark = row.FirewallMark,
    };

    private static void Write(Tunnel row, TunnelSettings settings, Change change)
    {
        row.ListenPort = settings.ListenPort!.Value;
        row.Addresses = [.. settings.Addresses!.Select(a => Addresses.TryReadInterface(a, out var address, out _) ? address.ToString() : a)];
        row.Mtu = settings.Mtu ?? 0;
        row.Endpoint = settings.Endpoint;
        row.Nat = NatRules.ToRows(settings.Nat!);
        row.ClampMss = settings.ClampMss!.Value;
        row.DnsServers = [.. settings.DnsServers!];
        row.SearchDomains = [.. settings.SearchDomains!];
        row.KeepaliveSeconds = settings.KeepaliveSeconds!.Value;
        row.FirewallMark = settings.FirewallMark!.Value;
        row.Revision = change.Revision;
        change.Touch(row.Id);
    }

    private Func<Tunnel, TunnelResponse> Show()
    {
        var live = dataPlane.GetTunnels().ToDictionary(t => t.Id);
        return row => Show(row, live.GetValueOrDefault(row.Id));
    }

    private TunnelResponse Show(Tunnel row, TunnelStatus? live) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Device = live?.State == TunnelState.Up ? live.Name : null,
        Transport = row.Transport,
        Layer = row.Layer,
        ListenPort = row.ListenPort,
        BoundPort = live is { ListenPort: > 0 } ? live.ListenPort : null,
        Addresses = row.Addresses,
        Mtu = mtu.Of(row),
        MtuAutomatic = row.Mtu == 0,
        Endpoint = row.Endpoint,
        Nat = NatRules.Read(row),
        ClampMss = row.ClampMss,
        DnsServers = row.DnsServers,
        SearchDomains = row.SearchDomains,
        KeepaliveSeconds = row.KeepaliveSeconds,
        FirewallMark = row.FirewallMark,
        PublicKey = row.PublicKey,
        State = (live?.State ?? TunnelState.Opening).ToString().ToLowerInvariant(),
        Cause = live?.Cause,
        Remedy = live?.Remedy,
        NextAttempt = live?.NextAttempt,
        Problems = [.. (live?.LinkProblems ?? []).Select(p => new KernelProblem(p.What, p.Cause, p.Remedy)), .. tables.ProblemsOf(row)],
        Offloads = live is null ? [] : [.. live.Offloads],
        PeerCount = live?.PeerCount ?? 0,
        ReceivedBytes = live?.ReceivedBytes ?? 0,
        SentBytes = live?.SentBytes ?? 0,
        Drops = LiveStatus.Drops(live?.Drops),
        Warning = row.Transport == Transports.Plain ? LiveStatus.PlainWarning : null,
        CreatedAt = new DateTimeOffset(row.CreatedAt, TimeSpan.Zero),
        Revision = row.Revision,
    };
}
