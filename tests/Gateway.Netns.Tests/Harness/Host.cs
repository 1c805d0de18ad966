using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.Netns.Tests.Harness;

/// <summary>
/// One host: a network namespace, and a mount namespace with its own /run/wireguard, where control sockets are. Its name holds this process's id,
/// so that runs side by side keep apart and a later run can tell what is left over.
/// </summary>
internal sealed partial class Host : IAsyncDisposable
{
    private static readonly Lazy<Task> s_sweep = new(SweepLeftOvers);
    private static int _count;

    private readonly Child _holder;

    private Host(string name)
    {
        Name = name;
        // The mount namespace lives as long as a process is in it. `ip netns exec` has given it its own /sys already.
        _holder = new Child(["ip", "netns", "exec", name, "/bin/sh", "-c", "mkdir -p /run/wireguard && mount -t tmpfs none /run/wireguard && echo ready && exec sleep infinity"], isQuiet: true);
    }

    public string Name { get; }

    public static async Task<Host> Create(string host)
    {
        await s_sweep.Value;
        var name = $"gwt{Environment.ProcessId}-{Interlocked.Increment(ref _count)}-{host}";
        await Command.Run("ip", "netns", "add", name);
        var made = new Host(name);
        await made._holder.Says("ready");
        await made.Ip("link set lo up");
        return made;
    }

    /// <summary>Joins two namespaces by a pair of Ethernet devices.</summary>
    public static Task Connect(Host left, string leftDevice, Host right, string rightDevice) =>
        Command.Run("ip", "link", "add", leftDevice, "netns", left.Name, "type", "veth", "peer", "name", rightDevice, "netns", right.Name);

    /// <summary>A command to be run in here: nsenter replaces itself by it, so the process keeps its id.</summary>
    public string[] Inside(params string[] command) =>
        ["nsenter", "--target", _holder.Id.ToString(CultureInfo.InvariantCulture), "--mount", "--net", "--", .. command];

    public Task<string> Run(params string[] command) => Command.Run(Inside(command));

    public Task<CommandResult> Try(params string[] command) => Command.Try(Inside(command));

    public Child Start(params string[] command) => new(Inside(command));

    /// <summary>ip -n NAME …</summary>
    public Task<string> Ip(string arguments) => Command.Run(["ip", "-n", Name, .. arguments.Split(' ')]);

    public Task<CommandResult> TryIp(string arguments) => Command.Try(["ip", "-n", Name, .. arguments.Split(' ')]);

    public async Task SetSysctl(string key, string value) => await Run("sysctl", "-qw", $"{key}={value}");

    public async Task<string> Sysctl(string key) => (await Run("sysctl", "-n", key)).Trim();

    /// <summary>Whether the device is there and up.</summary>
    public async Task<bool> HasLink(string device) =>
        await TryIp($"-o link show {device}") is { ExitCode: 0 } result && LinkFlags(result.Output).Contains("UP");

    /// <summary>The flags in what `ip link show` printed: UP, LOWER_UP, POINTOPOINT, …</summary>
    public static HashSet<string> LinkFlags(string shown) => [.. Flags().Match(shown).Groups[1].Value.Split(',')];

    /// <summary>Pings and counts the answers. The summary line is what counts: losses are no failure here.</summary>
    public async Task<PingResult> Ping(string destination, int count = 3, string interval = "0.2", string wait = "1", string[]? more = null)
    {
        var result = await Try(["ping", "-n", "-c", count.ToString(CultureInfo.InvariantCulture), "-i", interval, "-W", wait, .. more ?? [], destination]);
        var summary = PingSummary().Match(result.Output);
        var ttl = PingTtl().Match(result.Output);
        return new PingResult(
            summary.Success ? int.Parse(summary.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0,
            summary.Success ? int.Parse(summary.Groups[2].ValueSpan, CultureInfo.InvariantCulture) : 0,
            ttl.Success ? int.Parse(ttl.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0,
            result.All);
    }

    /// <summary>Pings until an answer comes: for the first packets of a tunnel that is just being made.</summary>
    public async Task Reaches(string destination, TimeSpan? deadline = null)
    {
        var last = "";
        await Eventually.Get(
            async () =>
            {
                var ping = await Ping(destination, count: 1, wait: "0.5");
                last = ping.Text.Trim();
                return ping.Received > 0 ? ping : null;
            },
            $"an answer from {destination} to {Name}", deadline, () => last);
    }

    /// <summary>Ends what still runs in here, each by its id, and removes the namespace.</summary>
    public async ValueTask DisposeAsync()
    {
        await Remove(Name);
        await _holder.DisposeAsync();
    }

    private static async ValueTask Remove(string name)
    {
        var pids = (await Command.Try("ip", "netns", "pids", name)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (pids.Length > 0) await Command.Try(["/bin/kill", "-9", .. pids]);
        await Command.Try("ip", "netns", "del", name);
    }

    /// <summary>Removes the namespaces of runs whose process is no more (killed before they could clean up).</summary>
    private static async Task SweepLeftOvers()
    {
        foreach (var line in (await Command.Try("ip", "netns", "list")).Output.Split('\n'))
        {
            var match = OurName().Match(line);
            if (match.Success && !Directory.Exists($"/proc/{match.Groups[1].ValueSpan}")) await Remove(line.Split(' ')[0]);
        }
    }

    [GeneratedRegex(@"(\d+) packets transmitted, (\d+) received")]
    private static partial Regex PingSummary();

    [GeneratedRegex("<([A-Z_,]+)>")]
    private static partial Regex Flags();

    [GeneratedRegex(@"ttl=(\d+)")]
    private static partial Regex PingTtl();

    [GeneratedRegex(@"^gwt(\d+)-\d+-\w+")]
    private static partial Regex OurName();
}

/// <summary>What ping counted.</summary>
/// <param name="Ttl">Of the answers; 0 = none came.</param>
/// <param name="Text">All that it printed.</param>
internal sealed record PingResult(int Sent, int Received, int Ttl, string Text);
