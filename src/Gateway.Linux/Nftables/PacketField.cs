using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Gateway.Linux.Nftables;

/// <summary>What a field's value is.</summary>
internal enum FieldKind { Absent, Unknown, Address, Number, Text, Parts }

/// <summary>The value that a rule's expression has for a packet.</summary>
internal readonly record struct PacketField(FieldKind Kind)
{
    private static readonly string[] s_tcpFlags = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];

    // The names that nft writes instead of numbers, where this program can meet them.
    private static readonly Dictionary<string, ulong> s_protocols = new()
    {
        ["icmp"] = 1,
        ["igmp"] = 2,
        ["ipencap"] = 4,
        ["tcp"] = 6,
        ["udp"] = 17,
        ["ipv6"] = 41,
        ["gre"] = 47,
        ["esp"] = 50,
        ["ah"] = 51,
        ["ipv6-icmp"] = 58,
        ["icmpv6"] = 58,
        ["sctp"] = 132,
    };

    private static readonly Dictionary<string, ulong> s_icmpTypes = new()
    {
        ["echo-reply"] = 0,
        ["destination-unreachable"] = 3,
        ["redirect"] = 5,
        ["echo-request"] = 8,
        ["time-exceeded"] = 11,
        ["parameter-problem"] = 12,
    };

    private static readonly Dictionary<string, ulong> s_icmp6Types = new()
    {
        ["destination-unreachable"] = 1,
        ["packet-too-big"] = 2,
        ["time-exceeded"] = 3,
        ["parameter-problem"] = 4,
        ["echo-request"] = 128,
        ["echo-reply"] = 129,
    };

    public IPAddress? Address { get; private init; }

    public ulong Number { get; private init; }

    public string Text { get; private init; } = "";

    public PacketField[]? Parts { get; private init; }

    /// <summary>Whether single bits have a meaning (TCP flags).</summary>
    public bool IsBits { get; private init; }

    public bool Exists => Kind != FieldKind.Text || Text.Length > 0;

    private Dictionary<string, ulong>? Names { get; init; }

    public static PacketField Read(JsonElement expression, FirewallPacket packet, uint mark)
    {
        var member = expression.EnumerateObject().First();
        switch (member.Name)
        {
            case "payload": return Payload(member.Value, packet);
            case "meta": return Meta(member.Value.GetProperty("key").GetString()!, packet, mark);
            case "ct": return Tracking(member.Value, packet);
            case "fib": return Fib(member.Value, packet);
            case "concat":
                var parts = member.Value.EnumerateArray().Select(part => Read(part, packet, mark)).ToArray();
                if (parts.Any(part => part.Kind == FieldKind.Absent)) return default;
                return parts.FirstOrDefault(part => part.Kind == FieldKind.Unknown) is { Kind: FieldKind.Unknown } unknown ? unknown : new PacketField(FieldKind.Parts) { Parts = parts };
            case "&":
                var field = Read(member.Value[0], packet, mark);
                return field.Kind == FieldKind.Number && TryReadBits(member.Value[1], out var mask) ? field with { Number = field.Number & mask }
                    : field.Kind is FieldKind.Absent or FieldKind.Unknown ? field : Unknown("a masked field");
            default: return Unknown($"'{member.Name}'");
        }
    }

    /// <summary>Reads a bit mask: a number, a TCP flag's name, or several of these.</summary>
    public static bool TryReadBits(JsonElement element, out ulong bits)
    {
        bits = 0;
        switch (element.ValueKind)
        {
            case JsonValueKind.Number: return element.TryGetUInt64(out bits);
            case JsonValueKind.String:
                var flag = Array.IndexOf(s_tcpFlags, element.GetString());
                if (flag >= 0) bits = 1UL << flag;
                return flag >= 0;
            case JsonValueKind.Array: return TryReadAll(element, out bits);
            case JsonValueKind.Object when element.TryGetProperty("|", out var several): return TryReadAll(several, out bits);
            case JsonValueKind.Object when element.TryGetProperty("set", out var listed): return TryReadAll(listed, out bits);
            default: return false;
        }
    }

    public bool Is(string text)
    {
        switch (Kind)
        {
            case FieldKind.Address: return IPAddress.TryParse(text, out var address) && address.Equals(Address);
            case FieldKind.Number:
                if (Names?.TryGetValue(text, out var named) == true) return named == Number;
                return IsBits && TryReadFlag(text, out var bit) ? Number == bit : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number == Number;
            case FieldKind.Text: return text.EndsWith('*') ? Text.StartsWith(text[..^1], StringComparison.Ordinal) : text == Text;
            default: return false;
        }
    }

    public bool IsWithin(JsonElement low, JsonElement high)
    {
        if (Kind == FieldKind.Number && low.ValueKind == JsonValueKind.Number && high.ValueKind == JsonValueKind.Number) return Number >= low.GetUInt64() && Number <= high.GetUInt64();
        if (Kind != FieldKind.Address || !IPAddress.TryParse(low.GetString(), out var first) || !IPAddress.TryParse(high.GetString(), out var last) || first.AddressFamily != Address!.AddressFamily) return false;
        var bytes = Address.GetAddressBytes();
        return bytes.AsSpan().SequenceCompareTo(first.GetAddressBytes()) >= 0 && bytes.AsSpan().SequenceCompareTo(last.GetAddressBytes()) <= 0;
    }

    private static PacketField Payload(JsonElement payload, FirewallPacket packet)
    {
        if (!payload.TryGetProperty("protocol", out var of)) return Unknown("raw bytes");
        var (protocol, field) = (of.GetString()!, payload.GetProperty("field").GetString()!);
        var hasPorts = packet.Protocol is 6 or 17;
        // nft puts a test for the protocol before each field of it: of another protocol there is no such field.
        return (protocol, field) switch
        {
            ("ip", _) when packet.IsV6 => default,
            ("ip6", _) when !packet.IsV6 => default,
            ("ip" or "ip6", "saddr") => new PacketField(FieldKind.Address) { Address = packet.Source },
            ("ip" or "ip6", "daddr") => new PacketField(FieldKind.Address) { Address = packet.Destination },
            ("ip", "protocol") or ("ip6", "nexthdr") => Named(packet.Protocol, s_protocols),
            ("ip", "version") => Of(4),
            ("ip6", "version") => Of(6),
            ("ip", "length") => Of((ulong)packet.Length),
            ("ip" or "ip6", "dscp") => Of(0),
            ("tcp", _) when packet.Protocol != 6 => default,
            ("udp", _) when packet.Protocol != 17 => default,
            ("th", _) when !hasPorts => default,
            ("tcp" or "udp" or "th", "sport") => Of(packet.SourcePort),
            ("tcp" or "udp" or "th", "dport") => Of(packet.DestinationPort),
            // A conversation begins with SYN and is answered with SYN and ACK (RFC 9293 §3.5).
            ("tcp", "flags") => new PacketField(FieldKind.Number) { Number = packet.IsAnswer ? 0x12UL : 0x02UL, IsBits = true },
            ("icmp", _) when packet.Protocol != 1 => default,
            ("icmpv6", _) when packet.Protocol != 58 => default,
            ("icmp", "type") => Named(packet.IcmpType, s_icmpTypes),
            ("icmpv6", "type") => Named(packet.IcmpType, s_icmp6Types),
            ("icmp" or "icmpv6", "code") => Of(0),
            ("sctp" or "udplite" or "dccp" or "esp" or "ah" or "comp", _) => default,
            _ => Unknown($"{protocol} {field}"),
        };
    }

    private static PacketField Meta(string key, FirewallPacket packet, uint mark) => key switch
    {
        "iifname" or "iif" => Device(packet.InputDevice),
        "oifname" or "oif" => Device(packet.OutputDevice),
        "mark" => Of(mark),
        "l4proto" => Named(packet.Protocol, s_protocols),
        "nfproto" => new PacketField(FieldKind.Text) { Text = packet.IsV6 ? "ipv6" : "ipv4" },
        "protocol" => new PacketField(FieldKind.Text) { Text = packet.IsV6 ? "ip6" : "ip" },
        "length" => Of((ulong)packet.Length),
        _ => Unknown($"meta {key}"),
    };

    private static PacketField Tracking(JsonElement tracking, FirewallPacket packet) => tracking.GetProperty("key").GetString() switch
    {
        "state" => new PacketField(FieldKind.Text) { Text = packet.IsAnswer ? "established" : "new" },
        "direction" => new PacketField(FieldKind.Text) { Text = packet.IsAnswer ? "reply" : "original" },
        "status" when !packet.IsAnswer => new PacketField(FieldKind.Text) { Text = packet.IsDestinationTranslated ? "dnat" : "" },
        var key => Unknown($"ct {key}"),
    };

    private static PacketField Fib(JsonElement fib, FirewallPacket packet)
    {
        var flags = fib.GetProperty("flags") is { ValueKind: JsonValueKind.Array } several ? several.EnumerateArray().Select(flag => flag.GetString()).ToArray() : [fib.GetProperty("flags").GetString()];
        switch (fib.GetProperty("result").GetString())
        {
            case "oif" or "oifname" when flags.Contains("saddr"):
                // With the input device in the question, only a route by that device counts (nft_fib).
                var device = packet.SourceRouteDevice;
                return new PacketField(FieldKind.Text) { Text = device is not null && (!flags.Contains("iif") || device == packet.InputDevice) ? device : "" };
            case "type" when flags.Contains("daddr") && !flags.Contains("iif"):
                return new PacketField(FieldKind.Text) { Text = packet.DestinationIsLocal ? "local" : "unicast" };
            default: return Unknown("this kind of fib look-up");
        }
    }

    private static bool TryReadAll(JsonElement elements, out ulong bits)
    {
        bits = 0;
        if (elements.ValueKind != JsonValueKind.Array) return TryReadBits(elements, out bits);
        foreach (var element in elements.EnumerateArray())
        {
            if (!TryReadBits(element, out var one)) return false;
            bits |= one;
        }
        return true;
    }

    private static bool TryReadFlag(string text, out ulong bit)
    {
        var flag = Array.IndexOf(s_tcpFlags, text);
        bit = flag < 0 ? 0 : 1UL << flag;
        return flag >= 0;
    }

    private static PacketField Of(ulong number) => new(FieldKind.Number) { Number = number };

    private static PacketField Named(ulong number, Dictionary<string, ulong> names) => new(FieldKind.Number) { Number = number, Names = names };

    private static PacketField Device(string? name) => name is null ? default : new PacketField(FieldKind.Text) { Text = name };

    private static PacketField Unknown(string what) => new(FieldKind.Unknown) { Text = what };
}
