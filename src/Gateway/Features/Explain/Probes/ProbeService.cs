using System.Security.Cryptography;
using System.Threading.RateLimiting;
using Gateway.Contracts;
using Gateway.Engine;
using Gateway.Engine.Probes;
using Gateway.Features.Audit;
using Gateway.Features.Explain.Gathering;
using Gateway.Features.Explain.Reasoning;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Explain.Probes;

/// <summary>
/// Sends one real packet into a tunnel's device as a peer would, follows it with all that may be used, and says what came back or where it died.
/// Its port (or echo identifier) is one that no conversation of the peer uses; what answers it is kept from the peer; a TCP opening that is answered is
/// reset at once. So the peer's own traffic is not touched, and a peer that is asleep stays so.
/// </summary>
internal sealed class ProbeService(Caller caller, AuditTrail audit, EvidenceGatherer gatherer, DataPlane dataPlane, IProbeSenses senses, ProbeLimits limits, TimeProvider time)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(30);

    // Above what hosts take for themselves (RFC 6335 §8.1.2 ends at 65535; Linux at 60999).
    private const int FirstPort = 61_000, LastPort = 65_535;

    public async Task<Outcome<ProbeResult>> SendAsync(ExplainRequest request, CancellationToken cancellationToken)
    {
        if (caller.Lacks(Permission.Explain) is { } denied) return denied;
        if (!(await gatherer.GatherAsync(request, cancellationToken)).Succeeded(out var evidence, out var failure)) return failure;
        if (Refuse(evidence) is { } refusal) return refusal;
        using var permit = limits.TryEnter(evidence.Peer.Id);
        if (!permit.IsAcquired) return new Failure(FailureKind.TooMany, $"Probes of {evidence.Peer.Name} come too fast: two a second, and one at a time on this gateway.", []);
        await audit.NoteAsync("probe.send", $"{evidence.Tunnel.Name}/{evidence.Peer.Name}",
            new { source = evidence.Packet.Source.ToString(), destination = evidence.Packet.Destination.ToString(), packet = evidence.Packet.Words }, cancellationToken);
        return await FollowAsync(evidence, cancellationToken);
    }

    private static Failure? Refuse(Evidence evidence)
    {
        if (!evidence.Tunnel.IsUp) return new Failure(FailureKind.Conflict, $"Tunnel '{evidence.Tunnel.Name}' is not up; GET /api/v1/tunnels/{evidence.Tunnel.Name} says why.", []);
        if (evidence.Tunnel.IsEthernet) return new Failure(FailureKind.Conflict, $"Tunnel '{evidence.Tunnel.Name}' carries Ethernet frames: a probe is an IP packet.", []);
        if (evidence.SourceOwner?.PeerId != evidence.Peer.Id)
            return Failure.Of(FailureKind.Rule, "source", $"{evidence.Packet.Source} is not an address of {evidence.Peer.Name}.", "Only the peer's own addresses and gateway routes can be sent from.");
        return evidence.DestinationAllowed ? null
            : Failure.Of(FailureKind.Rule, "destination", $"{evidence.Peer.Name} may not go to {evidence.Packet.Destination}: from the peer it would be dropped as 'destination not allowed'.", "Add a client route first.");
    }

    private async Task<Outcome<ProbeResult>> FollowAsync(Evidence evidence, CancellationToken cancellationToken)
    {
        var tunnelId = evidence.TunnelId;
        var key = MakeKey(evidence.Packet, tunnelId);
        if (dataPlane.WatchProbe(tunnelId, key) is not { } watch) return new Failure(FailureKind.Conflict, $"Tunnel '{evidence.Tunnel.Name}' has gone.", []);
        try
        {
            // Opening the senses starts programs and waits for them: not on the caller's thread.
            using var sight = evidence.Kernel is { } kernel ? await Task.Run(() => senses.Open(key, kernel), cancellationToken) : null;
            var sentAt = time.GetUtcNow();
            var startedAt = dataPlane.NowTicks;
            var written = await Task.Run(() => dataPlane.InjectToDevice(tunnelId, ProbePacket.Opening(key)), cancellationToken);
            if (!written.Written) return new Failure(FailureKind.Conflict, written.Error ?? "The tunnel did not take the packet.", []);
            var answer = await WaitAsync(watch, cancellationToken);
            var seen = sight?.Read();
            // Also where no answer came: the SYN may have arrived, and its answer be on the way still.
            if (key.Protocol == 6) _ = await Task.Run(() => dataPlane.InjectToDevice(tunnelId, ProbePacket.Reset(key)), cancellationToken);
            return await ConcludeAsync(evidence, key, answer, sentAt, startedAt, seen, cancellationToken);
        }
        finally
        {
            _ = LingerAsync(watch);
        }
    }

    // What answers late is kept from the peer all the same.
    private async Task LingerAsync(ProbeWatch watch)
    {
        await Task.Delay(s_linger, time);
        watch.Dispose();
    }

    private async Task<ProbeResult> ConcludeAsync(Evidence before, ProbeKey key, ProbeAnswer? answer, DateTimeOffset sentAt, long startedAt, Sight? seen, CancellationToken cancellationToken)
    {
        var reply = answer is null ? null : ProbeReading.Read(answer.Packet, key);
        var isAnswered = reply?.From.Equals(before.Packet.Destination) == true;
        var now = time.GetUtcNow();
        var same = new Conversation(1, isAnswered ? 1 : 0, sentAt, sentAt, isAnswered ? now : null, reply?.Outcome == ProbeOutcomes.Refused);
        // What the kernel knows may have changed on the way: a neighbour was asked for, and did not answer.
        var after = await gatherer.RefreshAsync(before, before.Traffic with { Same = same }, cancellationToken);
        var explanation = Reasoner.Explain(after);
        var observations = new List<HopEvidence> { Fact.Of("tunnel-device", $"written to {before.Tunnel.Device} as {before.Peer.Name} would send it", ("device", before.Tunnel.Device), ("port", Fact.Number(key.SourcePort))) };
        if (seen is not null) observations.AddRange(seen.Facts);
        if (reply is not null) observations.Add(Fact.Of("answer", $"{reply.Words}, from {reply.From}; it was not passed on to {before.Peer.Name}", ("from", reply.From.ToString())));
        var result = new ProbeResult { Packet = explanation.Packet, Outcome = ProbeOutcomes.Lost, Summary = "", Observations = observations, Explanation = explanation };
        if (reply is not null)
        {
            var milliseconds = Math.Round((answer!.Ticks - startedAt) / (double)TimeSpan.TicksPerMillisecond, 3);
            var refused = isAnswered ? null : explanation.Culprit ?? HopIds.DestinationHost;
            return result with { Outcome = reply.Outcome, Milliseconds = milliseconds, DiedAt = refused, Basis = Bases.Observed, Summary = FormattableString.Invariant($"{reply.From} answered after {milliseconds:0.###} ms with {reply.Words}.") };
        }

        var (diedAt, basis, reason) = ProbeVerdict.Judge(seen ?? new Sight(null, false, null, null, new Dictionary<string, long>(), new Dictionary<string, int>(), []), explanation);
        return result with { DiedAt = diedAt, Basis = basis, Summary = FormattableString.Invariant($"Nothing came back within {s_patience.TotalSeconds:0.#} s. {reason}") };
    }

    private async Task<ProbeAnswer?> WaitAsync(ProbeWatch watch, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var timer = time.CreateTimer(_ => limit.Cancel(), null, s_patience, Timeout.InfiniteTimeSpan);
        try
        {
            return await watch.Answers.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    // A port (or identifier) that no conversation between the two uses.
    private ProbeKey MakeKey(PacketQuestion packet, Guid tunnelId)
    {
        var (source, destination) = (InetAddress.From(packet.Source), InetAddress.From(packet.Destination));
        var used = dataPlane.GetFlows(tunnelId).Where(f => f.PeerAddress == source && f.OtherAddress == destination).Select(f => f.PeerPort).ToHashSet();
        int port;
        do
        {
            port = RandomNumberGenerator.GetInt32(FirstPort, LastPort + 1);
        }
        while (used.Contains(port) && used.Count < LastPort - FirstPort);
        return new ProbeKey(source, destination, packet.Protocol, (ushort)port, packet.Port == 0 ? (ushort)port : packet.Port);
    }
}

/// <summary>How often probes may be sent: two a second for each peer with a few at once, and one at a time, as they share the trace.</summary>
internal sealed class ProbeLimits : IDisposable
{
    private readonly PartitionedRateLimiter<Guid> _limiter = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<Guid, Guid>(peer => RateLimitPartition.GetTokenBucketLimiter(peer, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = 5,
            TokensPerPeriod = 2,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        })),
        PartitionedRateLimiter.Create<Guid, int>(_ => RateLimitPartition.GetConcurrencyLimiter(0, _ => new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = 0 })));

    /// <summary>A permit, to be disposed when the probe is over.</summary>
    public RateLimitLease TryEnter(Guid peer) => _limiter.AttemptAcquire(peer);

    public void Dispose() => _limiter.Dispose();
}
