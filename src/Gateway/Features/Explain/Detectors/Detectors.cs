using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Features.Events;
using Gateway.Features.Explain.Gathering;
using Gateway.Features.Explain.Reasoning;
using Gateway.Features.Recordings;

namespace Gateway.Features.Explain.Detectors;

/// <summary>
/// Notices by itself, every few seconds, what a person would else have to ask for: conversations without an answer, sizes that do not pass, handshakes that
/// lead to nothing. Each is explained with the same machinery as a question, raised as an event with its remedy, and not again for a while.
/// </summary>
internal sealed partial class Detectors(DataPlane dataPlane, EvidenceGatherer gatherer, EventLog events, FlightKeeper recorder, TimeProvider time, ILogger<Detectors> logger) : BackgroundService
{
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_quiet = TimeSpan.FromMinutes(10);

    // A scan of a network is one finding a host: a few are told, and the rest is in the flow table.
    // Where an answer is no must, what is wrong has to be certain: it is worked out once in a while.
    private static readonly TimeSpan s_doubt = TimeSpan.FromMinutes(1);

    // A scan of a network is one finding a host: a few are told, and the rest is in the flow table.
    private const int MostARound = 5;
    private const int MostRemembered = 10_000;

    private readonly Dictionary<string, DateTimeOffset> _raised = [];
    private readonly Dictionary<string, DateTimeOffset> _doubted = [];
    private HashSet<string> _seenBefore = [];

    /// <summary>One look at everything. What flows show is believed when two looks in a row show it: in between an answer comes that was just under way.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        var left = MostARound;
        var seen = new HashSet<string>();
        foreach (var tunnel in dataPlane.GetTunnels().Where(t => t.State == TunnelState.Up))
        {
            foreach (var finding in FlowFindings.Look(dataPlane.GetFlows(tunnel.Id), dataPlane.NowTicks, tunnel.Mtu))
            {
                var what = $"{tunnel.Id} {finding.PeerIndex} {finding.Host} {finding.Protocol} {finding.Port} {finding.SilentAbove is not null}";
                if (!seen.Add(what) || !_seenBefore.Contains(what) || left == 0 || !IsNew(_raised, what, s_quiet)) continue;
                if (!finding.MustBeAnswered && !IsNew(_doubted, what, s_doubt)) continue;
                left--;
                if (!finding.MustBeAnswered) Remember(_doubted, what);
                if (await RaiseAsync(tunnel, finding, cancellationToken)) Remember(_raised, what);
            }

            await RaiseHandshakesAsync(tunnel, cancellationToken);
        }

        _seenBefore = seen;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogFailed(exception);
            }
        }
    }

    /// <summary>Explains what was found and tells of it; false where the explanation takes it back.</summary>
    private async Task<bool> RaiseAsync(TunnelStatus tunnel, FlowFinding finding, CancellationToken cancellationToken)
    {
        if (dataPlane.GetPeerNames(tunnel.Id).FirstOrDefault(name => name.Index == finding.PeerIndex) is not { Name: not null } peer) return false;
        var packet = new PacketQuestion(finding.Source.ToIPAddress(), finding.Host.ToIPAddress(), finding.Protocol, (ushort)finding.Port);
        if (await gatherer.GatherAsync(tunnel.Id, peer.Id, packet, cancellationToken) is not { } evidence) return false;
        // Meanwhile an answer may have come.
        var explanation = Reasoner.Explain(evidence);
        if (finding.SilentAbove is null && explanation.Verdict == Verdicts.Passes) return false;
        if (!finding.MustBeAnswered && explanation.Verdict != Verdicts.Drops) return false;
        var culprit = explanation.Hops.FirstOrDefault(hop => hop.Id == explanation.Culprit);
        var text = finding.SilentAbove is { } size
            ? $"Packets of {size} bytes from {peer.Name} to {finding.Host} stay without an answer, smaller ones are answered: a link on the way takes less."
            : $"{finding.Host} never answers {peer.Name} ({packet.Words}, {finding.Asked} packets). {culprit?.Reason}";
        await RaiseOfPeerAsync(tunnel, new GatewayEvent(finding.SilentAbove is null ? EventKinds.OneWayFlow : EventKinds.MtuBlackHole, EventSeverities.Warning, text.TrimEnd())
        {
            Tunnel = tunnel.Name,
            PeerId = peer.Id,
            Peer = peer.Name,
            Remedy = culprit?.Remedies.Count > 0 ? RemedyText(culprit.Remedies[0]) : null,
            Remedies = culprit?.Remedies ?? [],
            Evidence = new Dictionary<string, string>
            {
                ["source"] = packet.Source.ToString(),
                ["destination"] = packet.Destination.ToString(),
                ["protocol"] = explanation.Packet.Protocol,
                ["port"] = explanation.Packet.Port is { } port ? Fact.Number(port) : "",
                ["asked"] = Fact.Number(finding.Asked),
                ["hop"] = culprit?.Id ?? "",
                ["basis"] = culprit?.Basis ?? "",
            },
        }, cancellationToken);
        return true;
    }

    /// <summary>What the peer's last packets were is kept with the event, which has the recording's number among its evidence.</summary>
    private async Task RaiseOfPeerAsync(TunnelStatus tunnel, GatewayEvent happened, CancellationToken cancellationToken)
    {
        if (await recorder.FreezeAsync(tunnel, happened, cancellationToken) is { } recording)
            happened = happened with { Evidence = new Dictionary<string, string>(happened.Evidence ?? new Dictionary<string, string>()) { [FlightKeeper.EvidenceName] = Fact.Number(recording) } };
        events.Raise(happened);
    }

    private async Task RaiseHandshakesAsync(TunnelStatus tunnel, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var source in dataPlane.GetHandshakeSources(tunnel.Id).Where(s => s.PeerId is null && now - s.LastAt <= s_quiet && HandshakeFindings.Describe(s) is not null))
        {
            if (IsNewNow($"{tunnel.Id} {source.Address} {source.Last}"))
                events.Raise(new GatewayEvent(EventKinds.HandshakeRefused, EventSeverities.Warning, HandshakeFindings.Describe(source)!) { Tunnel = tunnel.Name, Evidence = HandshakeFindings.Evidence(source) });
        }

        foreach (var id in dataPlane.GetTroubledPeers(tunnel.Id))
        {
            if (dataPlane.GetPeer(tunnel.Id, id) is not { } peer || dataPlane.GetHandshakes(tunnel.Id, id) is not { } handshakes || HandshakeFindings.Describe(peer, handshakes, now) is not { } found) continue;
            if (!IsNewNow($"{tunnel.Id} {id} {found.Kind}")) continue;
            await RaiseOfPeerAsync(tunnel, new GatewayEvent(found.Kind, EventSeverities.Warning, found.Text)
            {
                Tunnel = tunnel.Name,
                PeerId = id,
                Peer = peer.Name,
                Remedy = found.Remedy,
                Evidence = HandshakeFindings.Evidence(handshakes),
            }, cancellationToken);
        }
    }

    private bool IsNewNow(string what)
    {
        if (!IsNew(_raised, what, s_quiet)) return false;
        Remember(_raised, what);
        return true;
    }

    private bool IsNew(Dictionary<string, DateTimeOffset> remembered, string what, TimeSpan quiet) => !remembered.TryGetValue(what, out var last) || time.GetUtcNow() - last >= quiet;

    private void Remember(Dictionary<string, DateTimeOffset> remembered, string what)
    {
        if (remembered.Count >= MostRemembered) remembered.Clear();
        remembered[what] = time.GetUtcNow();
    }

    private static string RemedyText(Remedy remedy) => remedy.Commands.Count == 0 ? remedy.Text : $"{remedy.Text} {remedy.Machine}# {string.Join("; ", remedy.Commands)}";

    [LoggerMessage(EventId = 1322, Level = LogLevel.Error, Message = "A look for broken conversations failed; the next is in a few seconds")]
    private partial void LogFailed(Exception exception);
}
