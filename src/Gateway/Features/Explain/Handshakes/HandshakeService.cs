using System.Collections.Immutable;
using Gateway.Contracts;
using Gateway.Engine;
using Gateway.Engine.Forensics;
using Gateway.Features.Explain.Detectors;
using Gateway.Features.Explain.Reasoning;
using Gateway.Protocol;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Explain.Handshakes;

/// <summary>The engine's ledger of handshakes, in words: refused ones by where they came from, fruitless ones by peer.</summary>
internal sealed class HandshakeService(DataPlane dataPlane, Caller caller, TimeProvider time)
{
    /// <summary>One page, by tunnel, addresses before peers.</summary>
    public Outcome<Page<HandshakeRow>> List(string? tunnel, int? limit, string? cursor)
    {
        if (caller.Lacks(Permission.Read) is { } denied) return denied;
        if (!Cursors.Read(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        var tunnels = dataPlane.GetTunnels();
        if (tunnel is not null && tunnels.All(t => t.Name != tunnel)) return Failure.NotFound("tunnel", tunnel);
        var rows = tunnels.Where(t => tunnel is null || t.Name == tunnel).SelectMany(t => OfSources(t).Concat(OfPeers(t)))
            .Select(row => (Key: $"{row.Tunnel} {(row.Source is null ? "b" : "a")} {row.Source ?? row.PeerId.ToString()}", Row: row))
            .Where(row => page.After is null || string.CompareOrdinal(row.Key, page.After) > 0)
            .OrderBy(row => row.Key, StringComparer.Ordinal).Take(page.Limit + 1).ToList();
        return Cursors.ToPage(rows, page.Limit, row => row.Row, row => row.Key);
    }

    private IEnumerable<HandshakeRow> OfSources(TunnelStatus tunnel) => dataPlane.GetHandshakeSources(tunnel.Id).Select(source =>
    {
        var peer = source.PeerId is { } id ? dataPlane.GetPeer(tunnel.Id, id) : null;
        return new HandshakeRow
        {
            Tunnel = tunnel.Name,
            Source = source.Address.ToString(),
            PeerId = source.PeerId,
            Peer = peer?.Name,
            Text = HandshakeFindings.Describe(source) ?? $"The last from {source.Address}{(peer is null ? "" : $", of {peer.Name}")}: {SessionStep.Words(source.Last)}.",
            Counts = Counts(source.Counts),
            LastAt = source.LastAt,
        };
    });

    private IEnumerable<HandshakeRow> OfPeers(TunnelStatus tunnel)
    {
        foreach (var id in dataPlane.GetTroubledPeers(tunnel.Id))
        {
            if (dataPlane.GetPeer(tunnel.Id, id) is not { } peer || dataPlane.GetHandshakes(tunnel.Id, id) is not { } handshakes) continue;
            var found = HandshakeFindings.Describe(peer, handshakes, time.GetUtcNow());
            yield return new HandshakeRow
            {
                Tunnel = tunnel.Name,
                PeerId = id,
                Peer = peer.Name,
                Text = found?.Text ?? Plain(peer, handshakes),
                Remedy = found?.Remedy,
                Counts = Counts(handshakes.Counts),
                LastAt = handshakes.LastRefusedAt > handshakes.LastAnsweredAt || handshakes.LastAnsweredAt is null ? handshakes.LastRefusedAt : handshakes.LastAnsweredAt,
            };
        }
    }

    private static string Plain(PeerStatus peer, PeerHandshakes handshakes) =>
        $"Of {peer.Name}: answered and not used {handshakes.Unconfirmed}, sent and not answered {handshakes.Unanswered}{(handshakes.LastRefused is { } last ? $", the last refused: {SessionStep.Words(last)}" : "")}.";

    private static Dictionary<string, long> Counts(ImmutableArray<long> counts) =>
        counts.Select((count, result) => (count, (HandshakeResult)result)).Where(pair => pair.count > 0).ToDictionary(pair => SessionStep.Words(pair.Item2), pair => pair.count);
}
