using Gateway.Contracts;
using Gateway.Engine.Forensics;
using Gateway.Features.Explain.Detectors;
using Gateway.Linux.Nftables;
using Gateway.Protocol;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>Handshake and session: whether the peer's datagrams come, and whether both ends can read each other.</summary>
internal static class SessionStep
{
    private static readonly TimeSpan s_sessionLife = TimeSpan.FromSeconds(180); // Reject-After-Time, whitepaper §6.1
    private static readonly TimeSpan s_recent = TimeSpan.FromMinutes(5);

    public static bool IsFresh(Evidence e) => Newest(e) is { } last && e.Now - last <= s_sessionLife;

    public static Step Explain(Evidence e)
    {
        var place = Place.Request(HopIds.Session, $"Session with {e.Peer.Name}");
        if (!e.Tunnel.IsUp)
        {
            return place.Drops(Bases.AskedEngine, $"Tunnel {e.Tunnel.Name} does not run: {e.Tunnel.Cause ?? "it is being opened"}.")
                .With(e.Tunnel.FailureRemedy is { } remedy ? [RemedyOf.Instruction(RemedyMachines.Gateway, remedy)] : []);
        }

        if (e.Peer.ExpiresAt is { } expiry && expiry <= e.Now)
        {
            return place.Drops(Bases.AskedEngine, $"{e.Peer.Name} expired {Fact.Ago(e.Now - expiry)} ago and is no longer let in.")
                .With(RemedyOf.Patch($"Let {e.Peer.Name} in again, without an end.", $"peers/{e.Peer.Id}", "expiresAt", null, expiry.ToString("O", System.Globalization.CultureInfo.InvariantCulture)));
        }

        if (!e.Tunnel.IsWireGuard) return Plain(e, place);
        if (Flapping(e, place) is { } flapping) return flapping;
        if (e.Peer.Handshakes is { } handshakes && Refused(e, place, handshakes) is { } refused) return refused;
        if (Stranger(e, place) is { } stranger) return stranger;
        if (e.Peer.Handshakes is { Unanswered: > 1 } tried && tried.LastSentAt > (e.Peer.LastReceived ?? DateTimeOffset.MinValue)) return Gone(e, place, tried);
        if (IsFresh(e)) return place.Passes(Bases.Observed, $"Last handshake {Since(e, e.Peer.LastHandshake)}, last data {Since(e, e.Peer.LastReceived)}, from {e.Peer.Endpoint}.");
        if (OuterFirewall(e, place) is { } blocked) return blocked;
        return e.Peer.LastHandshake is null
            ? place.Unknown($"No handshake of {e.Peer.Name} has come since the gateway was started. It is not running, or its datagrams to {e.Tunnel.Endpoint ?? "UDP port " + e.Tunnel.ListenPort} do not arrive: a wrong endpoint, or a firewall on the way.", Bases.Observed)
                .Suspect(3).With(RemedyOf.Instruction(RemedyMachines.Client, "See that the tunnel is up there and where it sends to.", "wg show"))
            : place.Unknown($"The last handshake was {Since(e, e.Peer.LastHandshake)}: no session is left. A client makes a new one when it has something to send, so it may just be silent.", Bases.Observed).Suspect(2);
    }

    private static Step Plain(Evidence e, Place place) => e.Peer.LastReceived is { } last && e.Now - last <= s_sessionLife
        ? place.Passes(Bases.Observed, $"Its last datagram came {Since(e, last)}, from {e.Peer.Endpoint}.")
        : place.Unknown(e.Peer.LastReceived is null ? $"No datagram of {e.Peer.Name} has come yet. A plain tunnel has no handshake: nothing more can be said." : $"Its last datagram came {Since(e, e.Peer.LastReceived)}.", Bases.Observed).Suspect(2);

    // One configuration on two devices: each takes the endpoint over when it sends.
    private static Step? Flapping(Evidence e, Place place)
    {
        if (e.Peer.Handshakes is not { } handshakes || HandshakeFindings.Flapping(handshakes, e.Now) is not { Count: > 1 } back) return null;
        var moves = handshakes.EndpointMoves;
        return place.Drops(Bases.Observed, $"The endpoint of {e.Peer.Name} moves to and fro between {string.Join(" and ", back)}: two devices use one configuration, and answers go to the one that spoke last.")
            .Because([.. moves.TakeLast(6).Select(m => Fact.Of("endpoint", $"{Since(e, m.At)}: {m.Endpoint}", ("endpoint", m.Endpoint.ToString())))])
            .With(RemedyOf.Instruction(RemedyMachines.Client, "Stop one of the two, and give it a peer of its own here."));
    }

    private static Step? Refused(Evidence e, Place place, PeerHandshakes handshakes)
    {
        var fetch = RemedyOf.Instruction(RemedyMachines.Client, "Fetch the configuration again and bring the tunnel up with it.");
        if (handshakes.LastRefused == HandshakeResult.BadTag && handshakes.LastRefusedAt > e.Peer.LastReceived.GetValueOrDefault())
        {
            return place.Drops(Bases.Observed, $"{e.Peer.Name} answers handshakes, and the answer does not verify: the two ends have different pre-shared keys{(e.Peer.HasPresharedKey ? "" : " (here there is none)")}.")
                .Because(Counts(handshakes)).With(fetch);
        }

        if (handshakes.LastRefused == HandshakeResult.OldTimestamp && handshakes.LastRefusedAt > e.Peer.LastReceived.GetValueOrDefault())
        {
            return place.Drops(Bases.Observed, $"Handshakes of {e.Peer.Name} are refused, as their time is not later than that of an earlier one: the clock there went back{Clock(handshakes)}, or two devices use one configuration.")
                .Because(Counts(handshakes)).With(RemedyOf.Instruction(RemedyMachines.Client, "Set the clock right.", "timedatectl set-ntp true"));
        }

        if (handshakes.Unconfirmed < 2 || handshakes.LastAnsweredAt <= e.Peer.LastReceived.GetValueOrDefault()) return null;
        return place.Drops(Bases.Inferred, $"{handshakes.Unconfirmed} handshakes of {e.Peer.Name} were answered, and it never used the result: most likely the pre-shared keys differ, else the answers do not reach {e.Peer.Endpoint}.")
            .Because(Counts(handshakes)).With(fetch);
    }

    // Handshakes that cannot be given to a peer: from the address where this one was seen, or from anywhere if it was never seen.
    private static Step? Stranger(Evidence e, Place place)
    {
        var quiet = Newest(e) ?? DateTimeOffset.MinValue;
        var source = e.HandshakeSources.FirstOrDefault(s => s.PeerId is null && e.Now - s.LastAt <= s_recent && s.LastAt > quiet
            && s.Last is HandshakeResult.BadMac1 or HandshakeResult.UnknownPeer && (e.Peer.Endpoint is null || e.Peer.Endpoint.Address.Equals(s.Address)));
        if (source is null) return null;
        var step = source.Last == HandshakeResult.BadMac1
            ? place.Drops(Bases.Inferred, $"Handshakes come from {source.Address} that were made for another public key than that of {e.Tunnel.Name}. If that is {e.Peer.Name}, its configuration has a wrong or an old key of the gateway.")
            : place.Drops(Bases.Inferred, $"Handshakes come from {source.Address} with a public key that no peer has ({source.UnknownKey}). If that is {e.Peer.Name}, its private key is not the one that belongs to the public key saved here.");
        return step.Because(Fact.Of("handshakes", $"the last {Since(e, source.LastAt)} from {source.Address}:{source.Port}: {Words(source.Last)}", ("source", source.Address.ToString()), ("result", source.Last.ToString())))
            .With(RemedyOf.Instruction(RemedyMachines.Client, "Fetch the configuration again and bring the tunnel up with it."));
    }

    private static Step Gone(Evidence e, Place place, PeerHandshakes tried) =>
        place.Drops(Bases.Observed, $"{tried.Unanswered} handshakes were sent to {e.Peer.Endpoint} and none was answered; the last data came {Since(e, e.Peer.LastReceived)}. The client is gone, or what is sent there does not arrive.")
            .Because(Counts(tried)).With(RemedyOf.Instruction(RemedyMachines.Client, "Bring the tunnel up there."));

    private static Step? OuterFirewall(Evidence e, Place place)
    {
        if (e.Kernel is not { Rules: { } rules } kernel || e.Tunnel.ListenPort == 0) return null;
        var packet = new FirewallPacket
        {
            Source = e.Peer.Endpoint?.Address ?? System.Net.IPAddress.Parse("192.0.2.1"),
            Destination = kernel.Addresses.FirstOrDefault(a => a.Address.AddressFamily == (e.Peer.Endpoint?.AddressFamily ?? System.Net.Sockets.AddressFamily.InterNetwork))?.Address ?? System.Net.IPAddress.Loopback,
            Protocol = 17,
            SourcePort = (ushort)(e.Peer.Endpoint?.Port ?? 51820),
            DestinationPort = (ushort)e.Tunnel.ListenPort,
            Length = 176,
            InputDevice = kernel.Link(kernel.ToEndpoint?.Route)?.Name ?? "",
            SourceRouteDevice = kernel.Link(kernel.ToEndpoint?.Route)?.Name,
            DestinationIsLocal = true,
        };
        foreach (var hook in (string[])["prerouting", "input"])
        {
            var verdict = FirewallEvaluator.Evaluate(rules, hook, packet);
            if (verdict.Outcome is not (FirewallOutcome.Drop or FirewallOutcome.Reject)) continue;
            return place.Drops(Bases.AskedKernel, $"A firewall rule on the gateway drops datagrams to UDP port {e.Tunnel.ListenPort}: {FirewallWords.Describe(verdict)}.")
                .Because(FirewallWords.Fact(verdict))
                .With(RemedyOf.Instruction(RemedyMachines.Gateway, "Let the tunnel's datagrams in.", FirewallWords.Insert(verdict, $"udp dport {e.Tunnel.ListenPort} accept")));
        }

        return null;
    }

    private static DateTimeOffset? Newest(Evidence e) => e.Peer.LastReceived > e.Peer.LastHandshake || e.Peer.LastHandshake is null ? e.Peer.LastReceived : e.Peer.LastHandshake;

    private static HopEvidence Counts(PeerHandshakes handshakes) => Fact.Of("handshakes",
        $"answered and not used: {handshakes.Unconfirmed}; sent and not answered: {handshakes.Unanswered}" + (handshakes.LastRefused is { } last ? $"; last refused: {Words(last)}" : ""),
        ("unconfirmed", Fact.Number(handshakes.Unconfirmed)), ("unanswered", Fact.Number(handshakes.Unanswered)), ("lastRefused", handshakes.LastRefused?.ToString() ?? ""));

    private static string Clock(PeerHandshakes handshakes) => handshakes.ClockAhead is { } ahead && ahead.Duration() > TimeSpan.FromSeconds(2)
        ? $" (it is {Fact.Ago(ahead.Duration())} {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} ours)" : "";

    public static string Words(HandshakeResult result) => result switch
    {
        HandshakeResult.Responded => "answered",
        HandshakeResult.Completed => "completed",
        HandshakeResult.CookieSent => "answered with a cookie",
        HandshakeResult.CookieLearned => "brought a cookie",
        HandshakeResult.BadMac1 => "made for another public key than ours (mac1)",
        HandshakeResult.UnknownPeer => "a public key that no peer has",
        HandshakeResult.BadTag => "does not verify",
        HandshakeResult.OldTimestamp => "not later than an earlier one",
        HandshakeResult.RateLimited => "more than a source may send",
        HandshakeResult.NotExpected => "answers nothing that was asked",
        _ => "malformed",
    };

    private static string Since(Evidence e, DateTimeOffset? time) => time is { } t ? $"{Fact.Ago(e.Now - t)} ago" : "never";
}
