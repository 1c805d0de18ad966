using System.Net.Sockets;
using System.Text;
using Gateway.Contracts;
using Gateway.Reconcile;
using Gateway.Web;

namespace Gateway.Features.Tunnels;

/// <summary>What a tunnel must be like, whatever else there is.</summary>
internal static class TunnelRules
{
    public const int DefaultMtu = 1420;
    private const int MinMtu = 576;
    private const int MinMtuIPv6 = 1280;
    private const int MaxMtu = 9000;
    private const int MaxNameBytes = 15;
    private const int MaxAddresses = 64;
    private const int MaxDns = 16;

    /// <summary>Fills in what was left out.</summary>
    public static TunnelSettings WithDefaults(TunnelSettings settings) => settings with
    {
        Transport = settings.Transport ?? Transports.WireGuard,
        Layer = settings.Layer ?? Layers.Ip,
        ListenPort = settings.ListenPort ?? 0,
        Addresses = settings.Addresses ?? [],
        Nat = settings.Nat ?? [],
        ClampMss = settings.ClampMss ?? false,
        DnsServers = settings.DnsServers ?? [],
        SearchDomains = settings.SearchDomains ?? [],
        KeepaliveSeconds = settings.KeepaliveSeconds ?? 0,
        FirewallMark = settings.FirewallMark ?? 0,
    };

    public static void Check(TunnelSettings settings, RuleErrors errors)
    {
        if (NameProblem(settings.Name) is { } nameProblem)
            errors.Add("name", nameProblem, "A device name has 1 to 15 bytes without '/', ':' and blanks, such as wg0, or a pattern with one %d, such as zhang%d.");
        if (settings.Transport is not (Transports.WireGuard or Transports.Plain))
            errors.Add("transport", $"'{settings.Transport}' is not known.", "It is wireguard or plain.");
        if (settings.Layer is not (Layers.Ip or Layers.Ethernet))
            errors.Add("layer", $"'{settings.Layer}' is not known.", "It is ip or ethernet.");
        else if (settings.Layer == Layers.Ethernet && settings.Transport != Transports.Plain)
            errors.Add("layer", "ethernet does not go over wireguard, which carries IP packets only.", "Choose layer ip, or transport plain.");
        if (settings.ListenPort is < 0 or > 65535)
            errors.Add("listenPort", $"{settings.ListenPort} is no UDP port.", "It is 1 to 65535, or 0 to let the kernel pick one.");
        CheckAddresses(settings.Addresses!, errors, out var hasIPv6);
        var least = hasIPv6 ? MinMtuIPv6 : MinMtu;
        if (settings.Mtu < least || settings.Mtu > MaxMtu)
            errors.Add("mtu", $"{settings.Mtu} is out of range.", $"It is {least} to {MaxMtu}{(hasIPv6 ? " on a tunnel with IPv6 addresses" : "")}; left out, it is worked out from the path.");
        if (settings.Endpoint is not null && !Addresses.TryReadEndpoint(settings.Endpoint, out _, out var endpointProblem))
            errors.Add("endpoint", endpointProblem, "It is host:port, such as 203.0.113.5:51820, [2001:db8::5]:51820 or vpn.example.org:51820.");
        NatRules.Check(settings, errors);
        CheckDns(settings, errors);
        if (settings.KeepaliveSeconds is < 0 or > 65535)
            errors.Add("keepaliveSeconds", $"{settings.KeepaliveSeconds} is out of range.", "It is 1 to 65535, or 0 for none; 25 keeps most NATs open.");
        if (settings.FirewallMark is < 0 or > uint.MaxValue)
            errors.Add("firewallMark", $"{settings.FirewallMark} is out of range.", $"It is 1 to {uint.MaxValue}, or 0 for none.");
    }

    private static void CheckDns(TunnelSettings settings, RuleErrors errors)
    {
        var (servers, domains) = (settings.DnsServers!, settings.SearchDomains!);
        if (servers.Count > MaxDns) errors.Add("dnsServers", $"{servers.Count} are too many.", $"At most {MaxDns}.");
        if (domains.Count > MaxDns) errors.Add("searchDomains", $"{domains.Count} are too many.", $"At most {MaxDns}.");
        for (var i = 0; i < servers.Count; i++)
        {
            if (!Addresses.TryReadAddress(servers[i], out _)) errors.Add($"dnsServers[{i}]", $"'{servers[i]}' is no address.", "Give an IPv4 or IPv6 address, such as 192.168.60.53.");
        }

        for (var i = 0; i < domains.Count; i++)
        {
            // A name of digits and dots would be read as a server's address in the config file.
            if (!Addresses.IsHostName(domains[i]) || Addresses.TryReadAddress(domains[i], out _))
                errors.Add($"searchDomains[{i}]", $"'{domains[i]}' is no domain name.", "Give a name such as corp.example.org.");
        }
    }

    /// <summary>The kernel's rules for device names: dev_valid_name and dev_alloc_name (net/core/dev.c), sysctl_dev_name_is_allowed (net/ipv4/devinet.c).</summary>
    private static string? NameProblem(string? name)
    {
        if (string.IsNullOrEmpty(name)) return "It is missing.";
        if (Encoding.UTF8.GetByteCount(name) > MaxNameBytes) return $"'{name}' is longer than {MaxNameBytes} bytes.";
        if (name is "." or ".." or "all" or "default") return $"'{name}' is reserved by the kernel.";
        if (name.Any(c => c is '/' or ':' || char.IsWhiteSpace(c) || char.IsControl(c))) return $"'{name}' has a character that the kernel refuses.";
        var percent = name.IndexOf('%', StringComparison.Ordinal);
        if (percent < 0) return null;
        return percent != name.LastIndexOf('%') || !name.AsSpan(percent).StartsWith("%d") ? $"'{name}' is no pattern that the kernel takes." : null;
    }

    private static void CheckAddresses(IReadOnlyList<string> addresses, RuleErrors errors, out bool hasIPv6)
    {
        hasIPv6 = false;
        const string Expected = "An address is written with its prefix length, such as 192.168.53.1/24 or fd53::1/64.";
        if (addresses.Count > MaxAddresses) errors.Add("addresses", $"{addresses.Count} are too many.", $"At most {MaxAddresses}.");
        var seen = new HashSet<string>();
        for (var i = 0; i < addresses.Count; i++)
        {
            if (!Addresses.TryReadInterface(addresses[i], out var address, out var problem))
            {
                errors.Add($"addresses[{i}]", problem, Expected);
                continue;
            }

            var ip = address.Address;
            hasIPv6 |= ip.AddressFamily == AddressFamily.InterNetworkV6;
            if (System.Net.IPAddress.IsLoopback(ip) || ip.Equals(System.Net.IPAddress.Any) || ip.Equals(System.Net.IPAddress.IPv6Any) || IsMulticast(ip))
                errors.Add($"addresses[{i}]", $"'{ip}' is no address for a device.", Expected);
            else if (address.PrefixLength == 0)
                errors.Add($"addresses[{i}]", $"'{address}' would make the whole Internet the tunnel's own network.", Expected);
            else if (!seen.Add(ip.ToString()))
                errors.Add($"addresses[{i}]", $"'{ip}' is listed twice.", "List each address once.");
        }
    }

    private static bool IsMulticast(System.Net.IPAddress ip) =>
        ip.AddressFamily == AddressFamily.InterNetworkV6 ? ip.IsIPv6Multicast : ip.GetAddressBytes()[0] >= 224;
}
