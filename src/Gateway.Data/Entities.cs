namespace Gateway.Data;

/// <summary>One TUN or TAP device with its UDP port and key. Keys of all entities are version 7 GUIDs, times are UTC ticks (SQLite compares neither DateTimeOffset nor ulong).</summary>
public sealed class Tunnel
{
    /// <summary>Identifies it for good.</summary>
    public Guid Id { get; set; }

    /// <summary>The device's name or pattern; unique.</summary>
    public string Name { get; set; } = "";

    /// <summary>"wireguard" or "plain".</summary>
    public string Transport { get; set; } = "";

    /// <summary>"ip" or "ethernet".</summary>
    public string Layer { get; set; } = "";

    /// <summary>UDP port; 0 = the kernel picks one. Unique where not 0.</summary>
    public int ListenPort { get; set; }

    /// <summary>Addresses of the device with their prefix lengths, such as 192.168.53.1/24.</summary>
    public List<string> Addresses { get; set; } = [];

    /// <summary>Bytes; 0 = worked out from the path.</summary>
    public int Mtu { get; set; }

    /// <summary>SO_MARK of the tunnel's own datagrams, 32 bits; 0 = none.</summary>
    public long FirewallMark { get; set; }

    /// <summary>What clients dial, host:port; null = not said.</summary>
    public string? Endpoint { get; set; }

    /// <summary>What becomes of source addresses, by where packets go.</summary>
    public List<TunnelNat> Nat { get; set; } = [];

    /// <summary>Whether TCP's maximum segment size is lowered to what the path takes.</summary>
    public bool ClampMss { get; set; }

    /// <summary>Name servers for clients, addresses; written into their configs.</summary>
    public List<string> DnsServers { get; set; } = [];

    /// <summary>Domains that clients search; written into their configs.</summary>
    public List<string> SearchDomains { get; set; } = [];

    /// <summary>The persistent keepalive of a peer that is made without one of its own, seconds; 0 = off.</summary>
    public int KeepaliveSeconds { get; set; }

    /// <summary>Base64; null on plain.</summary>
    public string? PublicKey { get; set; }

    /// <summary>The private key under data protection; null on plain.</summary>
    public byte[]? ProtectedPrivateKey { get; set; }

    /// <summary>When it was made, UTC ticks.</summary>
    public long CreatedAt { get; set; }

    /// <summary>The revision that changed it last; its ETag.</summary>
    public long Revision { get; set; }

    /// <summary>Its peers.</summary>
    public List<Peer> Peers { get; set; } = [];
}

/// <summary>What becomes of the source addresses of a tunnel's packets to one prefix.</summary>
public sealed class TunnelNat
{
    /// <summary>In canonical form; unique within the tunnel.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>"masquerade", "none" or an address.</summary>
    public string To { get; set; } = "";
}

/// <summary>A remote end of a tunnel.</summary>
public sealed class Peer
{
    /// <summary>Identifies it for good.</summary>
    public Guid Id { get; set; }

    /// <summary>Where it belongs.</summary>
    public Guid TunnelId { get; set; }

    /// <summary>Where it belongs.</summary>
    public Tunnel? Tunnel { get; set; }

    /// <summary>What people call it; unique within the tunnel.</summary>
    public string Name { get; set; } = "";

    /// <summary>What people want to remember of it; empty = nothing.</summary>
    public string Notes { get; set; } = "";

    /// <summary>Whether it is let in.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Base64; null on plain. Unique within the tunnel.</summary>
    public string? PublicKey { get; set; }

    /// <summary>The key before the last rotation, which works until <see cref="PreviousKeyUntil"/> or the new one's first session; else null.</summary>
    public string? PreviousPublicKey { get; set; }

    /// <summary>The pre-shared key that belongs to <see cref="PreviousPublicKey"/>, under data protection; null = none.</summary>
    public byte[]? ProtectedPreviousPresharedKey { get; set; }

    /// <summary>When <see cref="PreviousPublicKey"/> ends at the latest, UTC ticks; null = there is none.</summary>
    public long? PreviousKeyUntil { get; set; }

    /// <summary>Its private key under data protection, where Gateway made the key pair; else null.</summary>
    public byte[]? ProtectedPrivateKey { get; set; }

    /// <summary>Whether <see cref="ProtectedPrivateKey"/> is forgotten as soon as the config was downloaded once.</summary>
    public bool DropKeyAfterDownload { get; set; }

    /// <summary>The pre-shared key under data protection; null = none.</summary>
    public byte[]? ProtectedPresharedKey { get; set; }

    /// <summary>The fingerprint of the config as it was last downloaded; null = never.</summary>
    public byte[]? DownloadedConfig { get; set; }

    /// <summary>When the config was last downloaded, UTC ticks; null = never.</summary>
    public long? DownloadedAt { get; set; }

    /// <summary>Where it is dialled, host:port; null = it dials.</summary>
    public string? Endpoint { get; set; }

    /// <summary>Persistent keepalive, seconds; 0 = off.</summary>
    public int KeepaliveSeconds { get; set; }

    /// <summary>From when on it is no longer let in, UTC ticks; null = never.</summary>
    public long? ExpiresAt { get; set; }

    /// <summary>Where it was last seen, address:port; null = never seen.</summary>
    public string? LastEndpoint { get; set; }

    /// <summary>When <see cref="LastEndpoint"/> was stored, UTC ticks.</summary>
    public long? LastEndpointAt { get; set; }

    /// <summary>When it was made, UTC ticks.</summary>
    public long CreatedAt { get; set; }

    /// <summary>The revision that changed it last; its ETag.</summary>
    public long Revision { get; set; }

    /// <summary>Its addresses and routes.</summary>
    public List<PeerPrefix> Prefixes { get; set; } = [];

    /// <summary>What it is filed under.</summary>
    public List<PeerTag> Tags { get; set; } = [];

    /// <summary>Lets only the present key work.</summary>
    public void ForgetPreviousKey()
    {
        PreviousPublicKey = null;
        ProtectedPreviousPresharedKey = null;
        PreviousKeyUntil = null;
    }
}

/// <summary>What a prefix is to its peer.</summary>
public enum PrefixKind
{
    /// <summary>An address of the peer: part of its allowed IPs.</summary>
    Address = 0,
    /// <summary>A network behind the peer (installOn gateway): part of its allowed IPs.</summary>
    Gateway = 1,
    /// <summary>A network that the peer may reach through the tunnel (installOn client).</summary>
    Client = 2,
}

/// <summary>
/// A prefix bound to a peer: an address or a route. Both live in one table so that one unique index settles who owns a prefix of a tunnel,
/// however many write at once.
/// </summary>
public sealed class PeerPrefix
{
    /// <summary>Identifies it for good.</summary>
    public Guid Id { get; set; }

    /// <summary>The peer's tunnel.</summary>
    public Guid TunnelId { get; set; }

    /// <summary>Whose it is.</summary>
    public Guid PeerId { get; set; }

    /// <summary>Whose it is.</summary>
    public Peer? Peer { get; set; }

    /// <summary>In canonical form: no host bits, IPv6 compressed.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>Address or route.</summary>
    public PrefixKind Kind { get; set; }

    /// <summary>Whether a gateway route also becomes a kernel route.</summary>
    public bool KernelRoute { get; set; }

    /// <summary>When it was made, UTC ticks.</summary>
    public long CreatedAt { get; set; }

    /// <summary>The revision that changed it last; its ETag.</summary>
    public long Revision { get; set; }
}

/// <summary>What is wanted of a kernel setting.</summary>
public sealed class KernelSetting
{
    /// <summary>Below /proc/sys/net, such as ipv4/conf/eth0/rp_filter.</summary>
    public string Path { get; set; } = "";

    /// <summary>The number wanted.</summary>
    public int Wanted { get; set; }

    /// <summary>What it was before Gateway first changed it, to put back; null = not known (the device was not there).</summary>
    public int? Original { get; set; }

    /// <summary>Whether it is set again when somebody else changes it.</summary>
    public bool Enforce { get; set; }

    /// <summary>Who set it, by name.</summary>
    public string ChangedBy { get; set; } = "";

    /// <summary>When, UTC ticks.</summary>
    public long ChangedAt { get; set; }

    /// <summary>The revision that changed it last.</summary>
    public long Revision { get; set; }
}

/// <summary>The one row about the database itself.</summary>
public sealed class Meta
{
    /// <summary>Always 1.</summary>
    public int Id { get; set; } = 1;

    /// <summary>Goes up by one with each saved change.</summary>
    public long Revision { get; set; }

    /// <summary>When the gateway that runs (or ran last) was started, UTC ticks: endpoints stored since then belong to its session.</summary>
    public long StartedAt { get; set; }
}
