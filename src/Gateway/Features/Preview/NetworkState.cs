using System.Net;
using Gateway.Engine;

namespace Gateway.Features.Preview;

/// <summary>All that decides what passes, as it is or as a change would leave it.</summary>
internal sealed class NetworkState
{
    public Dictionary<Guid, TunnelPart> Tunnels { get; } = [];

    /// <summary>Ways of the kernel that are none of these tunnels', to the device's name; null = they could not be read, and nothing is judged by them.</summary>
    public PrefixMap<string>? OtherWays { get; init; } = new();

    /// <summary>Addresses of this host.</summary>
    public HashSet<InetAddress> Local { get; init; } = [];

    public bool ForwardsV4 { get; init; } = true;

    public bool ForwardsV6 { get; init; } = true;

    /// <summary>The device that the kernel sends an address to; null = it has no way.</summary>
    public string? WayTo(InetAddress address)
    {
        var (device, longest) = OtherWays?.Find(address) is { } other ? (other.Value, other.Length) : (null, -1);
        foreach (var tunnel in Tunnels.Values)
        {
            if (tunnel.Ways.Find(address) is { } way && way.Length > longest) (device, longest) = (tunnel.Device, way.Length);
        }

        return device;
    }
}

/// <summary>A tunnel's part of it.</summary>
internal sealed class TunnelPart
{
    public required string Name { get; init; }

    public required string Device { get; init; }

    public bool IsEthernet { get; init; }

    /// <summary>The filter that holds for the device: 0 off, 1 strict, 2 loose.</summary>
    public int RpFilter { get; init; }

    public Dictionary<Guid, PeerPart> Peers { get; } = [];

    /// <summary>Whose an address is: allowed IPs of those let in.</summary>
    public PrefixMap<PeerPart> Owners { get; } = new();

    /// <summary>What the kernel sends into the device: the tunnel's own networks and kernel routes.</summary>
    public PrefixMap<string> Ways { get; } = new();

    /// <summary>The tunnel's own networks: everybody may go there.</summary>
    public PrefixMap<string> Networks { get; } = new();

    /// <summary>Address translation by destination: none, masquerade or an address.</summary>
    public PrefixMap<string> Nat { get; } = new();

    public void AddNetwork(IPNetwork network)
    {
        Networks.Add(network, Device);
        Ways.Add(network, Device);
    }

    public PeerPart AddPeer(Guid id, string name, bool isLetIn) => Peers[id] = new PeerPart(id, name, isLetIn);

    /// <summary>An address or a gateway route of a peer.</summary>
    public void AddOwned(PeerPart peer, IPNetwork prefix, bool isKernelRoute)
    {
        if (!peer.IsLetIn) return;
        Owners.Add(prefix, peer);
        if (isKernelRoute) Ways.Add(prefix, Device);
    }
}

/// <summary>A peer's part of it.</summary>
internal sealed record PeerPart(Guid Id, string Name, bool IsLetIn)
{
    /// <summary>Its client routes.</summary>
    public PrefixMap<string> Destinations { get; } = new();
}
