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

    /// <summary>The largest IP packet from the peer, bytes.</summary>
    public int LargestFromPeer { get; init; }

    /// <summary>The largest IP packet to the peer, bytes.</summary>
    public int LargestToPeer { get; init; }

    /// <summary>When the first packet from the peer was seen.</summary>
    public long FirstSeenFromPeer { get; init; }

    /// <summary>When the first packet to the peer was seen.</summary>
    public long FirstSeenToPeer { get; init; }

    /// <summary>When its first packet was seen, in whichever direction.</summary>
    public long FirstSeen => FirstSeenFromPeer == 0 ? FirstSeenToPeer : FirstSeenToPeer == 0 ? FirstSeenFromPeer : Math.Min(FirstSeenFromPeer, FirstSeenToPeer);

    /// <summary>When a packet from the peer was last seen.</summary>
    public long LastSeenFromPeer { get; init; }

    /// <summary>When a packet to the peer was last seen.</summary>
    public long LastSeenToPeer { get; init; }

    /// <summary>When a packet was last seen, in whichever direction.</summary>
    public long LastSeen => Math.Max(LastSeenFromPeer, LastSeenToPeer);

    /// <summary>Whether the peer's side spoke first, as far as this table saw.</summary>
    public bool IsStartedByPeer => FirstSeenFromPeer != 0 && (FirstSeenToPeer == 0 || FirstSeenFromPeer <= FirstSeenToPeer);

    /// <summary>From here to the peer's side and back: of TCP as its opening showed it, of a ping as its last answer did; null = not seen.</summary>
    public TimeSpan? RoundTripToPeer { get; init; }

    /// <summary>From here to the other side and back, likewise.</summary>
    public TimeSpan? RoundTripToOther { get; init; }

    /// <summary>How far TCP is; <see cref="TcpState.None"/> for all else.</summary>
    public TcpState TcpState => Protocol != IpProtocol.Tcp ? TcpState.None : FlowRules.StateOf(TcpFlagsFromPeer, TcpFlagsToPeer);

    /// <summary>Whether TCP has ended it: a RST, or a FIN from both ends.</summary>
    public bool IsClosed => FlowRules.IsClosed(TcpFlagsFromPeer, TcpFlagsToPeer);
}

/// <summary>How far a TCP connection is, by the flags that passed in both directions.</summary>
public enum TcpState
{
    /// <summary>Not TCP.</summary>
    None,
    /// <summary>A SYN has passed, no answer.</summary>
    SynSent,
    /// <summary>A SYN and its answer have passed, nothing after.</summary>
    SynReceived,
    /// <summary>Both sides talk.</summary>
    Established,
    /// <summary>One side talks, nothing comes back, and the opening was not seen here.</summary>
    OneWay,
    /// <summary>One side has said that it is done (FIN).</summary>
    Closing,
    /// <summary>Both sides have.</summary>
    Closed,
    /// <summary>Broken off (RST).</summary>
    Reset,
}

/// <summary>
/// Round-trip times from what each half of the table knows anyway. TCP's opening takes three packets: SYN, SYN-ACK, ACK. The gateway stands in
/// between: from the SYN to its answer is the way to the responder and back, from there to the ACK the way to the initiator and back. A ping's
/// request and reply carry the same sequence number.
/// </summary>
internal static class RoundTrips
{
    /// <summary>To the side that sends <paramref name="near"/> and back.</summary>
    public static TimeSpan? ToPeer(in FlowEntry near, in FlowEntry far)
    {
        if (near.Packets == 0 || far.Packets == 0) return null;
        var ticks = near.Key.Protocol switch
        {
            IpProtocol.Tcp when near.SynAt == 0 || far.SynAt == 0 => 0,
            // The near side answered the SYN of the far one.
            IpProtocol.Tcp when far.SynAt < near.SynAt => near.SynAt - far.SynAt,
            // The near side opened: its first packet after the SYN answers the SYN-ACK.
            IpProtocol.Tcp => near.AfterSynAt - far.SynAt,
            IpProtocol.Icmp or IpProtocol.IcmpV6 when near.Key.PeerPort != 0 && near.EchoSequence == far.EchoSequence => near.LastSeen - far.LastSeen,
            _ => 0,
        };
        return ticks > 0 ? new TimeSpan(ticks) : null;
    }
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

    public static TcpState StateOf(byte fromPeer, byte toPeer)
    {
        var (either, both) = (fromPeer | toPeer, fromPeer & toPeer);
        if ((either & TcpFlags.Rst) != 0) return TcpState.Reset;
        if ((both & TcpFlags.Fin) != 0) return TcpState.Closed;
        if ((either & TcpFlags.Fin) != 0) return TcpState.Closing;
        if (fromPeer == 0 || toPeer == 0) return (either & TcpFlags.Syn) != 0 && (either & TcpFlags.Ack) == 0 ? TcpState.SynSent : TcpState.OneWay;
        // A SYN from each side, and only the answer has acknowledged anything yet.
        return (both & TcpFlags.Syn) != 0 && (both & TcpFlags.Ack) == 0 ? TcpState.SynReceived : TcpState.Established;
    }

    public static long Timeout(FlowClass flowClass) => flowClass switch
    {
        FlowClass.ClosedTcp => ClosedTcpTicks,
        FlowClass.OpenTcp => OpenTcpTicks,
        _ => OtherTicks,
    };
}
