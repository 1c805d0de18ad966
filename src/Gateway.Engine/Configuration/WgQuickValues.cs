using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Gateway.Engine;

/// <summary>
/// The values of wg's file and socket formats. Stricter than the framework where that accepts what nobody means: "10.1" is no address here.
/// </summary>
public static class WgQuickValues
{
    /// <summary>Reads an address in its usual form; <paramref name="allowZone"/> lets an IPv6 address end in %eth0.</summary>
    public static bool TryParseAddress(ReadOnlySpan<char> text, bool allowZone, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        // IPAddress reads "[::1]:80" as ::1, and inet_aton's short, octal and hexadecimal IPv4 forms.
        if (text.ContainsAny('[', ']') || (!allowZone && text.Contains('%'))) return false;
        if (!IPAddress.TryParse(text, out var parsed)) return false;
        if (parsed.AddressFamily == AddressFamily.InterNetwork && !text.SequenceEqual(parsed.ToString())) return false;
        address = parsed;
        return true;
    }

    /// <summary>Reads an address with a prefix length ("10.0.0.1/24"); without one it is 32 or 128 if <paramref name="lengthOptional"/>.</summary>
    public static bool TryParseInterfaceAddress(ReadOnlySpan<char> text, bool lengthOptional, [NotNullWhen(true)] out InterfaceAddress? result)
    {
        result = null;
        var slash = text.IndexOf('/');
        if (slash < 0 && !lengthOptional) return false;
        if (!TryParseAddress(slash < 0 ? text : text[..slash], allowZone: false, out var address)) return false;
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var length = bits;
        if (slash >= 0 && (!TryParseNumber(text[(slash + 1)..], (uint)bits, out var given) || (length = (int)given) < 0)) return false;
        result = new InterfaceAddress(address, length);
        return true;
    }

    /// <summary>Reads a prefix and clears its host bits, as wg does with allowed IPs.</summary>
    public static bool TryParsePrefix(ReadOnlySpan<char> text, bool lengthOptional, out IPNetwork prefix)
    {
        prefix = default;
        if (!TryParseInterfaceAddress(text, lengthOptional, out var address)) return false;
        prefix = address.Network;
        return true;
    }

    /// <summary>Reads "host:port" or "[address]:port". A name is taken as it is; an IPv6 address needs its brackets.</summary>
    public static bool TryParseEndpoint(ReadOnlySpan<char> text, [NotNullWhen(true)] out WgQuickEndpoint? endpoint)
    {
        endpoint = null;
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !TryParseNumber(text[(colon + 1)..], ushort.MaxValue, out var port) || port == 0) return false;
        var host = text[..colon];
        if (host[0] == '[')
        {
            if (host[^1] != ']') return false;
            host = host[1..^1];
            if (!TryParseAddress(host, allowZone: true, out var address) || address.AddressFamily != AddressFamily.InterNetworkV6) return false;
        }
        else if (!IsHostName(host))
        {
            return false;
        }

        endpoint = new WgQuickEndpoint(host.ToString(), (ushort)port);
        return true;
    }

    /// <summary>Reads decimal digits only: no sign, no space, no thousands.</summary>
    public static bool TryParseNumber(ReadOnlySpan<char> text, uint maximum, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= maximum;

    /// <summary>Whether the kernel takes this as a device's name (dev_valid_name in net/core/dev.c), or as a pattern with one %d.</summary>
    public static bool IsDeviceName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > 15 || name is "." or "..") return false;
        foreach (var c in name)
        {
            if (c is '/' or ':' || !char.IsAscii(c) || char.IsWhiteSpace(c) || char.IsControl(c)) return false;
        }

        var percent = name.IndexOf('%', StringComparison.Ordinal);
        return percent < 0 || (name.AsSpan(percent).StartsWith("%d") && name.LastIndexOf('%') == percent);
    }

    // RFC 1123 §2.1 names, with the underscore that local names have. All digits and dots would be an address, and a wrong one if it got here.
    private static bool IsHostName(ReadOnlySpan<char> host)
    {
        if (TryParseAddress(host, allowZone: false, out var address)) return address.AddressFamily == AddressFamily.InterNetwork;
        if (host.Length > 253 || host[0] is '.' or '-') return false;
        var onlyNumbers = true;
        foreach (var c in host)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_')) return false;
            onlyNumbers &= char.IsAsciiDigit(c) || c == '.';
        }

        return !onlyNumbers && !host.Contains("..", StringComparison.Ordinal);
    }
}
