namespace Gateway.Contracts;

/// <summary>What is inside a tunnel's datagrams.</summary>
public static class Transports
{
    /// <summary>The WireGuard protocol.</summary>
    public const string WireGuard = "wireguard";
    /// <summary>One raw packet a datagram; no security.</summary>
    public const string Plain = "plain";
}

/// <summary>What a tunnel's device carries.</summary>
public static class Layers
{
    /// <summary>IP packets (TUN).</summary>
    public const string Ip = "ip";
    /// <summary>Ethernet frames (TAP).</summary>
    public const string Ethernet = "ethernet";
}

/// <summary>Where a route is installed.</summary>
public static class InstallOn
{
    /// <summary>The client sends the prefix into the tunnel.</summary>
    public const string Client = "client";
    /// <summary>The prefix lies behind the client.</summary>
    public const string Gateway = "gateway";
}

/// <summary>Values of rp_filter.</summary>
public static class RpFilters
{
    /// <summary>0: no check.</summary>
    public const string Off = "off";
    /// <summary>1: the source must be routed out of the device that the packet came in on.</summary>
    public const string Strict = "strict";
    /// <summary>2: the source must be routed somewhere.</summary>
    public const string Loose = "loose";
}

/// <summary>What a peer did in the last 180 s.</summary>
public static class PeerStates
{
    /// <summary>Data both ways.</summary>
    public const string Working = "working";
    /// <summary>Data from it only.</summary>
    public const string ReceiveOnly = "receive-only";
    /// <summary>Data to it only.</summary>
    public const string SendOnly = "send-only";
    /// <summary>A session, no data.</summary>
    public const string HandshakeOnly = "handshake-only";
    /// <summary>Had a session; none is needed now.</summary>
    public const string Idle = "idle";
    /// <summary>No handshake yet.</summary>
    public const string Never = "never";
}

/// <summary>Where a crafted packet is written.</summary>
public static class PacketTargets
{
    /// <summary>To the device, as if a peer had sent it.</summary>
    public const string Device = "device";
    /// <summary>To a peer, as if it had been read from the device.</summary>
    public const string Peer = "peer";
}
