using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Engine.Flows;
using Gateway.Live;
using Gateway.Live.Filters;

namespace Gateway.Features.Flows;

/// <summary>One flow over the looks that are taken at it: what does not change of it, its rates, and the newest row.</summary>
internal sealed class LiveFlow
{
    private RateMeter _fromPeer, _toPeer;

    public LiveFlow(in LiveFlowKey key, FlowRecord flow, string tunnel, PeerName? peer)
    {
        var (source, sourcePort) = (flow.PeerAddress, flow.PeerPort);
        var (destination, destinationPort) = (flow.OtherAddress, flow.OtherPort);
        if (!flow.IsStartedByPeer) (source, sourcePort, destination, destinationPort) = (destination, destinationPort, source, sourcePort);
        Source = FilterNetwork.Of(source);
        Destination = FilterNetwork.Of(destination);
        var protocol = ServiceNames.Protocol(flow.Protocol);
        Row = new FlowRow
        {
            Id = key.ToId(),
            Tunnel = tunnel,
            PeerId = peer?.Id,
            Peer = peer?.Name,
            Protocol = protocol,
            Source = source.ToString(),
            SourcePort = sourcePort,
            Destination = destination.ToString(),
            DestinationPort = destinationPort,
            Service = ServiceNames.Port(protocol, destinationPort),
            StartedByPeer = flow.IsStartedByPeer,
            FirstSeen = default,
            LastSeen = default,
        };
    }

    public FilterNetwork Source { get; }

    public FilterNetwork Destination { get; }

    public FlowRow Row { get; private set; }

    /// <summary>The look that saw it last; it is forgotten after one that did not.</summary>
    public long Look { get; private set; }

    /// <summary>Takes what a look saw. A row is only made anew where something of it changed.</summary>
    public void See(FlowRecord flow, DataPlane dataPlane, long nowTicks, long look)
    {
        Look = look;
        var fromPeer = _fromPeer.Read(flow.BytesFromPeer, nowTicks);
        var toPeer = _toPeer.Read(flow.BytesToPeer, nowTicks);
        var row = Row;
        if (row.PacketsFromPeer == flow.PacketsFromPeer && row.PacketsToPeer == flow.PacketsToPeer && row.RateFromPeer == fromPeer && row.RateToPeer == toPeer) return;
        Row = row with
        {
            PacketsFromPeer = flow.PacketsFromPeer,
            PacketsToPeer = flow.PacketsToPeer,
            BytesFromPeer = flow.BytesFromPeer,
            BytesToPeer = flow.BytesToPeer,
            RateFromPeer = fromPeer,
            RateToPeer = toPeer,
            FirstSeen = dataPlane.ToUtc(flow.FirstSeen),
            LastSeen = dataPlane.ToUtc(flow.LastSeen),
            State = Describe(flow.TcpState),
            RoundTripToPeerMs = flow.RoundTripToPeer?.TotalMilliseconds ?? row.RoundTripToPeerMs,
            RoundTripToOtherMs = flow.RoundTripToOther?.TotalMilliseconds ?? row.RoundTripToOtherMs,
        };
    }

    private static string? Describe(TcpState state) => state switch
    {
        TcpState.SynSent => "syn-sent",
        TcpState.SynReceived => "syn-received",
        TcpState.Established => "established",
        TcpState.OneWay => "one-way",
        TcpState.Closing => "closing",
        TcpState.Closed => "closed",
        TcpState.Reset => "reset",
        _ => null,
    };
}

/// <summary>What makes a flow the same in two looks. A new connection from the same port, after the old one has ended, is another flow.</summary>
internal readonly record struct LiveFlowKey(Guid Tunnel, int Peer, int Protocol, InetAddress PeerAddress, int PeerPort, InetAddress OtherAddress, int OtherPort, bool IsStartedByPeer)
{
    public static LiveFlowKey Of(Guid tunnel, FlowRecord flow) =>
        new(tunnel, flow.PeerIndex, flow.Protocol, flow.PeerAddress, flow.PeerPort, flow.OtherAddress, flow.OtherPort, flow.IsStartedByPeer);

    /// <summary>A short name that is the same in every run (FNV-1a over all of it).</summary>
    public string ToId()
    {
        Span<byte> tunnel = stackalloc byte[16];
        Tunnel.TryWriteBytes(tunnel);
        var hash = 0xCBF2_9CE4_8422_2325UL;
        foreach (var part in tunnel) Mix(ref hash, part);
        foreach (var part in (ReadOnlySpan<ulong>)[(ulong)Peer, (ulong)Protocol, PeerAddress.High, PeerAddress.Low, (ulong)PeerPort, OtherAddress.High, OtherAddress.Low, (ulong)OtherPort])
        {
            for (var shift = 0; shift < 64; shift += 8) Mix(ref hash, (byte)(part >> shift));
        }

        return hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

        static void Mix(ref ulong hash, byte part) => hash = (hash ^ part) * 0x0000_0100_0000_01B3;
    }
}
