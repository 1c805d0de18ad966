using System.Globalization;

namespace Gateway.Linux.Sockets;

/// <summary>Finds who holds a UDP port, for the sentence of an error; best effort.</summary>
internal static class PortHolder
{
    /// <summary>" by NAME (pid 123)", " by the kernel (…)", or nothing where it cannot be seen.</summary>
    public static string Describe(ushort port)
    {
        try
        {
            foreach (var table in new[] { "udp", "udp6" })
            {
                // Per thread: another network namespace than the process's may be meant.
                var path = $"/proc/thread-self/net/{table}";
                if (File.Exists(path) && FindInode(File.ReadLines(path), port) is { } inode) return Name(inode);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // /proc is hidden: the sentence does without.
        }
        return "";
    }

    // "  sl  local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …" (udp4_format_sock)
    private static string? FindInode(IEnumerable<string> lines, ushort port)
    {
        var suffix = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        foreach (var line in lines.Skip(1))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[1].EndsWith(suffix, StringComparison.Ordinal)) return fields[9];
        }
        return null;
    }

    private static string Name(string inode)
    {
        // Kernel sockets (WireGuard, VXLAN) have no inode.
        if (inode == "0") return " by the kernel (a WireGuard or VXLAN device)";
        var target = $"socket:[{inode}]";
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])))
        {
            try
            {
                foreach (var descriptor in Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd")))
                {
                    if (File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Name == target)
                        return $" by {File.ReadAllText(Path.Combine(process, "comm")).Trim()} (pid {Path.GetFileName(process)})";
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Ended meanwhile, or another user's.
            }
        }
        return "";
    }
}
