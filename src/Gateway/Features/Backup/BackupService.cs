using System.Globalization;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Audit;
using Gateway.Features.Status;
using Gateway.Hosting;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Backup;

/// <summary>Everything into one encrypted file, and back, while the gateway runs.</summary>
internal sealed class BackupService(
    IDbContextFactory<GatewayDbContext> contexts, Caller caller, AuditTrail audit, WriteGate gate, Reconciler reconciler, KernelKeeper kernel, DataDirectory directory,
    IKeyManager keys, AccessChanges access, TimeProvider time)
{
    public const string Extension = ".gwbackup";
    private const int MinPassphrase = 12;
    private const int MaxPassphrase = 200;

    /// <summary>The file, which is gone once it is closed, and its name.</summary>
    public async Task<Outcome<(Stream File, string Name)>> CreateAsync(BackupRequest request, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (PassphraseProblem(request.Passphrase) is { } problem) return problem;
        var name = $"gateway-{time.GetUtcNow().UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}{Extension}";
        var path = Path.Combine(directory.Path, $".{Guid.NewGuid():N}{Extension}");
        await WriteAsync(path, request.Passphrase!, cancellationToken);
        var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous });
        await audit.NoteAsync("backup.create", name, new { bytes = file.Length }, cancellationToken);
        return (file, name);
    }

    /// <summary>Replaces everything by what the file holds. Until the last step nothing is changed.</summary>
    public async Task<Outcome<RestoreResponse>> RestoreAsync(Stream file, string? passphrase, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Administer) is { } denied) return denied;
        if (PassphraseProblem(passphrase) is { } problem) return problem;
        if (!(await Restoration.UnpackAsync(file, passphrase!, directory, contexts, cancellationToken)).Succeeded(out var restoration, out var failure)) return failure;
        using (restoration)
        {
            var response = await gate.AloneAsync(() => SwapAsync(restoration, passphrase!, cancellationToken), cancellationToken);
            // Keys are read once and kept; a new one makes all be read again.
            keys.CreateNewKey(time.GetUtcNow(), time.GetUtcNow().AddDays(90));
            await reconciler.PostEverything(response.Revision).WaitAsync(TimeSpan.FromSeconds(5), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await kernel.ApplyAsync(null, cancellationToken);
            access.PublishAll();
            return response;
        }
    }

    private async Task<RestoreResponse> SwapAsync(Restoration restoration, string passphrase, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var safetyCopy = $"before-restore-{now.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}{Extension}";
        await WriteAsync(Path.Combine(directory.Backups, safetyCopy), passphrase, cancellationToken);
        await using var live = await contexts.CreateDbContextAsync(cancellationToken);
        await using (var restored = await restoration.OpenAsync(contexts, cancellationToken))
        {
            var meta = await restored.Meta.SingleAsync(cancellationToken);
            var current = await live.Meta.AsNoTracking().SingleAsync(cancellationToken);
            meta.Revision = Math.Max(meta.Revision, current.Revision) + 1;
            meta.StartedAt = current.StartedAt;
            // What was done since the backup was made stays on record.
            var known = (await restored.Audit.Select(e => e.Id).ToListAsync(cancellationToken)).ToHashSet();
            await foreach (var entry in live.Audit.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellationToken))
            {
                if (!known.Contains(entry.Id)) restored.Audit.Add(entry);
            }

            restored.Audit.Add(AuditDocuments.ToEntry(AuditDocuments.Compare("backup.restore", safetyCopy, null,
                new { restoration.Manifest.CreatedAt, restoration.Manifest.Version, safetyCopy }), caller.Identity, now, meta.Revision));
            var putBack = await KernelKeeper.AdoptAsync(restored, live, kernel.Kernel, cancellationToken);
            await restored.SaveChangesAsync(cancellationToken);
            var response = new RestoreResponse
            {
                CreatedAt = restoration.Manifest.CreatedAt,
                Version = restoration.Manifest.Version,
                Tunnels = await restored.Tunnels.CountAsync(cancellationToken),
                Peers = await restored.Peers.CountAsync(cancellationToken),
                Revision = meta.Revision,
                SafetyCopy = $"{BackupArchive.BackupsDirectory}/{safetyCopy}",
            };
            await restored.DisposeAsync();
            restoration.PutInPlace(directory);
            foreach (var (path, value) in putBack) kernel.Set(path, value);
            return response;
        }
    }

    private async Task WriteAsync(string path, string passphrase, CancellationToken cancellationToken)
    {
        var copy = Path.Combine(directory.Path, $".{Guid.NewGuid():N}.db");
        try
        {
            await using (var db = await contexts.CreateDbContextAsync(cancellationToken)) await DatabaseCopies.CopyAsync(db, copy, cancellationToken);
            DataDirectory.WriteOwnerOnly(path, "");
            await using var file = new FileStream(path, FileMode.Truncate, FileAccess.Write);
            var manifest = new BackupManifest(StatusService.Version, time.GetUtcNow());
            await Task.Run(() => BackupArchive.Write(file, passphrase, manifest, directory.Path, copy), cancellationToken);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private static Failure? PassphraseProblem(string? passphrase) => passphrase is { Length: >= MinPassphrase and <= MaxPassphrase } && !passphrase.Any(char.IsControl) ? null
        : Failure.Of(FailureKind.Rule, "passphrase", passphrase is null ? "It is missing." : "It is too short, too long, or has control characters.",
            $"It has {MinPassphrase} to {MaxPassphrase} characters; 'openssl rand -base64 24' makes one.");
}
