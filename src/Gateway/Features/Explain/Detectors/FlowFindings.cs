using Gateway.Engine;
using Gateway.Engine.Flows;

namespace Gateway.Features.Explain.Detectors;

/// <summary>A peer asks a host and gets no answer.</summary>
/// <param name="PeerIndex">The peer, by its index in the tunnel.</param>
/// <param name="Source">One of its addresses.</param>
/// <param name="Host">The host.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">The host's port; 0 for an echo.</param>
/// <param name="Asked">Packets.</param>
/// <param name="SilentAbove">Packets from this size on stay without an answer, smaller ones are answered; null = none is answered.</param>
/// <param name="MustBeAnswered">Whether silence alone is wrong; false where a protocol may go one way by design, so that only certain evidence counts.</param>
internal sealed record FlowFinding(int PeerIndex, InetAddress Source, InetAddress Host, byte Protocol, int Port, long Asked, int? SilentAbove, bool MustBeAnswered);

/// <summary>
/// Looks through a tunnel's conversations for those that are asked and never answered. An echo, the opening of a TCP connection, DNS and NTP must be
/// answered; other UDP may go one way by design and is marked so. What is broken for one size only is told apart from what is broken altogether.
/// </summary>
internal static class FlowFindings
{
    private const int LargeBytes = 1_000;
    private const int FewestPackets = 3;
    private const byte Icmp = 1, IcmpV6 = 58, Tcp = 6, Udp = 17;
    private const byte SynAck = 0x12;
    private static readonly long s_patience = TimeSpan.FromSeconds(5).Ticks;
    private static readonly long s_stuck = TimeSpan.FromSeconds(3).Ticks;
    private static readonly long s_recent = TimeSpan.FromSeconds(30).Ticks;
    // What was sent this lately may still be answered.
    private static readonly long s_underWay = TimeSpan.FromMilliseconds(500).Ticks;

    public static IReadOnlyList<FlowFinding> Look(IReadOnlyList<FlowRecord> flows, long now, int mtu)
    {
        var findings = new List<FlowFinding>();
        // Most conversations are answered: only the rest is grouped.
        var suspects = flows.Where(flow => IsRecent(flow, now) && (IsUnanswered(flow) || IsStuck(flow, now))).Select(flow => (flow.PeerIndex, flow.OtherAddress)).ToHashSet();
        if (suspects.Count == 0) return findings;
        foreach (var pair in flows.Where(flow => suspects.Contains((flow.PeerIndex, flow.OtherAddress))).GroupBy(flow => (flow.PeerIndex, flow.OtherAddress)))
        {
            var conversations = pair.ToList();
            if (SilentAbove(conversations, now, mtu) is { } size)
            {
                var stuck = conversations.First(flow => flow.LargestFromPeer >= size && (IsStuck(flow, now) || IsSilent(flow)));
                findings.Add(new FlowFinding(pair.Key.PeerIndex, stuck.PeerAddress, pair.Key.OtherAddress, stuck.Protocol, PortOf(stuck), stuck.PacketsFromPeer, size, MustBeAnswered: true));
                continue;
            }

            // Whoever asks for a name does so from a port of its own each time: packets count together.
            foreach (var kind in conversations.Where(flow => IsRecent(flow, now) && IsUnanswered(flow)).GroupBy(flow => (flow.Protocol, Port: PortOf(flow))))
            {
                var first = kind.Min(flow => flow.FirstSeen);
                if (now - first < s_patience || kind.Sum(flow => flow.PacketsFromPeer) < FewestPackets) continue;
                if (conversations.Any(flow => flow.Protocol == kind.Key.Protocol && PortOf(flow) == kind.Key.Port && flow.LastSeenToPeer > first)) continue;
                findings.Add(new FlowFinding(pair.Key.PeerIndex, kind.First().PeerAddress, pair.Key.OtherAddress, kind.Key.Protocol, kind.Key.Port, kind.Sum(flow => flow.PacketsFromPeer), null, MustBeAnswered(kind.First())));
            }
        }

        return findings;
    }

    /// <summary>Of the conversations of one peer with one host: the size from which on packets stay without an answer while smaller ones are answered; null = nothing of the kind.</summary>
    /// <param name="conversations">All of that peer with that host.</param>
    /// <param name="now">Now, in the flows' ticks.</param>
    /// <param name="mtu">The tunnel's, bytes: where it was made smaller since, the largest that comes now is what has to pass.</param>
    public static int? SilentAbove(IReadOnlyCollection<FlowRecord> conversations, long now, int mtu)
    {
        int? size = null;
        foreach (var flow in conversations.Where(flow => flow.LargestFromPeer >= LargeBytes && IsRecent(flow, now) && (IsStuck(flow, now) || (flow.Protocol is Icmp or IcmpV6 && IsSilent(flow)))))
        {
            // The host must have answered others since, all of them smaller, or it is just gone.
            var since = flow.LastSeenToPeer == 0 ? flow.FirstSeen : flow.LastSeenToPeer;
            var isAlive = conversations.Any(other => !ReferenceEquals(other, flow) && other.LastSeenToPeer > since);
            var isContradicted = conversations.Any(other => !IsStuck(other, now)
                && ((other.LargestFromPeer >= flow.LargestFromPeer && other.LastSeenToPeer > since) || (IsAsLargeAs(other, mtu) && other.LastSeenToPeer > flow.LastSeenFromPeer)));
            if (isAlive && !isContradicted && (size is null || flow.LargestFromPeer < size)) size = flow.LargestFromPeer;
        }

        return size;
    }

    // All fragments but the last carry a multiple of 8 bytes (RFC 791 §3.2), so that the largest may be up to 7 below the MTU.
    private static bool IsAsLargeAs(FlowRecord flow, int mtu) => flow.LargestFromPeer >= LargeBytes && flow.LargestFromPeer > mtu - 8;

    private static bool IsUnanswered(FlowRecord flow) => flow.PacketsToPeer == 0 && flow.PacketsFromPeer > 0 && MayBeAnswered(flow) && IsUnicast(flow.OtherAddress);

    private static bool IsSilent(FlowRecord flow) => flow.PacketsToPeer == 0 && flow.PacketsFromPeer > 1;

    // TCP was opened and answered, large segments went, and for seconds nothing has come back while they are sent again.
    private static bool IsStuck(FlowRecord flow, long now) => flow.Protocol == Tcp && (flow.TcpFlagsToPeer & SynAck) == SynAck && flow.LargestFromPeer >= LargeBytes && !flow.IsClosed
        && flow.LastSeenFromPeer - flow.LastSeenToPeer >= s_stuck && now - flow.LastSeenFromPeer >= s_underWay;

    private static bool IsRecent(FlowRecord flow, long now) => now - flow.LastSeenFromPeer <= s_recent;

    private static bool MayBeAnswered(FlowRecord flow) => flow.Protocol switch
    {
        Icmp or IcmpV6 => flow.PeerPort != 0,
        Tcp => flow.TcpState == TcpState.SynSent,
        Udp => flow.OtherPort != 0,
        _ => false,
    };

    private static bool MustBeAnswered(FlowRecord flow) => flow.Protocol != Udp || flow.OtherPort is 53 or 123;

    private static int PortOf(FlowRecord flow) => flow.Protocol is Icmp or IcmpV6 ? 0 : flow.OtherPort;

    private static bool IsUnicast(InetAddress address)
    {
        var ip = address.ToIPAddress();
        var bytes = ip.GetAddressBytes();
        return bytes.Length == 4 ? bytes[0] is > 0 and < 224 && bytes[3] != 255 : !ip.IsIPv6Multicast && !ip.IsIPv6LinkLocal;
    }
}
