using System.Buffers.Binary;
using System.Collections.Concurrent;
using Gateway.Engine.Routing;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// The learning switch of an Ethernet tunnel: which MAC address is behind which peer, or behind the device itself. IEEE 802.1D ages entries
/// after 300 s. The plain transport authenticates nobody, so neither does this table.
/// </summary>
internal sealed class EthernetSwitch
{
    /// <summary>Destination, source, type.</summary>
    public const int HeaderBytes = 14;

    /// <summary>A forged source address a frame must not fill memory.</summary>
    private const int MaxStations = 4096;

    private const ushort TypeIPv4 = 0x0800;
    private const ushort TypeArp = 0x0806;
    private const ushort TypeIPv6 = 0x86DD;

    private static readonly TimeSpan s_aging = TimeSpan.FromSeconds(300);

    /// <summary>How often a full table is searched for aged entries: forged addresses must not have it searched for every frame.</summary>
    private static readonly TimeSpan s_forgetEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<ulong, Station> _stations = new();
    private long _forgetAt;

    /// <summary>Whether the destination is a broadcast or multicast address (IEEE 802, the group bit).</summary>
    public static bool IsGroup(ReadOnlySpan<byte> frame) => (frame[0] & 1) != 0;

    /// <summary>Remembers that the frame's source is behind this peer; null = behind the device.</summary>
    public void Learn(ReadOnlySpan<byte> frame, Peer? peer, Instant now)
    {
        if ((frame[6] & 1) != 0) return;
        var address = Address(frame[6..]);
        var isKnown = _stations.TryGetValue(address, out var station);
        if (isKnown && station!.Peer == peer)
        {
            station.LastSeen = now;
            return;
        }

        // A station that moves takes no more room; in a full table a new one has to wait.
        if (!isKnown && !HasRoom(now)) return;
        _stations[address] = new Station(peer) { LastSeen = now };
    }

    /// <summary>Whether the frame's destination is a known station, and behind which peer; null = behind the device.</summary>
    public bool TryFind(ReadOnlySpan<byte> frame, Instant now, out Peer? peer)
    {
        peer = null;
        if (IsGroup(frame) || !_stations.TryGetValue(Address(frame), out var station) || now - station.LastSeen > s_aging || station.Peer is { IsRemoved: true }) return false;
        peer = station.Peer;
        return true;
    }

    /// <summary>Whose datagram this is: by the inner source address (IPv4, IPv6, ARP sender), else by the endpoint it came from.</summary>
    public static Peer? Identify(ReadOnlySpan<byte> frame, in UdpEndpoint source, RouteTable<Peer> routes, ReadOnlySpan<Peer> peers)
    {
        var body = frame[HeaderBytes..];
        var owner = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) switch
        {
            TypeIPv4 when body.Length >= 20 => routes.Lookup(InetAddress.FromV4(body[12..])),
            TypeIPv6 when body.Length >= 40 => routes.Lookup(InetAddress.FromV6(body[8..])),
            // RFC 826: sender protocol address of an Ethernet/IPv4 ARP packet.
            TypeArp when body.Length >= 28 => routes.Lookup(InetAddress.FromV4(body[14..])),
            _ => null,
        };
        if (owner is not null) return owner;
        foreach (var peer in peers)
        {
            if (peer.Endpoint is { } endpoint && endpoint.Value.IsSameRemote(in source)) return peer;
        }

        return null;
    }

    private bool HasRoom(Instant now)
    {
        if (now.Ticks < Volatile.Read(ref _forgetAt)) return false;
        if (_stations.Count < MaxStations) return true;
        Forget(now);
        if (_stations.Count < MaxStations) return true;
        Volatile.Write(ref _forgetAt, (now + s_forgetEvery).Ticks);
        return false;
    }

    private void Forget(Instant now)
    {
        foreach (var (address, station) in _stations)
        {
            if (now - station.LastSeen > s_aging) _stations.TryRemove(address, out _);
        }
    }

    private static ulong Address(ReadOnlySpan<byte> bytes) => ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);

    private sealed class Station(Peer? peer)
    {
        public readonly Peer? Peer = peer;
        public Instant LastSeen;
    }
}
