using Gateway.Data;
using Gateway.Hosting;
using Gateway.Web;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Backup;

/// <summary>
/// A backup unpacked beside the live data, checked and brought to this version, before anything is replaced. Disposing takes it away.
/// </summary>
internal sealed class Restoration : IDisposable
{
    private readonly string _directory;

    private Restoration(string directory, BackupManifest manifest) => (_directory, Manifest) = (directory, manifest);

    public BackupManifest Manifest { get; }

    public string Database => Path.Combine(_directory, BackupArchive.Database);

    public static async Task<Outcome<Restoration>> UnpackAsync(
        Stream file, string passphrase, DataDirectory directory, IDbContextFactory<GatewayDbContext> contexts, CancellationToken cancellationToken)
    {
        var into = Directory.CreateDirectory(Path.Combine(directory.Path, $".restore-{Guid.NewGuid():N}"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
        var keep = false;
        try
        {
            if (!(await BackupArchive.ReadAsync(file, passphrase, into, cancellationToken)).Succeeded(out var manifest, out var failure)) return failure;
            var restoration = new Restoration(into, manifest);
            if (await restoration.PrepareAsync(contexts, cancellationToken) is { } refused) return refused;
            keep = true;
            return restoration;
        }
        finally
        {
            if (!keep) Directory.Delete(into, recursive: true);
        }
    }

    /// <summary>
    /// The unpacked database, for the last changes before it is put in place.
    /// </summary>
    public async Task<GatewayDbContext> OpenAsync(IDbContextFactory<GatewayDbContext> contexts, CancellationToken cancellationToken)
    {
        var db = await contexts.CreateDbContextAsync(cancellationToken);
        db.Database.SetConnectionString($"Data Source={Database};Pooling=False");
        return db;
    }

    /// <summary>
    /// Puts the files in place, and the database last: it is what makes the rest count. Keys that are there already stay, so that until then the old
    /// database can be read as well.
    /// </summary>
    public void PutInPlace(DataDirectory directory)
    {
        foreach (var name in BackupArchive.Names(_directory))
        {
            var target = Path.Combine(directory.Path, name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Move(Path.Combine(_directory, name), target, overwrite: true);
        }

        DatabaseCopies.Replace(Database, directory.Database);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task<Failure?> PrepareAsync(IDbContextFactory<GatewayDbContext> contexts, CancellationToken cancellationToken)
    {
        try
        {
            await using var db = await OpenAsync(contexts, cancellationToken);
            var applied = (await db.Database.GetAppliedMigrationsAsync(cancellationToken)).ToList();
            if (DatabaseCopies.Unknown(db, applied) is { } unknown)
                return BackupHeader.Refuse($"Gateway {Manifest.Version} made it, which is newer than this one (its migration {unknown} is not known here).", "Update this gateway first. Nothing was changed.");
            if (applied.Count == 0) return BackupHeader.Damaged();
            var checks = await db.Database.SqlQueryRaw<string>("SELECT quick_check AS Value FROM pragma_quick_check").ToListAsync(cancellationToken);
            if (checks is not ["ok"]) return BackupHeader.Refuse("The database in it is damaged.", "Take another backup. Nothing was changed.");
            await db.Database.MigrateAsync(cancellationToken);
            return null;
        }
        catch (SqliteException)
        {
            return BackupHeader.Damaged();
        }
    }
}
