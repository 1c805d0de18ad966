using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.Engine;

namespace Gateway.Reconcile;

/// <summary>
/// Reads addresses, prefixes and endpoints as people write them, strictly: the framework's parser also takes "10.1" and "0x7f.1".
/// Where one cannot be read, <c>error</c> is a sentence that says why.
/// </summary>
internal static class Addresses
{
    /// <summary>An address with its prefix length, host bits and all: 192.168.53.1/24.</summary>
    public static bool TryReadInterface(string? text, [NotNullWhen(true)] out InterfaceAddress? address, out string error)
    {
        address = null;
        if (!TrySplit(text, requireLength: true, out var ip, out var length, out error)) return false;
        address = new InterfaceAddress(ip, length);
        return true;
    }

    /// <summary>A prefix without host bits; a bare address counts as the prefix of itself.</summary>
    public static bool TryReadPrefix(string? text, out IPNetwork prefix, out string error)
    {
        prefix = default;
        if (!TrySplit(text, requireLength: false, out var ip, out var length, out error)) return false;
        var network = new InterfaceAddress(ip, length).Network;
        if (!network.BaseAddress.Equals(ip))
        {
            error = $"'{text}' has host bits set: the network is {network}, the single address {ip}/{MaxLength(ip)}.";
            return false;
        }

        prefix = network;
        return true;
    }

    /// <summary>host:port, with an IPv6 address in brackets.</summary>
    public static bool TryReadEndpoint(string? text, out Endpoint endpoint, out string error)
    {
        endpoint = default;
        error = $"'{text}' is no endpoint.";
        var colon = text?.LastIndexOf(':') ?? -1;
        if (text is null || colon <= 0) return false;
        if (!ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            error = $"'{text[(colon + 1)..]}' is no UDP port.";
            return false;
        }

        var host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            if (!IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out var v6) || v6.AddressFamily != AddressFamily.InterNetworkV6) return false;
            endpoint = new Endpoint(host[1..^1], v6, port);
            return true;
        }

        if (TryReadAddress(host, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork)
        {
            endpoint = new Endpoint(host, v4, port);
            return true;
        }

        // All digits and dots was meant as an address (RFC 3986 §3.2.2 prefers that reading too).
        if (host.All(c => char.IsAsciiDigit(c) || c == '.') || !IsHostName(host)) return false;
        endpoint = new Endpoint(host, null, port);
        return true;
    }

    public static int MaxLength(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;

    private static bool TrySplit(string? text, bool requireLength, [NotNullWhen(true)] out IPAddress? ip, out int length, out string error)
    {
        (ip, length) = (null, 0);
        var slash = text?.IndexOf('/') ?? -1;
        if (text is null || !TryReadAddress(slash < 0 ? text : text[..slash], out ip))
        {
            error = $"'{text}' is neither an IPv4 nor an IPv6 address with a prefix length.";
            return false;
        }

        error = $"'{text}' has no prefix length.";
        length = MaxLength(ip);
        if (slash < 0) return !requireLength;
        error = $"'{text}' has a prefix length that is not 0 to {MaxLength(ip)}.";
        return int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= MaxLength(ip);
    }

    /// <summary>One address without a prefix length.</summary>
    public static bool TryReadAddress(string text, [NotNullWhen(true)] out IPAddress? address)
    {
        if (!IPAddress.TryParse(text, out address) || text.Contains('%', StringComparison.Ordinal) || text.Contains('[', StringComparison.Ordinal)) return false;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? !address.IsIPv4MappedToIPv6 : address.ToString() == text;
    }

    // RFC 1123 §2.1: letters, digits and hyphens in labels of at most 63, 253 in all. The underscore is in use, so it passes.
    public static bool IsHostName(string host) => host.Length <= 253 && host.TrimEnd('.').Split('.').All(label =>
        label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
}

/// <summary>Where something can be reached: an address, or a name that still has to be looked up.</summary>
internal readonly record struct Endpoint(string Host, IPAddress? Address, ushort Port)
{
    public IPEndPoint? ToIPEndPoint() => Address is null ? null : new IPEndPoint(Address, Port);
}
