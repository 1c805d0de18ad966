using Gateway.Engine;
using Gateway.Engine.Flows;
using Gateway.Features.Explain.Detectors;

namespace Gateway.Features.Explain.Gathering;

/// <summary>Looks in the flow table for what bears on a packet.</summary>
internal static class TrafficReader
{
    private const byte TcpReset = 0x04;

    public static TrafficEvidence Read(DataPlane dataPlane, Guid tunnelId, Guid peerId, PacketQuestion packet, int mtu)
    {
        var (source, destination) = (InetAddress.From(packet.Source), InetAddress.From(packet.Destination));
        var peer = dataPlane.GetPeerNames(tunnelId).FirstOrDefault(name => name.Id == peerId, new PeerName(-1, peerId, "")).Index;
        FlowRecord? same = null;
        var conversations = new List<FlowRecord>();
        long answeredSince = 0;
        foreach (var flow in dataPlane.GetFlows(tunnelId))
        {
            if (flow.OtherAddress != destination) continue;
            answeredSince = Math.Max(answeredSince, flow.LastSeenToPeer);
            if (flow.PeerIndex == peer) conversations.Add(flow);
            // Ports of ICMP are the echo's identifier: any ping of that pair is the same question.
            if (flow.PeerIndex != peer || flow.PeerAddress != source || flow.Protocol != packet.Protocol || (packet.Port != 0 && flow.OtherPort != packet.Port) || flow.PacketsFromPeer == 0) continue;
            if (same is null || flow.LastSeenFromPeer > same.LastSeenFromPeer) same = flow;
        }

        DateTimeOffset? Time(long ticks) => ticks == 0 ? null : dataPlane.ToUtc(ticks);
        return new TrafficEvidence(
            same is null ? null : new Conversation(same.PacketsFromPeer, same.PacketsToPeer, dataPlane.ToUtc(same.FirstSeen), dataPlane.ToUtc(same.LastSeenFromPeer), Time(same.LastSeenToPeer),
                (same.TcpFlagsToPeer & TcpReset) != 0),
            Time(answeredSince), FlowFindings.SilentAbove(conversations, dataPlane.NowTicks, mtu));
    }
}
