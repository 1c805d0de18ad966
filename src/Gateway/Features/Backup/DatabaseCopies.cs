using System.Globalization;
using Gateway.Data;
using Gateway.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Backup;

/// <summary>Copies the database while it is in use, and before each migration into <c>backups</c> in the data directory.</summary>
internal static class DatabaseCopies
{
    private const int Kept = 10;

    /// <summary>A copy of one moment, compacted, readable by its owner only.</summary>
    public static async Task CopyAsync(GatewayDbContext db, string path, CancellationToken cancellationToken)
    {
        // SQLite takes a file that is empty: this one is nobody else's to read from the start.
        DataDirectory.WriteOwnerOnly(path, "");
        await db.Database.ExecuteSqlAsync($"VACUUM INTO {path}", cancellationToken);
    }

    /// <summary>
    /// Before a database is migrated that holds something. Throws <see cref="StartupException"/> where a newer version has written it: going back is a restore.
    /// </summary>
    public static async Task BeforeMigrationAsync(GatewayDbContext db, DataDirectory directory, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var applied = (await db.Database.GetAppliedMigrationsAsync(cancellationToken)).ToList();
        if (Unknown(db, applied) is { } unknown)
        {
            throw new StartupException($"{directory.Database} was written by a newer version (its migration {unknown} is not known here). " +
                $"Start that version, or put back the copy that it made before in {directory.Backups}.");
        }

        if (applied.Count == 0 || applied.Count == db.Database.GetMigrations().Count()) return;
        var name = $"gateway-{now.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}-{applied[^1]}.db";
        await CopyAsync(db, Path.Combine(directory.Backups, name), cancellationToken);
        foreach (var old in Directory.EnumerateFiles(directory.Backups, "gateway-*.db").OrderDescending(StringComparer.Ordinal).Skip(Kept).ToList()) File.Delete(old);
    }

    /// <summary>The first applied migration that this version does not know; null = none.</summary>
    public static string? Unknown(GatewayDbContext db, IEnumerable<string> applied) => applied.Except(db.Database.GetMigrations()).FirstOrDefault();

    /// <summary>Makes <paramref name="from"/> the content of the live database in one transaction: readers see the old one or the new one.</summary>
    public static void Replace(string from, string live)
    {
        using var source = new SqliteConnection($"Data Source={from};Mode=ReadOnly;Pooling=False");
        using var target = new SqliteConnection($"Data Source={live};Pooling=False");
        source.Open();
        target.Open();
        source.BackupDatabase(target);
    }
}
