using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Audit;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Peers;

/// <summary>In which form a config is taken.</summary>
internal enum ConfigForm
{
    /// <summary>A wg-quick file.</summary>
    Text,
    /// <summary>The file as a QR code, SVG.</summary>
    Svg,
    /// <summary>The file as a QR code, PNG.</summary>
    Png,
}

/// <summary>A config as it was taken, secrets included.</summary>
/// <param name="FileName">With its ending.</param>
/// <param name="MediaType">Of the content.</param>
/// <param name="Content">File or picture.</param>
/// <param name="Text">The file, whatever the form.</param>
internal sealed record ConfigFile(string FileName, string MediaType, byte[] Content, string Text);

/// <summary>
/// Configs on their way out: by whoever may read them, or by a one-time link. Each is put on record, remembered so that later changes show, and
/// takes the private key with it where the peer is set so.
/// </summary>
internal sealed class PeerConfigs(IDbContextFactory<GatewayDbContext> contexts, Caller caller, WriteGate gate, PeerConfigFile files, TimeProvider time)
{
    private const int DefaultLinkSeconds = 86_400;
    private const int MaxLinkSeconds = 30 * 86_400;
    private const int MinLinkSeconds = 60;
    private const int SecretBytes = 32;

    public async Task<Outcome<ConfigFile>> TakeAsync(Guid peerId, ConfigForm form, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.ReadConfigs) is { } denied) return denied;
        return await gate.EnterAsync<Outcome<ConfigFile>>(async (db, commit) =>
        {
            var row = await PeerQueries.WithAll(db.Peers).SingleOrDefaultAsync(p => p.Id == peerId, cancellationToken);
            if (row is null) return PeerService.NotFound(peerId);
            var taken = Take(db, row, form, caller.Identity, "peer.config");
            if (taken.Failure is not null) return taken;
            await db.SaveChangesAsync(cancellationToken);
            await commit();
            return taken;
        }, cancellationToken);
    }

    /// <summary>Makes a link; the second value is its secret, told this once.</summary>
    public async Task<Outcome<(ConfigLinkResponse Link, string Secret)>> CreateLinkAsync(Guid peerId, ConfigLinkSettings settings, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.ReadConfigs) is { } denied) return denied;
        var seconds = settings.ExpiresInSeconds ?? DefaultLinkSeconds;
        if (seconds is < MinLinkSeconds or > MaxLinkSeconds)
            return Failure.Of(FailureKind.Rule, "expiresInSeconds", $"{seconds} is out of range.", $"It is {MinLinkSeconds} to {MaxLinkSeconds}; left out, {DefaultLinkSeconds}, which is a day.");
        return await gate.EnterAsync<Outcome<(ConfigLinkResponse, string)>>(async (db, commit) =>
        {
            var peer = await db.Peers.Include(p => p.Tunnel).SingleOrDefaultAsync(p => p.Id == peerId, cancellationToken);
            if (peer is null) return PeerService.NotFound(peerId);
            if (WhyNone(peer) is { } none) return none;
            var now = time.GetUtcNow();
            var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
            var row = new ConfigLink
            {
                Id = Guid.CreateVersion7(now),
                PeerId = peer.Id,
                Hash = Hash(secret),
                CreatedBy = caller.Identity.Name,
                CreatedAt = now.UtcTicks,
                ExpiresAt = now.AddSeconds(seconds).UtcTicks,
            };
            await db.ConfigLinks.Where(l => l.ExpiresAt <= now.UtcTicks).ExecuteDeleteAsync(cancellationToken);
            db.ConfigLinks.Add(row);
            Note(db, caller.Identity, "link.create", peer.Name, new { ExpiresAt = now.AddSeconds(seconds) });
            await db.SaveChangesAsync(cancellationToken);
            await commit();
            return (Show(row), secret);
        }, cancellationToken);
    }

    /// <summary>A peer's links that can still be used.</summary>
    public async Task<Outcome<IReadOnlyList<ConfigLinkResponse>>> ListLinksAsync(Guid peerId, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.ReadConfigs) is { } denied) return denied;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await db.Peers.AnyAsync(p => p.Id == peerId, cancellationToken)) return PeerService.NotFound(peerId);
        var now = time.GetUtcNow().UtcTicks;
        var rows = await db.ConfigLinks.AsNoTracking().Where(l => l.PeerId == peerId && l.ExpiresAt > now).OrderBy(l => l.Id).ToListAsync(cancellationToken);
        return rows.ConvertAll(Show);
    }

    /// <summary>Makes a link useless.</summary>
    public async Task<Outcome<bool>> DeleteLinkAsync(Guid peerId, Guid linkId, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.ReadConfigs) is { } denied) return denied;
        return await gate.EnterAsync<Outcome<bool>>(async (db, commit) =>
        {
            var row = await db.ConfigLinks.Include(l => l.Peer).SingleOrDefaultAsync(l => l.Id == linkId && l.PeerId == peerId, cancellationToken);
            if (row is null) return Failure.NotFound("link", linkId.ToString());
            db.ConfigLinks.Remove(row);
            Note(db, caller.Identity, "link.delete", row.Peer!.Name, null);
            await db.SaveChangesAsync(cancellationToken);
            await commit();
            return true;
        }, cancellationToken);
    }

    /// <summary>Whom a link is for, and until when; null where it is used, expired, or never was. Looking does not use it up.</summary>
    public async Task<(string Peer, DateTimeOffset ExpiresAt)?> LookAtLinkAsync(string secret, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await FindAsync(db, secret, cancellationToken) is { } link ? (link.Peer!.Name, new DateTimeOffset(link.ExpiresAt, TimeSpan.Zero)) : null;
    }

    /// <summary>Takes the config that a link gives, and uses the link up.</summary>
    public async Task<Outcome<ConfigFile>> TakeByLinkAsync(string secret, ConfigForm form, CancellationToken cancellationToken) =>
        await gate.EnterAsync<Outcome<ConfigFile>>(async (db, commit) =>
        {
            if (await FindAsync(db, secret, cancellationToken) is not { } link)
                return new Failure(FailureKind.NotFound, "This link was used, has expired, or never was one. Ask for another.", []);
            var row = await PeerQueries.WithAll(db.Peers).SingleAsync(p => p.Id == link.PeerId, cancellationToken);
            var taken = Take(db, row, form, CallerIdentity.Nobody with { Name = $"one-time link of {link.CreatedBy}", From = caller.Identity.From }, "link.use");
            if (taken.Failure is not null) return taken;
            db.ConfigLinks.Remove(link);
            await db.SaveChangesAsync(cancellationToken);
            await commit();
            return taken;
        }, cancellationToken);

    private Task<ConfigLink?> FindAsync(GatewayDbContext db, string secret, CancellationToken cancellationToken)
    {
        var (hash, now) = (Hash(secret), time.GetUtcNow().UtcTicks);
        return db.ConfigLinks.Include(l => l.Peer).SingleOrDefaultAsync(l => l.Hash == hash && l.ExpiresAt > now, cancellationToken);
    }

    private Outcome<ConfigFile> Take(GatewayDbContext db, Peer row, ConfigForm form, CallerIdentity who, string action)
    {
        if (WhyNone(row) is { } none) return none;
        var text = files.Write(row);
        var name = PeerConfigFile.FileName(row.Name);
        if (form != ConfigForm.Text && row.ProtectedPrivateKey is null)
            return Failure.Of(FailureKind.Conflict, "Accept", $"The private key of peer '{row.Name}' is not known here, and a QR code without it is of no use.", "Take the file and put the key in, or rotate the keys.");
        var file = form switch
        {
            ConfigForm.Svg => QrPictures.Svg(text) is { } svg ? new ConfigFile($"{name}.svg", "image/svg+xml", svg, text) : null,
            ConfigForm.Png => QrPictures.Png(text) is { } png ? new ConfigFile($"{name}.png", "image/png", png, text) : null,
            _ => new ConfigFile($"{name}.conf", "text/plain", Encoding.UTF8.GetBytes(text), text),
        };
        if (file is null)
            return Failure.Of(FailureKind.Conflict, "Accept", $"The config of peer '{row.Name}' has {Encoding.UTF8.GetByteCount(text)} bytes, more than a QR code can hold.", "Take the file.");
        row.DownloadedConfig = files.Fingerprint(row);
        row.DownloadedAt = time.GetUtcNow().UtcTicks;
        var drops = row.DropKeyAfterDownload && row.ProtectedPrivateKey is not null;
        if (drops) row.ProtectedPrivateKey = null;
        Note(db, who, action, row.Name, new { Form = form.ToString().ToLowerInvariant(), PrivateKeyDropped = drops });
        return file;
    }

    private static Failure? WhyNone(Peer row) => row.Tunnel!.Transport != Transports.Plain ? null
        : Failure.Of(FailureKind.Conflict, "id", $"Tunnel '{row.Tunnel.Name}' is plain, which has no config file.", $"Connect with: {PeerConfigFile.PlainCommand(row)}");

    private void Note(GatewayDbContext db, CallerIdentity who, string action, string subject, object? details) =>
        db.Audit.Add(AuditDocuments.ToEntry(AuditDocuments.Compare(action, subject, null, details), who, time.GetUtcNow(), revision: null));

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private static ConfigLinkResponse Show(ConfigLink row) => new()
    {
        Id = row.Id,
        PeerId = row.PeerId,
        ExpiresAt = new DateTimeOffset(row.ExpiresAt, TimeSpan.Zero),
        CreatedAt = new DateTimeOffset(row.CreatedAt, TimeSpan.Zero),
        CreatedBy = row.CreatedBy,
    };
}
