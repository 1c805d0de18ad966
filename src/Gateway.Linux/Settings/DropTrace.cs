using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.Linux.Settings;

/// <summary>
/// The kernel's own reasons for the packets that it frees while this exists (tracepoint skb:kfree_skb), of all namespaces: they bear on one packet only
/// by their time. Needs tracefs mounted and writable, which takes root.
/// </summary>
public sealed partial class DropTrace : IDisposable
{
    private static readonly string[] s_places = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

    // Ends of a packet's life that say nothing about why a forwarded one died.
    private static readonly HashSet<string> s_common = ["NOT_SPECIFIED", "CONSUMED", "SOCKET_FILTER", "SOCKET_RCVBUFF", "NO_SOCKET", "UNIX_DISCONNECT", "SOCKET_CLOSE", "QUEUE_PURGE", "PACKET_SOCK_ERROR", "OTHERHOST"];

    private readonly string _instance;

    private DropTrace(string instance) => _instance = instance;

    /// <summary>Starts; null and why not where that cannot be done. Never throws.</summary>
    public static DropTrace? Start(out string? problem)
    {
        problem = "tracefs is not mounted here, or may not be written (it takes root: mount -t tracefs none /sys/kernel/tracing).";
        if (s_places.FirstOrDefault(place => File.Exists($"{place}/events/skb/kfree_skb/enable")) is not { } root) return null;
        var trace = new DropTrace($"{root}/instances/gateway-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}");
        try
        {
            Directory.CreateDirectory(trace._instance);
            File.WriteAllText($"{trace._instance}/events/skb/kfree_skb/enable", "1");
            problem = null;
            return trace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            trace.Dispose();
            return null;
        }
    }

    /// <summary>How often each reason was given so far, without those that are everyday.</summary>
    public IReadOnlyDictionary<string, int> Read()
    {
        try
        {
            return File.ReadLines($"{_instance}/trace").Select(line => Reason().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value)
                .Where(reason => !s_common.Contains(reason)).GroupBy(reason => reason).ToDictionary(group => group.Key, group => group.Count());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Dictionary<string, int>();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            if (Directory.Exists(_instance)) Directory.Delete(_instance);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stays until the next probe, and is used again.
        }
    }

    [GeneratedRegex(@"kfree_skb: .* reason: (\w+)")]
    private static partial Regex Reason();
}
