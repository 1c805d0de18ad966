using System.Globalization;

namespace Gateway.Linux.Settings;

/// <summary>
/// The kernel's network counters of the calling thread's namespace, by "Group.Name" as in its files: <c>TcpExt.IPReversePathFilter</c>,
/// <c>Ip.InAddrErrors</c>, <c>Ip.OutNoRoutes</c>, <c>Ip.ForwDatagrams</c>, <c>Ip6.OutForwDatagrams</c>, … Absent names read as null.
/// </summary>
public sealed class KernelCounters
{
    private readonly Dictionary<string, long> _values = new(StringComparer.Ordinal);

    private KernelCounters()
    {
    }

    /// <summary>One counter; null where this kernel has none of that name.</summary>
    public long? this[string name] => _values.TryGetValue(name, out var value) ? value : null;

    /// <summary>Reads them all. Never throws: a file that cannot be read has no counters.</summary>
    public static KernelCounters Read()
    {
        var counters = new KernelCounters();
        // Of this thread: /proc/net is that of the process's first thread.
        counters.ReadPairs("/proc/thread-self/net/snmp");
        counters.ReadPairs("/proc/thread-self/net/netstat");
        counters.ReadSingles("/proc/thread-self/net/snmp6");
        return counters;
    }

    /// <summary>How much each of the named counters has grown since an earlier look; only those that have.</summary>
    public IReadOnlyDictionary<string, long> GrowthSince(KernelCounters earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        return _values.Where(pair => pair.Value > (earlier[pair.Key] ?? pair.Value)).ToDictionary(pair => pair.Key, pair => pair.Value - earlier[pair.Key]!.Value);
    }

    // snmp and netstat: a line of names, then a line of values, both opened by the group's name.
    private void ReadPairs(string path)
    {
        var lines = Lines(path);
        for (var i = 0; i + 1 < lines.Length; i += 2)
        {
            var names = lines[i].Split(' ');
            var values = lines[i + 1].Split(' ');
            for (var column = 1; column < Math.Min(names.Length, values.Length); column++)
            {
                if (long.TryParse(values[column], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)) _values[$"{names[0].TrimEnd(':')}.{names[column]}"] = value;
            }
        }
    }

    // snmp6: a name and a value a line; the group is the name's beginning.
    private void ReadSingles(string path)
    {
        foreach (var line in Lines(path))
        {
            var parts = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 2 && parts[0].StartsWith("Ip6", StringComparison.Ordinal) && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var value))
                _values[$"Ip6.{parts[0]["Ip6".Length..]}"] = value;
        }
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
