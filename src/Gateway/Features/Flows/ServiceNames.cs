using System.Collections.Frozen;

namespace Gateway.Features.Flows;

/// <summary>Protocols and ports in the words that people know them by (IANA).</summary>
internal static class ServiceNames
{
    private static readonly FrozenDictionary<int, string> s_protocols = new Dictionary<int, string>
    {
        [1] = "icmp",
        [2] = "igmp",
        [6] = "tcp",
        [17] = "udp",
        [33] = "dccp",
        [47] = "gre",
        [50] = "esp",
        [51] = "ah",
        [58] = "icmp6",
        [89] = "ospf",
        [103] = "pim",
        [112] = "vrrp",
        [115] = "l2tp",
        [132] = "sctp",
        [136] = "udplite",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<int, string> s_ports = new Dictionary<int, string>
    {
        [20] = "ftp-data",
        [21] = "ftp",
        [22] = "ssh",
        [23] = "telnet",
        [25] = "smtp",
        [53] = "dns",
        [67] = "dhcp",
        [68] = "dhcp",
        [69] = "tftp",
        [80] = "http",
        [88] = "kerberos",
        [110] = "pop3",
        [111] = "rpcbind",
        [123] = "ntp",
        [135] = "msrpc",
        [137] = "netbios-ns",
        [138] = "netbios-dgm",
        [139] = "netbios-ssn",
        [143] = "imap",
        [161] = "snmp",
        [162] = "snmp-trap",
        [179] = "bgp",
        [389] = "ldap",
        [443] = "https",
        [445] = "smb",
        [465] = "smtps",
        [500] = "isakmp",
        [514] = "syslog",
        [515] = "printer",
        [546] = "dhcpv6",
        [547] = "dhcpv6",
        [548] = "afp",
        [554] = "rtsp",
        [587] = "submission",
        [631] = "ipp",
        [636] = "ldaps",
        [853] = "dns-over-tls",
        [873] = "rsync",
        [989] = "ftps-data",
        [990] = "ftps",
        [993] = "imaps",
        [995] = "pop3s",
        [1194] = "openvpn",
        [1433] = "mssql",
        [1521] = "oracle",
        [1723] = "pptp",
        [1812] = "radius",
        [1813] = "radius-acct",
        [1883] = "mqtt",
        [1900] = "ssdp",
        [2049] = "nfs",
        [3128] = "squid",
        [3260] = "iscsi",
        [3306] = "mysql",
        [3389] = "rdp",
        [3478] = "stun",
        [4500] = "ipsec-nat-t",
        [5060] = "sip",
        [5061] = "sips",
        [5201] = "iperf3",
        [5222] = "xmpp",
        [5353] = "mdns",
        [5355] = "llmnr",
        [5432] = "postgresql",
        [5672] = "amqp",
        [5900] = "vnc",
        [6379] = "redis",
        [6443] = "kubernetes",
        [8080] = "http-alt",
        [8443] = "https-alt",
        [8883] = "mqtts",
        [9090] = "prometheus",
        [9100] = "jetdirect",
        [9200] = "elasticsearch",
        [11211] = "memcached",
        [27017] = "mongodb",
        [51820] = "wireguard",
    }.ToFrozenDictionary();

    /// <summary>Names for filters, the likeliest first.</summary>
    public static string[] Protocols { get; } = ["tcp", "udp", "icmp", "icmp6", "sctp", "gre", "esp"];

    /// <summary>"tcp"; its number where it has no name here.</summary>
    public static string Protocol(int number) => s_protocols.TryGetValue(number, out var name) ? name : number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>"https"; null where nothing in particular answers there.</summary>
    public static string? Port(string protocol, int port) => protocol is "tcp" or "udp" or "sctp" && s_ports.TryGetValue(port, out var name) ? name : null;
}
