using System.Net;
using Gateway.Protocol;

namespace Gateway.Linux.Uapi;

/// <summary>One <c>set</c>, read and checked (https://www.wireguard.com/xplatform/#configuration-protocol). What is null stays as it is.</summary>
public sealed class UapiChange
{
    /// <summary>Whether the private key changes, to <see cref="PrivateKey"/>.</summary>
    public bool SetsPrivateKey { get; internal set; }

    /// <summary>The new private key; null takes it away.</summary>
    public PrivateKey? PrivateKey { get; internal set; }

    /// <summary>The new UDP port; 0 = any.</summary>
    public ushort? ListenPort { get; internal set; }

    /// <summary>The new SO_MARK; 0 = none.</summary>
    public uint? FirewallMark { get; internal set; }

    /// <summary>Whether all peers go before those of <see cref="Peers"/> come.</summary>
    public bool ReplacesPeers { get; internal set; }

    /// <summary>Peers to add, change or remove, in order.</summary>
    public IReadOnlyList<UapiPeerChange> Peers => PeerList;

    internal List<UapiPeerChange> PeerList { get; } = [];
}

/// <summary>What a <c>set</c> says of one peer. What is null stays as it is.</summary>
public sealed class UapiPeerChange
{
    /// <summary>Whom.</summary>
    public required PublicKey PublicKey { get; init; }

    /// <summary>Whether it goes.</summary>
    public bool Removes { get; internal set; }

    /// <summary>Whether nothing happens unless the peer is there.</summary>
    public bool UpdatesOnly { get; internal set; }

    /// <summary>Whether the pre-shared key changes, to <see cref="PresharedKey"/>.</summary>
    public bool SetsPresharedKey { get; internal set; }

    /// <summary>The new pre-shared key; null takes it away.</summary>
    public PresharedKey? PresharedKey { get; internal set; }

    /// <summary>Where it can be reached from now on.</summary>
    public IPEndPoint? Endpoint { get; internal set; }

    /// <summary>The new persistent keepalive; zero = off.</summary>
    public TimeSpan? PersistentKeepalive { get; internal set; }

    /// <summary>Whether its allowed IPs go before those of <see cref="AllowedIps"/> come.</summary>
    public bool ReplacesAllowedIps { get; internal set; }

    /// <summary>Allowed IPs to add or take away, in order.</summary>
    public IReadOnlyList<UapiAllowedIp> AllowedIps => AllowedIpList;

    internal List<UapiAllowedIp> AllowedIpList { get; } = [];
}

/// <summary>One allowed IP of a <c>set</c>.</summary>
/// <param name="Prefix">Host bits cleared.</param>
/// <param name="Removes">Taken from the peer, if it has it, instead of given to it (written with a "-").</param>
public readonly record struct UapiAllowedIp(IPNetwork Prefix, bool Removes);
