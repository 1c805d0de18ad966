namespace Gateway.Hosting;

/// <summary>The directory that holds everything that stays. Readable by its owner only; one gateway at a time.</summary>
internal sealed class DataDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream @lock)
    {
        Path = path;
        _lock = @lock;
    }

    public string Path { get; }

    public string Database => System.IO.Path.Combine(Path, "gateway.db");

    public string TokenFile => System.IO.Path.Combine(Path, "api-token");

    public DirectoryInfo Keys => new(System.IO.Path.Combine(Path, "keys"));

    /// <summary>Copies of the database before migrations and before restores.</summary>
    public string Backups => System.IO.Path.Combine(Path, "backups");

    public static DataDirectory Open(string configured)
    {
        var path = System.IO.Path.GetFullPath(configured);
        try
        {
            if (!Directory.Exists(path)) Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
            var keys = System.IO.Path.Combine(path, "keys");
            if (!Directory.Exists(keys)) Directory.CreateDirectory(keys, OwnerOnly | UnixFileMode.UserExecute);
            var backups = System.IO.Path.Combine(path, "backups");
            if (!Directory.Exists(backups)) Directory.CreateDirectory(backups, OwnerOnly | UnixFileMode.UserExecute);
            var database = System.IO.Path.Combine(path, "gateway.db");
            // Made here so that it, and the -wal and -shm files that take over its mode, are never readable by others.
            if (!File.Exists(database)) WriteOwnerOnly(database, "");
            else File.Open(database, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
            return new DataDirectory(path, Lock(path));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new StartupException($"The data directory '{path}' cannot be written ({e.Message.TrimEnd('.')}). " +
                "Make it writable for this user, or choose another with --Gateway:DataDirectory=PATH.");
        }
    }

    /// <summary>Writes a file with mode 0600, in one step: readers see the old one or the new one.</summary>
    public static void WriteOwnerOnly(string path, string text)
    {
        var temporary = path + ".new";
        File.Delete(temporary);
        using (var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        using (var writer = new StreamWriter(stream))
            writer.Write(text);
        File.Move(temporary, path, overwrite: true);
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string path)
    {
        var file = System.IO.Path.Combine(path, "lock");
        try
        {
            // FileShare.None is flock(LOCK_EX|LOCK_NB) here: the kernel drops it with the process, however it ends.
            return new FileStream(file, new FileStreamOptions
            { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = OwnerOnly });
        }
        catch (IOException e) when (e is not FileNotFoundException and not DirectoryNotFoundException && File.Exists(file))
        {
            throw new StartupException($"Another gateway runs with the data directory '{path}'. Stop it, or choose another directory with --Gateway:DataDirectory=PATH.");
        }
    }
}
