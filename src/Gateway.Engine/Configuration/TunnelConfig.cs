using System.Collections.Immutable;
using System.Net;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>What is inside a datagram.</summary>
public enum TunnelTransport
{
    /// <summary>The WireGuard protocol.</summary>
    WireGuard,
    /// <summary>One raw packet a datagram, as in the VPN tunneling lab. No encryption, no authentication.</summary>
    Plain,
}

/// <summary>What the device carries.</summary>
public enum TunnelLayer
{
    /// <summary>IP packets (TUN).</summary>
    Ip,
    /// <summary>Ethernet frames (TAP); only with <see cref="TunnelTransport.Plain"/>.</summary>
    Ethernet,
}

/// <summary>
/// One tunnel as it shall be: immutable, compared with the running one when applied. Instances that did not change should be passed again
/// as the same object: equality of references is the quick way to "nothing to do".
/// </summary>
public sealed record TunnelConfig
{
    /// <summary>Identifies the tunnel across changes of all else.</summary>
    public required Guid Id { get; init; }

    /// <summary>The device's name, at most 15 bytes, or a pattern such as <c>zhang%d</c> that the kernel fills in.</summary>
    public required string Name { get; init; }

    /// <summary>What is inside a datagram.</summary>
    public TunnelTransport Transport { get; init; }

    /// <summary>What the device carries.</summary>
    public TunnelLayer Layer { get; init; }

    /// <summary>The UDP port; 0 = the kernel picks one.</summary>
    public ushort ListenPort { get; init; }

    /// <summary>SO_MARK of outgoing datagrams; 0 = none.</summary>
    public uint FirewallMark { get; init; }

    /// <summary>The device's MTU in bytes.</summary>
    public int Mtu { get; init; } = 1420;

    /// <summary>This end's key; null on <see cref="TunnelTransport.Plain"/>, or while a WireGuard device has none yet (it then passes nothing).</summary>
    public PrivateKey? PrivateKey { get; init; }

    /// <summary>Addresses that are put on the device, with their prefix lengths.</summary>
    public ImmutableArray<InterfaceAddress> Addresses { get; init; } = [];

    /// <summary>Prefixes that get a kernel route into the device.</summary>
    public ImmutableArray<IPNetwork> KernelRoutes { get; init; } = [];

    /// <summary>
    /// Whether the engine configures the device (MTU, addresses, routes, link up). False for <c>gateway device</c>, where wg-quick or a person does.
    /// </summary>
    public bool ManageLink { get; init; } = true;

    /// <summary>The peers.</summary>
    public ImmutableArray<PeerConfig> Peers { get; init; } = [];
}

/// <summary>An address with its prefix length, as <c>ip addr add</c> takes it.</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">Bits of the network part.</param>
public sealed record InterfaceAddress(IPAddress Address, int PrefixLength)
{
    /// <summary>The network that the address is in.</summary>
    public IPNetwork Network => IPNetwork.Parse($"{MaskedAddress()}/{PrefixLength}");

    private IPAddress MaskedAddress()
    {
        var bytes = Address.GetAddressBytes();
        for (var bit = PrefixLength; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPAddress(bytes);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";
}

/// <summary>One peer of a tunnel as it shall be.</summary>
public sealed record PeerConfig
{
    /// <summary>Identifies the peer across changes of all else.</summary>
    public required Guid Id { get; init; }

    /// <summary>What people call it; for events and taps.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its key; null on <see cref="TunnelTransport.Plain"/>.</summary>
    public PublicKey? PublicKey { get; init; }

    /// <summary>The optional symmetric key.</summary>
    public PresharedKey? PresharedKey { get; init; }

    /// <summary>
    /// The key before a rotation. It works beside <see cref="PublicKey"/> until that one has made a session
    /// (<see cref="DataPlaneEventKind.KeyReplaced"/>), or until this member is gone; null = there is none.
    /// </summary>
    public PreviousKey? Previous { get; init; }

    /// <summary>Where it can be reached: configured, or last seen. It moves with authenticated packets; a changed value here moves it too.</summary>
    public IPEndPoint? Endpoint { get; init; }

    /// <summary>Start a handshake as soon as the tunnel is up (after a restart, to the last known endpoint).</summary>
    public bool DialOnStart { get; init; }

    /// <summary>Persistent keepalive; zero = off.</summary>
    public TimeSpan PersistentKeepalive { get; init; }

    /// <summary>
    /// The prefixes that are this peer's: packets to them go to it, packets from it must come from them. Longest prefix over all peers of the
    /// tunnel decides; of two peers with the same prefix the later in the list has it (as in wg).
    /// </summary>
    public ImmutableArray<IPNetwork> AllowedIps { get; init; } = [];

    /// <summary>Where packets from this peer may go; null = anywhere. Outside it they are dropped as <see cref="DropReason.DestinationNotAllowed"/>.</summary>
    public ImmutableArray<IPNetwork>? AllowedDestinations { get; init; }
}

/// <summary>A key that a peer may still use after it was given a new one.</summary>
/// <param name="PublicKey">The key.</param>
/// <param name="PresharedKey">The symmetric key that goes with it; null = none.</param>
public sealed record PreviousKey(PublicKey PublicKey, PresharedKey? PresharedKey);
