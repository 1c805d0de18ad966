using System.Text;
using Gateway.Engine;
using Gateway.Protocol;

namespace Gateway.Cli.Connect;

/// <summary>Reads a wg-quick file from the disk and plans for it; all its mistakes end the command at once.</summary>
internal static class ConnectFile
{
    // A hundred thousand prefixes are 3 MB; what is larger is no configuration.
    private const int MaxFileBytes = 16 << 20;

    public static ConnectPlan Read(string path, string? wantedName, int? mtu)
    {
        var text = ReadText(path);
        var errors = new List<WgQuickError>();
        ConnectPlan? plan = null;
        var name = wantedName ?? Path.GetFileNameWithoutExtension(path);
        if (WgQuickFile.TryParse(text, out var file, out var mistakes)) plan = ConnectPlan.FromFile(file, name, mtu, HostHasIpv6(), new LibcryptoPrimitives(), errors);
        var lines = mistakes.Concat(errors).OrderBy(e => e.Line).Select(e => $"{path}:{e.Line}: {e.Message}").ToList();
        if (!WgQuickValues.IsDeviceName(name)) lines.Add($"{path}: \"{name}\" cannot be a device's name, which has 1 to 15 characters without /, : and spaces; rename the file or give --name.");
        if (lines.Count > 0) throw new CommandException(string.Join("\ngateway: ", lines), ExitCodes.Usage);

        return (File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) == 0
            ? plan!
            : plan! with { Notices = plan!.Notices.Insert(0, $"{path} holds a private key and is open to everybody on this host; chmod 600 {path}") };
    }

    private static string ReadText(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var buffer = new byte[MaxFileBytes + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > MaxFileBytes) throw new CommandException($"{path} is larger than 16 MiB: it is no configuration.", ExitCodes.Usage);
            return Encoding.UTF8.GetString(buffer, 0, length);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException($"{path} does not exist; the path of a wg-quick file is needed.", ExitCodes.Usage);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path} cannot be read: {e.Message.TrimEnd('.')}.", ExitCodes.Usage);
        }
    }

    private static bool HostHasIpv6()
    {
        try
        {
            return File.ReadAllText("/proc/sys/net/ipv6/conf/all/disable_ipv6").Trim() == "0";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
