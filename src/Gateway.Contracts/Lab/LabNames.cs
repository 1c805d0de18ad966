namespace Gateway.Contracts.Lab;

/// <summary>The lab's hosts.</summary>
public static class LabHosts
{
    /// <summary>Host U, the client.</summary>
    public const string U = "u";
    /// <summary>The VPN gateway.</summary>
    public const string Gateway = "gw";
    /// <summary>Host V, on the intranet.</summary>
    public const string V = "v";

    /// <summary>All three.</summary>
    public static IReadOnlyList<string> All { get; } = [U, Gateway, V];
}

/// <summary>The six points where packets are watched, in the order of a packet's way from U to V.</summary>
public static class LabPoints
{
    /// <summary>U's tunnel device.</summary>
    public const string UTunnel = "u-tunnel";
    /// <summary>U's eth0, on the internet.</summary>
    public const string UOutside = "u-eth0";
    /// <summary>The gateway's eth0, on the internet.</summary>
    public const string GatewayOutside = "gw-eth0";
    /// <summary>The gateway's tunnel device.</summary>
    public const string GatewayTunnel = "gw-tunnel";
    /// <summary>The gateway's eth1, on the intranet.</summary>
    public const string GatewayInside = "gw-eth1";
    /// <summary>V's eth0.</summary>
    public const string V = "v-eth0";

    /// <summary>All six.</summary>
    public static IReadOnlyList<string> All { get; } = [UTunnel, UOutside, GatewayOutside, GatewayTunnel, GatewayInside, V];
}

/// <summary>Addresses and networks of the lab.</summary>
public static class LabAddresses
{
    /// <summary>U on the internet.</summary>
    public const string U = "10.0.2.7";
    /// <summary>The gateway on the internet.</summary>
    public const string GatewayOutside = "10.0.2.8";
    /// <summary>The gateway on the intranet.</summary>
    public const string GatewayInside = "192.168.60.1";
    /// <summary>V.</summary>
    public const string V = "192.168.60.101";
    /// <summary>The intranet itself, which nobody answers for.</summary>
    public const string IntranetItself = "192.168.60.0";
    /// <summary>The intranet.</summary>
    public const string Intranet = "192.168.60.0/24";
    /// <summary>A router on the internet that is not there.</summary>
    public const string NoRouter = "10.0.2.254";
    /// <summary>The network inside the WireGuard tunnel.</summary>
    public const string Internal = "192.168.53.0/24";
    /// <summary>The gateway in the WireGuard tunnel.</summary>
    public const string WireGuardGateway = "192.168.53.1";
    /// <summary>U in the WireGuard tunnel.</summary>
    public const string WireGuardU = "192.168.53.99";
    /// <summary>The gateway in the plain tunnel.</summary>
    public const string PlainGateway = "192.168.54.98";
    /// <summary>U in the plain tunnel.</summary>
    public const string PlainU = "192.168.54.99";
    /// <summary>The gateway in the TAP tunnel.</summary>
    public const string TapGateway = "192.168.55.98";
    /// <summary>U in the TAP tunnel.</summary>
    public const string TapU = "192.168.55.99";
    /// <summary>An address of the TAP tunnel's network that nobody has.</summary>
    public const string TapNobody = "192.168.55.1";
    /// <summary>Where U's tunnel address is moved to.</summary>
    public const string MovedU = "192.168.30.99";
    /// <summary>The network of that address.</summary>
    public const string MovedNetwork = "192.168.30.0/24";
    /// <summary>Port of the WireGuard tunnel.</summary>
    public const int WireGuardPort = 51820;
    /// <summary>Port of the plain tunnel.</summary>
    public const int PlainPort = 9090;
    /// <summary>Port of the TAP tunnel.</summary>
    public const int TapPort = 9091;
    /// <summary>Port of the service on V that answers lines.</summary>
    public const int ServicePort = 23;
}

/// <summary>What U's end of the tunnel can be.</summary>
public static class LabClients
{
    /// <summary><c>gateway connect host-u.conf</c>: the WireGuard tunnel that <c>make lab</c> sets up.</summary>
    public const string WireGuard = "wireguard";
    /// <summary><c>gateway connect --plain</c>: raw IP packets in UDP datagrams.</summary>
    public const string Plain = "plain";
    /// <summary><c>gateway connect --plain --tap</c>: raw Ethernet frames in UDP datagrams.</summary>
    public const string Tap = "tap";
    /// <summary><c>gateway device</c>: a TUN device without an address, and nobody behind it.</summary>
    public const string Device = "device";
}
