using Gateway.Engine.Packets;

namespace Gateway.Engine.Flows;

/// <summary>
/// One conversation inside a tunnel, both directions: a copy taken when asked. Times are the ticks that the data plane runs on (100 ns,
/// monotonic); 0 = nothing seen in that direction.
/// </summary>
public sealed record FlowRecord
{
    /// <summary>The peer, by its index in the tunnel.</summary>
    public required int PeerIndex { get; init; }

    /// <summary>IP protocol number.</summary>
    public required byte Protocol { get; init; }

    /// <summary>The address on the peer's side.</summary>
    public required InetAddress PeerAddress { get; init; }

    /// <summary>The port on the peer's side; of an ICMP echo its identifier; 0 for none.</summary>
    public required int PeerPort { get; init; }

    /// <summary>The address on this side.</summary>
    public required InetAddress OtherAddress { get; init; }

    /// <summary>The port on this side; of an ICMP echo its identifier; 0 for none.</summary>
    public required int OtherPort { get; init; }

    /// <summary>IP packets from the peer.</summary>
    public long PacketsFromPeer { get; init; }

    /// <summary>IP packets to the peer.</summary>
    public long PacketsToPeer { get; init; }

    /// <summary>Bytes of IP packets from the peer.</summary>
    public long BytesFromPeer { get; init; }

    /// <summary>Bytes of IP packets to the peer.</summary>
    public long BytesToPeer { get; init; }

    /// <summary>Every TCP flag that was seen from the peer (RFC 9293 §3.1).</summary>
    public byte TcpFlagsFromPeer { get; init; }

    /// <summary>Every TCP flag that was seen towards the peer.</summary>
    public byte TcpFlagsToPeer { get; init; }

    /// <summary>When its first packet was seen, in whichever direction.</summary>
    public long FirstSeen { get; init; }

    /// <summary>When a packet from the peer was last seen.</summary>
    public long LastSeenFromPeer { get; init; }

    /// <summary>When a packet to the peer was last seen.</summary>
    public long LastSeenToPeer { get; init; }

    /// <summary>When a packet was last seen, in whichever direction.</summary>
    public long LastSeen => Math.Max(LastSeenFromPeer, LastSeenToPeer);

    /// <summary>Whether TCP has ended it: a RST, or a FIN from both ends.</summary>
    public bool IsClosed => FlowRules.IsClosed(TcpFlagsFromPeer, TcpFlagsToPeer);
}

/// <summary>When a flow leaves the table.</summary>
internal static class FlowRules
{
    /// <summary>After a TCP connection's end.</summary>
    public const long ClosedTcpTicks = 10 * TimeSpan.TicksPerSecond;

    /// <summary>After the last packet of UDP and everything else without an end.</summary>
    public const long OtherTicks = 60 * TimeSpan.TicksPerSecond;

    /// <summary>After the last packet of an open TCP connection.</summary>
    public const long OpenTcpTicks = TimeSpan.TicksPerHour;

    public static bool IsClosed(byte flags, byte otherFlags) =>
        ((flags | otherFlags) & TcpFlags.Rst) != 0 || (flags & otherFlags & TcpFlags.Fin) != 0;

    public static long Timeout(FlowClass flowClass) => flowClass switch
    {
        FlowClass.ClosedTcp => ClosedTcpTicks,
        FlowClass.OpenTcp => OpenTcpTicks,
        _ => OtherTicks,
    };
}
