using System.Net;
using System.Net.Sockets;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Web;

namespace Gateway.Features.Explain;

/// <summary>Reads the packet of a request, and fills in what was left out.</summary>
internal static class PacketRules
{
    /// <summary>The packet; null where something is wrong, which is then among the errors.</summary>
    public static PacketQuestion? Read(ExplainRequest request, Peer? peer, RuleErrors errors)
    {
        var destination = ReadAddress("destination", request.Destination, errors);
        if (request.Destination is null) errors.Add("destination", "It is missing.", "Give the inner destination, such as 192.168.60.101.");
        var source = ReadAddress("source", request.Source, errors);
        if (destination is not null && source is not null && source.AddressFamily != destination.AddressFamily)
            errors.Add("source", $"{source} and {destination} are of different families.", "Give two IPv4 or two IPv6 addresses, or leave the source out.");
        if (peer is not null && destination is not null && request.Source is null && (source = OwnAddress(peer, destination.AddressFamily)) is null)
            errors.Add("source", $"Peer '{peer.Name}' has no {(destination.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} address of its own.", "Give the inner source.");
        var protocol = ReadProtocol(request, destination, errors);
        return source is not null && destination is not null && protocol is { } number ? new PacketQuestion(source, destination, number, (ushort)(request.Port ?? 0)) : null;
    }

    private static byte? ReadProtocol(ExplainRequest request, IPAddress? destination, RuleErrors errors)
    {
        var protocol = request.Protocol ?? ExplainProtocols.Icmp;
        if (protocol is not (ExplainProtocols.Icmp or ExplainProtocols.Tcp or ExplainProtocols.Udp))
        {
            errors.Add("protocol", $"'{protocol}' is not known.", "It is icmp, tcp or udp.");
            return null;
        }

        if (protocol == ExplainProtocols.Icmp)
        {
            if (request.Port is not null) errors.Add("port", "ICMP has no ports.", "Leave it out, or choose tcp or udp.");
            return destination?.AddressFamily == AddressFamily.InterNetworkV6 ? (byte)58 : (byte)1;
        }

        if (request.Port is not (> 0 and <= 65_535)) errors.Add("port", request.Port is null ? $"It is missing: {protocol} has ports." : $"{request.Port} is no port.", "Give the destination port, 1 to 65535.");
        return protocol == ExplainProtocols.Tcp ? (byte)6 : (byte)17;
    }

    private static IPAddress? ReadAddress(string field, string? text, RuleErrors errors)
    {
        if (text is null) return null;
        if (!text.Contains('/', StringComparison.Ordinal) && Addresses.TryReadPrefix(text, out var prefix, out _)) return prefix.BaseAddress;
        errors.Add(field, $"'{text}' is no IPv4 or IPv6 address.", "Write it like 192.168.60.101 or fd60::101.");
        return null;
    }

    private static IPAddress? OwnAddress(Peer peer, AddressFamily family) =>
        peer.Prefixes.Where(p => p.Kind == PrefixKind.Address).OrderBy(p => p.Prefix, StringComparer.Ordinal).Select(p => IPNetwork.Parse(p.Prefix).BaseAddress).FirstOrDefault(a => a.AddressFamily == family);
}
