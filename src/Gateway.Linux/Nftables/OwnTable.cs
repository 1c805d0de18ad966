using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Gateway.Engine.Ports;

namespace Gateway.Linux.Nftables;

/// <summary>What becomes of the source address of packets from a tunnel to a prefix.</summary>
/// <param name="Prefix">Where they go.</param>
/// <param name="Masquerade">Whether they get the address of the device that they leave by.</param>
/// <param name="Address">The address that they get; null with <paramref name="Masquerade"/> false = they keep theirs.</param>
public sealed record SourceTranslation(IPNetwork Prefix, bool Masquerade, IPAddress? Address);

/// <summary>What one tunnel wants of nftables.</summary>
/// <param name="Device">Its device.</param>
/// <param name="Translations">In any order: of several that fit, the longest prefix counts.</param>
/// <param name="ClampSegmentSize">Whether TCP's maximum segment size is lowered to what the path takes, both ways.</param>
public sealed record DeviceRules(string Device, ImmutableArray<SourceTranslation> Translations, bool ClampSegmentSize);

/// <summary>
/// The one nftables table of this program, <c>inet gateway</c>. It is always replaced as a whole, in one transaction of the kernel, so that no packet
/// meets half of it and a killed process leaves nothing that the next start does not replace. No other table is ever touched.
/// Packets are told by the device that they came in by (in postrouting since Linux 5.7); the device that they leave by is found by the kernel's route.
/// </summary>
public static class OwnTable
{
    /// <summary>Its name, in the family inet.</summary>
    public const string Name = "gateway";

    private const string Family = "inet";
    private const string CommentStart = "gateway: ";
    private const int SourceNatPriority = 100; // NF_IP_PRI_NAT_SRC, linux/netfilter_ipv4.h
    private const int ManglePriority = -150;   // NF_IP_PRI_MANGLE

    /// <summary>The whole table as a document for <c>nft -j -f -</c> (libnftables-json(5)). Without rules it takes the table away.</summary>
    public static string Render(IEnumerable<DeviceRules> devices)
    {
        var wanted = devices.Where(d => d.ClampSegmentSize || !d.Translations.IsEmpty).OrderBy(d => d.Device, StringComparer.Ordinal).ToList();
        // Deleting what is not there is an error; adding what is there is none.
        var commands = new JsonArray(Do("add", "table", Table()), Do("delete", "table", Table()));
        if (wanted.Count > 0)
        {
            commands.Add(Do("add", "table", Table()));
            commands.Add(Do("add", "chain", Chain("nat", "nat", "postrouting", SourceNatPriority)));
            commands.Add(Do("add", "chain", Chain("mss", "filter", "forward", ManglePriority)));
            foreach (var device in wanted)
            {
                foreach (var translation in device.Translations.OrderByDescending(t => t.Prefix.PrefixLength).ThenBy(t => t.Prefix.ToString(), StringComparer.Ordinal))
                    commands.Add(Do("add", "rule", Rule("nat", $"tunnel {device.Device}", Translate(device.Device, translation))));
                if (!device.ClampSegmentSize) continue;
                foreach (var direction in new[] { "iifname", "oifname" })
                    commands.Add(Do("add", "rule", Rule("mss", $"tunnel {device.Device}", Clamp(direction, device.Device))));
            }
        }

        return new JsonObject { ["nftables"] = commands }.ToJsonString();
    }

    /// <summary>Replaces the table, or takes it away, by a document of <see cref="Render"/>. Throws <see cref="PortException"/> with nft's own words.</summary>
    public static void Apply(string document)
    {
        if (NftProgram.Run(document, "-j", "-f", "-").Problem is { } problem) throw Refused(problem);
    }

    /// <summary>
    /// What the table is now, in a form to compare; null where there is none. Throws <see cref="PortException"/> where it cannot be read, and where a
    /// table of that name has rules and none of them is from here.
    /// </summary>
    public static string? Read()
    {
        var listed = NftProgram.Run(null, "-j", "list", "table", Family, Name);
        if (listed.Problem is { } problem)
        {
            return problem.Contains("No such file or directory", StringComparison.Ordinal) ? null : throw Refused(problem);
        }

        var objects = JsonNode.Parse(listed.Output)?["nftables"]?.AsArray() ?? [];
        // Handles count up with every replacement; all else is as it was written.
        foreach (var item in objects.Select(o => o!.AsObject().First().Value).OfType<JsonObject>()) item.Remove("handle");
        var rules = objects.Select(o => o!["rule"]).OfType<JsonObject>().ToList();
        if (rules.Count > 0 && !rules.Any(r => r["comment"]?.GetValue<string>().StartsWith(CommentStart, StringComparison.Ordinal) == true))
        {
            throw new PortException($"There is an nftables table '{Family} {Name}' that was not made here; it is left alone.",
                $"Give it another name, or delete it: nft delete table {Family} {Name}");
        }

        return string.Join('\n', objects.Where(o => o!["metainfo"] is null).Select(o => o!.ToJsonString()));
    }

    private static PortException Refused(string problem) => new(problem, problem.Contains("not installed", StringComparison.Ordinal)
        ? "Install it (apt-get install nftables), or take NAT and MSS clamping off the tunnels."
        : problem.Contains("CAP_NET_ADMIN", StringComparison.Ordinal)
            ? "Give the process CAP_NET_ADMIN (container: --cap-add NET_ADMIN)."
            : "See that the kernel has nf_tables with NAT (modprobe nft_masq), and what nft list ruleset says.");

    private static JsonObject Table() => new() { ["family"] = Family, ["name"] = Name };

    private static JsonObject Chain(string name, string type, string hook, int priority) => new()
    {
        ["family"] = Family,
        ["table"] = Name,
        ["name"] = name,
        ["type"] = type,
        ["hook"] = hook,
        ["prio"] = priority,
        ["policy"] = "accept",
    };

    private static JsonObject Rule(string chain, string comment, JsonArray expressions) => new()
    {
        ["family"] = Family,
        ["table"] = Name,
        ["chain"] = chain,
        ["comment"] = CommentStart + comment,
        ["expr"] = expressions,
    };

    private static JsonArray Translate(string device, SourceTranslation translation)
    {
        var isV4 = translation.Prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        var (protocol, family) = isV4 ? ("ip", "ipv4") : ("ip6", "ipv6");
        return
        [
            Match("==", Meta("iifname"), device),
            // From one peer to another: both ends know the address.
            Match("!=", Meta("oifname"), device),
            translation.Prefix.PrefixLength == 0
                ? Match("==", Meta("nfproto"), family)
                : Match("==", new JsonObject { ["payload"] = new JsonObject { ["protocol"] = protocol, ["field"] = "daddr" } }, Prefix(translation.Prefix)),
            translation.Masquerade ? new JsonObject { ["masquerade"] = null }
                : translation.Address is null ? new JsonObject { ["accept"] = null }
                : new JsonObject { ["snat"] = new JsonObject { ["family"] = protocol, ["addr"] = translation.Address.ToString() } },
        ];
    }

    // "rt mtu" is the smaller of both directions' route MTUs less the headers (nft_rt.c: get_tcpmss), and the option is never raised (nft_exthdr.c).
    private static JsonArray Clamp(string direction, string device) =>
    [
        Match("==", Meta(direction), device),
        Match("==", new JsonObject { ["&"] = new JsonArray(new JsonObject { ["payload"] = new JsonObject { ["protocol"] = "tcp", ["field"] = "flags" } }, new JsonArray("syn", "rst")) }, "syn"),
        new JsonObject
        {
            ["mangle"] = new JsonObject
            {
                ["key"] = new JsonObject { ["tcp option"] = new JsonObject { ["name"] = "maxseg", ["field"] = "size" } },
                ["value"] = new JsonObject { ["rt"] = new JsonObject { ["key"] = "mtu" } },
            },
        },
    ];

    private static JsonNode Prefix(IPNetwork prefix) => prefix.PrefixLength == (prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)
        ? prefix.BaseAddress.ToString()
        : new JsonObject { ["prefix"] = new JsonObject { ["addr"] = prefix.BaseAddress.ToString(), ["len"] = prefix.PrefixLength } };

    private static JsonObject Match(string op, JsonNode left, JsonNode right) =>
        new() { ["match"] = new JsonObject { ["op"] = op, ["left"] = left, ["right"] = right } };

    private static JsonObject Meta(string key) => new() { ["meta"] = new JsonObject { ["key"] = key } };

    private static JsonObject Do(string verb, string what, JsonObject value) => new() { [verb] = new JsonObject { [what] = value } };
}
