using System.Formats.Tar;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Web;

namespace Gateway.Features.Backup;

/// <summary>What a backup says of itself.</summary>
/// <param name="Version">The gateway's version that made it.</param>
/// <param name="CreatedAt">When.</param>
internal sealed record BackupManifest(string Version, DateTimeOffset CreatedAt);

/// <summary>
/// What is inside a backup, a tar: a manifest, a copy of the database, and every other file of the data directory (the keys that the database's
/// secrets are encrypted with, certificates, the first token). Left out is what belongs to a run or is a copy itself.
/// </summary>
internal static partial class BackupArchive
{
    public const string Database = "gateway.db";
    public const string BackupsDirectory = "backups";

    private const string Manifest = "manifest.json";
    private const int MostFiles = 10_000;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a backup of the data directory, the database from <paramref name="databaseCopy"/>.</summary>
    public static void Write(Stream file, string passphrase, BackupManifest manifest, string directory, string databaseCopy)
    {
        var header = BackupHeader.Create(passphrase);
        file.Write(header.Raw);
        using var encrypting = new EncryptingStream(file, header);
        using (var tar = new TarWriter(encrypting, leaveOpen: true))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, Manifest) { DataStream = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(manifest, JsonSerializerOptions.Web)) });
            Add(tar, Database, databaseCopy);
            foreach (var name in Names(directory)) Add(tar, name, Path.Combine(directory, name));
        }

        encrypting.Finish();
    }

    /// <summary>Unpacks a backup into an empty directory.</summary>
    public static async Task<Outcome<BackupManifest>> ReadAsync(Stream file, string passphrase, string into, CancellationToken cancellationToken)
    {
        if (!(await BackupHeader.ReadAsync(file, passphrase, cancellationToken)).Succeeded(out var header, out var failure)) return failure;
        try
        {
            await using var decrypting = new DecryptingStream(file, header);
            await using var tar = new TarReader(decrypting);
            BackupManifest? manifest = null;
            var hasDatabase = false;
            for (var count = 0; await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry; count++)
            {
                if (count >= MostFiles || entry.EntryType is not TarEntryType.RegularFile || !IsOurs(entry.Name)) return BackupHeader.Damaged();
                if (entry.Name == Manifest)
                {
                    manifest = await JsonSerializer.DeserializeAsync<BackupManifest>(entry.DataStream!, JsonSerializerOptions.Web, cancellationToken);
                    continue;
                }

                hasDatabase |= entry.Name == Database;
                var path = Path.Combine(into, entry.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly | UnixFileMode.UserExecute);
                await using var target = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
                if (entry.DataStream is { } data) await data.CopyToAsync(target, cancellationToken);
            }

            // The end mark of the encryption too, which lies behind the tar's.
            await decrypting.CopyToAsync(Stream.Null, cancellationToken);
            return manifest is not null && hasDatabase ? manifest : BackupHeader.Damaged();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or JsonException or FormatException || (e is IOException && e.InnerException is InvalidDataException))
        {
            return BackupHeader.Damaged();
        }
    }

    /// <summary>The files beside the database that belong into a backup, by their path below the directory.</summary>
    public static IEnumerable<string> Names(string directory) => new DirectoryInfo(directory)
        .EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
        // Sockets and pipes have no length.
        .Where(f => f.Length > 0).Select(f => Path.GetRelativePath(directory, f.FullName)).Where(n => n is not (Database or Manifest) && IsOurs(n)).Order(StringComparer.Ordinal);

    private static void Add(TarWriter tar, string name, string path)
    {
        using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = source, Mode = OwnerOnly });
    }

    // No name that starts with a dot, leads out of the directory, or belongs to a run.
    private static bool IsOurs(string name) => OurName().IsMatch(name)
        && name is not ("lock" or "gateway.db-wal" or "gateway.db-shm" or "gateway.db-journal")
        && !name.StartsWith(BackupsDirectory + "/", StringComparison.Ordinal)
        && !name.EndsWith(".new", StringComparison.Ordinal) && !name.EndsWith(".tmp", StringComparison.Ordinal);

    [GeneratedRegex(@"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,2}\z")]
    private static partial Regex OurName();
}
