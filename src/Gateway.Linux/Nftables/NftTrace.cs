using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Gateway.Linux.Nftables;

/// <summary>
/// Has the kernel tell which rules a packet meets (nftables' nftrace), and listens. For that time there is a table <see cref="Table"/> of our own, which
/// marks the packets and does nothing else to them; it goes with this object. One at a time on a host.
/// </summary>
public sealed partial class NftTrace : IDisposable
{
    /// <summary>The table's name, in the family inet.</summary>
    public const string Table = "gateway_probe";

    private const int Attempts = 3;
    private static readonly TimeSpan s_readyLimit = TimeSpan.FromMilliseconds(200);

    private readonly Process _monitor;
    private readonly List<string> _lines = [];
    private readonly ManualResetEventSlim _ready = new();
    private readonly Task _reading;

    private NftTrace(Process monitor)
    {
        _monitor = monitor;
        _reading = ReadAsync();
    }

    /// <summary>Starts; null and why not where that cannot be done. Never throws.</summary>
    /// <param name="matches">What to trace as it arrives, each as a rule matches it: <c>ip saddr 192.168.53.99 tcp dport 22</c>.</param>
    /// <param name="problem">Why not.</param>
    public static NftTrace? Start(IEnumerable<string> matches, out string? problem)
    {
        ArgumentNullException.ThrowIfNull(matches);
        if (NftProgram.Listen(out problem, "monitor") is not { } monitor) return null;
        var trace = new NftTrace(monitor);
        var document = $"add table inet {Table}\ndelete table inet {Table}\ntable inet {Table} {{ chain in {{ type filter hook prerouting priority -400; {string.Concat(matches.Select(match => $"{match} meta nftrace set 1; "))}}}; }}\n";
        // The monitor tells of the table itself: then it listens. It may still have been starting the first time.
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            problem = NftProgram.Run(document, "-f", "-").Problem;
            if (problem is not null) break;
            if (trace._ready.Wait(s_readyLimit)) return trace;
        }

        problem ??= "nft monitor did not begin to listen.";
        trace.Dispose();
        return null;
    }

    /// <summary>What was told so far: one line for each rule that was met, and for each chain's end.</summary>
    public IReadOnlyList<string> Read()
    {
        lock (_lines) return [.. _lines];
    }

    /// <summary>The line that says where the packet was dropped; null where none does.</summary>
    public string? FindDrop() => Read().FirstOrDefault(line => Dropped().IsMatch(line));

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = NftProgram.Run($"delete table inet {Table}\n", "-f", "-");
        if (!_monitor.HasExited) _monitor.Kill();
        _ = _reading.Wait(TimeSpan.FromSeconds(1));
        _monitor.Dispose();
        _ready.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _monitor.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            if (line.Contains($"inet {Table}", StringComparison.Ordinal))
            {
                // Also what the table's own rules do to the packet: nothing worth telling.
                if (line.StartsWith("add chain", StringComparison.Ordinal)) _ready.Set();
                continue;
            }

            if (!line.StartsWith("trace id", StringComparison.Ordinal) || line.Contains(" packet: ", StringComparison.Ordinal)) continue;
            lock (_lines) _lines.Add(Id().Replace(line.Trim(), ""));
        }
    }

    [GeneratedRegex(@"\(verdict (drop|reject)\)|policy drop")]
    private static partial Regex Dropped();

    [GeneratedRegex(@"^trace id [0-9a-f]+ ")]
    private static partial Regex Id();
}
