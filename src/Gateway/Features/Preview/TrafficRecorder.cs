using Gateway.Engine;
using Gateway.Engine.Drops;
using Gateway.Engine.Flows;
using Gateway.Features.Flows;
using Gateway.Features.Packets.Reading;
using Gateway.Live;

namespace Gateway.Features.Preview;

/// <summary>
/// Adds what the engine's flow tables and drop ledgers have counted to the last hour, whether somebody watches or not. It looks seldom: a closed
/// connection stays in the flow table for ten seconds, so none is missed. Before a change is replayed it looks once more.
/// </summary>
internal sealed partial class TrafficRecorder(DataPlane dataPlane, TrafficHour hour, TimeProvider time, ILogger<TrafficRecorder> logger) : BackgroundService
{
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(8);

    private const byte Icmp = 1, IcmpV6 = 58;

    private readonly Lock _gate = new();
    private readonly LiveNames _names = new(dataPlane, time);
    private Dictionary<LiveFlowKey, Counted> _flows = [];
    private Dictionary<DropLine, long> _drops = [];

    /// <summary>One look.</summary>
    public void Look()
    {
        lock (_gate)
        {
            _names.Begin();
            var flows = new Dictionary<LiveFlowKey, Counted>(_flows.Count);
            var drops = new Dictionary<DropLine, long>(_drops.Count);
            foreach (var tunnel in dataPlane.GetTunnels())
            {
                foreach (var flow in dataPlane.GetFlows(tunnel.Id)) Add(tunnel.Id, flow, flows);
                foreach (var drop in dataPlane.GetDrops(tunnel.Id).Drops) Add(tunnel.Id, drop, drops);
            }

            (_flows, _drops) = (flows, drops);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                Look();
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogFailed(exception);
            }
        }
    }

    private void Add(Guid tunnel, FlowRecord flow, Dictionary<LiveFlowKey, Counted> seen)
    {
        var key = LiveFlowKey.Of(tunnel, flow);
        var now = new Counted(flow.PacketsFromPeer, flow.PacketsToPeer, flow.BytesFromPeer + flow.BytesToPeer);
        seen[key] = now;
        var before = _flows.GetValueOrDefault(key);
        // The table gave its place away and took it up again.
        if (now.FromPeer < before.FromPeer || now.ToPeer < before.ToPeer) before = default;
        if (now == before) return;
        var port = flow.Protocol is Icmp or IcmpV6 ? 0 : flow.IsStartedByPeer ? flow.OtherPort : flow.PeerPort;
        hour.Add(new TrafficKey(tunnel, _names.Peer(tunnel, flow.PeerIndex)?.Id ?? Guid.Empty, flow.PeerAddress, flow.OtherAddress, flow.Protocol, port, flow.IsStartedByPeer),
            now.FromPeer - before.FromPeer, now.ToPeer - before.ToPeer, now.Bytes - before.Bytes, 0);
    }

    // A line of the ledger stands for a peer, a network and a reason; the packet that it keeps stands for the line.
    private void Add(Guid tunnel, DropRecord drop, Dictionary<DropLine, long> seen)
    {
        if (drop.Way is not (DropWay.In or DropWay.Out)) return;
        var line = new DropLine(tunnel, drop.PeerIndex, (int)drop.Reason, drop.Way, drop.Destination?.ToString(), drop.FirstSeen);
        seen[line] = drop.Packets;
        var packets = drop.Packets - _drops.GetValueOrDefault(line);
        if (packets <= 0) return;
        var facts = PacketFacts.Read(drop.Sample.ToArray(), drop.IsEthernet);
        if (facts is not { Source: { } source, Destination: { } destination, Protocol: { } protocol }) return;
        var isFromPeer = drop.Way == DropWay.In;
        var (peerSide, otherSide) = isFromPeer ? (source.Address, destination.Address) : (destination.Address, source.Address);
        hour.Add(new TrafficKey(tunnel, _names.Peer(tunnel, drop.PeerIndex)?.Id ?? Guid.Empty, peerSide, otherSide, NumberOf(protocol), facts.DestinationPort, isFromPeer), 0, 0, 0, packets);
    }

    private static byte NumberOf(string protocol) => protocol switch
    {
        "tcp" => 6,
        "udp" => 17,
        "icmp" => Icmp,
        "icmp6" => IcmpV6,
        _ => byte.TryParse(protocol, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : (byte)0,
    };

    private readonly record struct Counted(long FromPeer, long ToPeer, long Bytes);

    private readonly record struct DropLine(Guid Tunnel, int Peer, int Reason, DropWay Way, string? Destination, long FirstSeen);

    [LoggerMessage(EventId = 1341, Level = LogLevel.Error, Message = "What passed of late could not be added up; the next look is in a few seconds")]
    private partial void LogFailed(Exception exception);
}
