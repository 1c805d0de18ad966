using System.Net;
using System.Runtime.InteropServices;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>A packet, as the kernel's routing sees it.</summary>
/// <param name="Destination">Where to.</param>
public sealed record RouteQuestion(IPAddress Destination)
{
    /// <summary>Where from; null = the kernel chooses (only for a packet of this host).</summary>
    public IPAddress? Source { get; init; }

    /// <summary>The device that it arrives on: forwarding and reverse-path filter apply then. 0 = this host sends it.</summary>
    public int InputLinkIndex { get; init; }

    /// <summary>The firewall mark that it carries.</summary>
    public uint FirewallMark { get; init; }

    /// <summary>The IP protocol number, for policy rules that ask for it; 0 = not said.</summary>
    public byte Protocol { get; init; }

    /// <summary>The destination port, likewise.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>The source port, likewise.</summary>
    public ushort SourcePort { get; init; }
}

/// <summary>What the kernel would do with a packet, in full.</summary>
/// <param name="Route">The way it takes; null when refused. Its prefix is the destination itself, its table the one that decided.</param>
/// <param name="Entry">The entry of the routing table that decided (RTM_F_FIB_MATCH); null when refused, or on kernels that do not tell.</param>
/// <param name="PathMtu">The path MTU that the kernel has learned or was told for this destination; 0 = none.</param>
/// <param name="Error">0, or the errno as it came; see <see cref="RouteLookup.Error"/>.</param>
/// <param name="Words">The errno in words; empty when there is none.</param>
public sealed record RouteAnswer(KernelRoute? Route, KernelRoute? Entry, int PathMtu, int Error, string Words);

/// <summary>What the kernel knows of a neighbour on a link (NUD_… of linux/neighbour.h).</summary>
public enum NeighbourState
{
    /// <summary>Nothing: it was never asked for.</summary>
    None = 0,
    /// <summary>It is being asked for and has not answered yet.</summary>
    Incomplete = 1,
    /// <summary>It answered of late.</summary>
    Reachable = 2,
    /// <summary>It answered once; not asked again since.</summary>
    Stale = 4,
    /// <summary>A packet went to it; it is asked again in a moment if nothing comes back.</summary>
    Delay = 8,
    /// <summary>It is being asked again.</summary>
    Probe = 16,
    /// <summary>It was asked and did not answer.</summary>
    Failed = 32,
    /// <summary>The link has no neighbour discovery.</summary>
    NoArp = 64,
    /// <summary>Set by hand.</summary>
    Permanent = 128,
}

/// <summary>A neighbour.</summary>
/// <param name="State">How sure the kernel is of it.</param>
/// <param name="LinkAddress">Its hardware address; null when not known.</param>
public sealed record KernelNeighbour(NeighbourState State, string? LinkAddress);

/// <summary>A policy rule (ip rule), as far as it can be shown.</summary>
/// <param name="Priority">Lower comes first.</param>
/// <param name="Source">Of which sources; null = all.</param>
/// <param name="Destination">Of which destinations; null = all.</param>
/// <param name="InputName">Arriving on which device; null = any.</param>
/// <param name="OutputName">Bound to which device; null = any.</param>
/// <param name="Mark">With which mark; 0 = any.</param>
/// <param name="Table">The table that it leads to.</param>
public sealed record KernelRule(uint Priority, IPNetwork? Source, IPNetwork? Destination, string? InputName, string? OutputName, uint Mark, uint Table);

/// <summary>Single questions to the kernel of the calling thread's network namespace; nothing is cached, nothing changed.</summary>
public static class KernelLookups
{
    /// <summary>Asks what the kernel would do with a packet (RTM_GETROUTE), and which entry decides it. Throws <see cref="PortException"/>.</summary>
    public static RouteAnswer LookUpRoute(RouteQuestion question)
    {
        ArgumentNullException.ThrowIfNull(question);
        using var socket = new NetlinkSocket();
        KernelRoute? route = null;
        var pathMtu = 0;
        // IPv6 always tells the table, and refuses the flag that asks for it (inet6_rtm_valid_getroute_req).
        var tellTable = question.Destination.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? Rtnetlink.RouteFlagLookupTable : 0;
        var error = Ask(socket, question, tellTable, payload => (route, pathMtu) = (KernelNetwork.ParseRoute(payload), ReadMtu(payload)), out var words);
        if (error != 0) return new RouteAnswer(null, null, 0, error, words is null ? Errno.Describe(error) : $"{Errno.Describe(error)}: {words}");
        KernelRoute? entry = null;
        // The entry alone may be refused where the route was not (older kernels): then it is simply not shown.
        if (Ask(socket, question, tellTable | Rtnetlink.RouteFlagFibMatch, payload => entry = KernelNetwork.ParseRoute(payload), out _) != 0) entry = null;
        return new RouteAnswer(route, entry, pathMtu, 0, "");
    }

    /// <summary>What the kernel knows of a neighbour; null when nothing (RTM_GETNEIGH). Throws <see cref="PortException"/>.</summary>
    public static KernelNeighbour? FindNeighbour(IPAddress address, int linkIndex)
    {
        ArgumentNullException.ThrowIfNull(address);
        using var socket = new NetlinkSocket();
        KernelNeighbour? found = null;
        _ = socket.Ask(Rtnetlink.GetNeighbour, Rtnetlink.NeighbourBytes, (fixedPart, attributes) =>
        {
            fixedPart[0] = KernelNetwork.Family(address);
            MemoryMarshal.Write(fixedPart[4..], linkIndex);
            return KernelNetwork.PutAddress(attributes, Rtnetlink.NeighbourDestination, address);
        }, (_, payload) =>
        {
            if (payload.Length < Rtnetlink.NeighbourBytes) return;
            string? linkAddress = null;
            var attributes = new NetlinkAttributes(payload[Rtnetlink.NeighbourBytes..]);
            while (attributes.Next())
            {
                if (attributes.Type == Rtnetlink.NeighbourLinkAddress) linkAddress = string.Join(':', attributes.Data.ToArray().Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
            }
            found = new KernelNeighbour((NeighbourState)MemoryMarshal.Read<ushort>(payload[8..]), linkAddress);
        }, out _);
        return found;
    }

    /// <summary>The policy rules of one family, by priority. Throws <see cref="PortException"/>.</summary>
    public static IReadOnlyList<KernelRule> ReadRules(System.Net.Sockets.AddressFamily family)
    {
        using var socket = new NetlinkSocket();
        var rules = new List<KernelRule>();
        var number = (byte)(family == System.Net.Sockets.AddressFamily.InterNetwork ? SocketNumbers.Inet : SocketNumbers.Inet6);
        // An interrupted dump may miss one: rules change rarely, and what decides is asked by a route look-up.
        _ = socket.Dump(Rtnetlink.GetRule, Rtnetlink.RuleBytes, (fixedPart, _) =>
        {
            fixedPart[0] = number;
            return 0;
        }, (_, payload) =>
        {
            if (payload.Length >= Rtnetlink.RuleBytes && payload[0] == number) rules.Add(ParseRule(payload));
        });
        return [.. rules.OrderBy(rule => rule.Priority)];
    }

    private static int Ask(NetlinkSocket socket, RouteQuestion question, uint flags, Action<ReadOnlySpan<byte>> handle, out string? words)
    {
        var bits = (byte)(question.Destination.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128);
        return socket.Ask(Rtnetlink.GetRoute, Rtnetlink.RouteBytes, (fixedPart, attributes) =>
        {
            fixedPart[0] = KernelNetwork.Family(question.Destination);
            fixedPart[1] = bits;
            MemoryMarshal.Write(fixedPart[8..], flags);
            var used = KernelNetwork.PutAddress(attributes, Rtnetlink.RouteDestination, question.Destination);
            if (question.Source is { } source)
            {
                fixedPart[2] = bits;
                used += KernelNetwork.PutAddress(attributes[used..], Rtnetlink.RouteSource, source);
            }
            if (question.InputLinkIndex != 0) used += KernelNetwork.PutValue(attributes[used..], Rtnetlink.RouteInputInterface, (uint)question.InputLinkIndex);
            if (question.FirewallMark != 0) used += KernelNetwork.PutValue(attributes[used..], Rtnetlink.RouteMark, question.FirewallMark);
            if (question.Protocol != 0) used += PutBytes(attributes[used..], Rtnetlink.RouteIpProtocol, [question.Protocol]);
            if (question.SourcePort != 0) used += PutPort(attributes[used..], Rtnetlink.RouteSourcePort, question.SourcePort);
            if (question.DestinationPort != 0) used += PutPort(attributes[used..], Rtnetlink.RouteDestinationPort, question.DestinationPort);
            return used;
        }, (_, payload) => handle(payload), out words);
    }

    private static int ReadMtu(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Rtnetlink.RouteBytes) return 0;
        var attributes = new NetlinkAttributes(payload[Rtnetlink.RouteBytes..]);
        while (attributes.Next())
        {
            if (attributes.Type != Rtnetlink.RouteMetrics) continue;
            var metrics = new NetlinkAttributes(attributes.Data);
            while (metrics.Next())
            {
                if (metrics.Type == Rtnetlink.MetricMtu) return (int)metrics.Value;
            }
        }
        return 0;
    }

    private static KernelRule ParseRule(ReadOnlySpan<byte> payload)
    {
        IPNetwork? source = null, destination = null;
        string? input = null, output = null;
        uint priority = 0, mark = 0, table = payload[4];
        var attributes = new NetlinkAttributes(payload[Rtnetlink.RuleBytes..]);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case Rtnetlink.RuleDestination: destination = KernelNetwork.ToAddress(attributes.Data) is { } to ? new IPNetwork(to, payload[1]) : null; break;
                case Rtnetlink.RuleSource: source = KernelNetwork.ToAddress(attributes.Data) is { } from ? new IPNetwork(from, payload[2]) : null; break;
                case Rtnetlink.RuleInputName: input = attributes.Text; break;
                case Rtnetlink.RuleOutputName: output = attributes.Text; break;
                case Rtnetlink.RulePriority: priority = attributes.Value; break;
                case Rtnetlink.RuleMark: mark = attributes.Value; break;
                case Rtnetlink.RuleTable: table = attributes.Value; break;
                default: break;
            }
        }
        return new KernelRule(priority, source, destination, input, output, mark, table);
    }

    // RTA_SPORT and RTA_DPORT are in network order (nla_put_be16).
    private static int PutPort(Span<byte> target, ushort type, ushort port) => PutBytes(target, type, [(byte)(port >> 8), (byte)port]);

    private static int PutBytes(Span<byte> target, ushort type, ReadOnlySpan<byte> bytes)
    {
        MemoryMarshal.Write(target, (ushort)(4 + bytes.Length));
        MemoryMarshal.Write(target[2..], type);
        bytes.CopyTo(target[4..]);
        return 8;
    }
}
