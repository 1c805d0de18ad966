using System.Globalization;

namespace Gateway.Benchmarks.Tunnel;

/// <summary>What to measure, and how long.</summary>
internal sealed record TunnelOptions
{
    public static readonly string[] AllSections = ["base", "nouso", "ipv6", "memory", "idle", "peers", "watched", "recorded", "live"];
    public static readonly string[] AllEnds = ["wireguard-go", "gateway", "connect"];

    public const string Usage = """
        tunnel [--quick] [--runs N] [--seconds N] [--only SECTION,…] [--first ENDS] [--second ENDS]

          --runs N         interleaved runs of each measure, medians of which are printed; default 5
          --seconds N      of each run; default 3
          --quick          one run of one second: shows that it works, not how fast it is
          --only …         of: base     throughput, CPU per GB, packets a second, round trips
                               nouso    TCP and UDP with tx-udp-segmentation off on the outer devices
                               ipv6     IPv6 inside, over IPv4 and over IPv6
                               memory   resident memory of the gateway's end after the load
                               idle     CPU of the gateway's end without traffic
                               peers    10,000 peers with 100,000 prefixes against one peer
                               watched  packets being read by a watcher against nobody watching
                               recorded the flight recorder on against off
                               live     ten watchers of flows and one of packets, over the hub, against none
          --first, --second   what to compare: wireguard-go (default first), gateway (default second: the host with `Gateway.Cli connect` as its client)
                              or connect (`Gateway.Cli connect` at both ends)
        """;

    public int Runs { get; private init; } = 5;

    public int Seconds { get; private init; } = 3;

    public IReadOnlyList<string> Sections { get; private init; } = AllSections;

    public string First { get; private init; } = "wireguard-go";

    public string Second { get; private init; } = "gateway";

    /// <summary>How long CPU use is watched without traffic.</summary>
    public TimeSpan IdleTime { get; private init; } = TimeSpan.FromSeconds(10);

    public TimeSpan RunTime => TimeSpan.FromSeconds(Seconds);

    public bool Has(string section) => Sections.Contains(section);

    /// <summary>Whether two pairs of ends are to be compared.</summary>
    public bool IsSideBySide => HasAnyOf("base", "nouso", "ipv6", "memory", "idle");

    /// <summary>Whether the published host takes part.</summary>
    public bool NeedsHost => Has("peers") || Has("live") || (IsSideBySide && (First == "gateway" || Second == "gateway"));

    /// <summary>Whether any published program takes part.</summary>
    public bool NeedsProducts => NeedsHost || (IsSideBySide && (First == "connect" || Second == "connect"));

    private bool HasAnyOf(params string[] sections) => sections.Any(Has);

    /// <summary>Null, with the reason in <paramref name="error"/>, when an argument is none of these.</summary>
    public static TunnelOptions? Parse(string[] args, out string error)
    {
        var options = new TunnelOptions();
        error = "";
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i];
            if (name == "--quick")
            {
                options = options with { Runs = 1, Seconds = 1, IdleTime = TimeSpan.FromSeconds(2) };
                continue;
            }
            if (i + 1 == args.Length)
            {
                error = $"{name} is unknown, or its value is missing";
                return null;
            }
            var value = args[++i];
            switch (name)
            {
                case "--runs" when Whole(value, 1, 100) is { } runs: options = options with { Runs = runs }; break;
                case "--seconds" when Whole(value, 1, 30) is { } seconds: options = options with { Seconds = seconds }; break;
                case "--only" when value.Split(',') is var sections && sections.All(AllSections.Contains): options = options with { Sections = sections }; break;
                case "--first" when AllEnds.Contains(value): options = options with { First = value }; break;
                case "--second" when AllEnds.Contains(value): options = options with { Second = value }; break;
                default:
                    error = $"{name} {value} is not understood";
                    return null;
            }
        }
        return options;
    }

    private static int? Whole(string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : null;
}
