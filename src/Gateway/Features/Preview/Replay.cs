using System.Globalization;
using Gateway.Contracts;
using Gateway.Features.Flows;

namespace Gateway.Features.Preview;

/// <summary>
/// Sends the last hour's conversations through the rules as they are and as they would be. One breaks where it worked, the rules let it pass and would not any
/// more; one begins to pass where it was dropped or not answered, the rules stop it and would not any more. What is behind the gateway is not judged but for
/// its address translation, whose coming and going decides whether a host there has a way back.
/// </summary>
internal static class Replay
{
    private const byte Tcp = 6, Icmp = 1, IcmpV6 = 58;
    private const int Strict = 1, MostTold = 20;

    public static (FlowForecast Breaks, FlowForecast BeginsToPass) Compare(NetworkState before, NetworkState after, IEnumerable<TrafficTotal> traffic)
    {
        List<ForecastFlow> breaks = [], begins = [];
        foreach (var total in traffic)
        {
            var (was, will) = (Stops(before, total), Stops(after, total));
            if (was is null && will is null) (was, will) = Translated(before, after, total);
            if (was is null && will is not null && Worked(total)) breaks.Add(Tell(before, total, will));
            else if (was is not null && will is null && (total.Dropped > 0 || !IsAnswered(total))) begins.Add(Tell(after, total, $"so far {was}"));
        }

        return (Sum(breaks), Sum(begins));
    }

    /// <summary>What stops it, as half a sentence; null = nothing that is known here.</summary>
    public static string? Stops(NetworkState state, TrafficTotal total)
    {
        var (key, other) = (total.Key, total.OtherSide);
        if (!state.Tunnels.TryGetValue(key.Tunnel, out var tunnel)) return "its tunnel is gone";
        if (key.Peer != Guid.Empty && (!tunnel.Peers.TryGetValue(key.Peer, out var sender) || !sender.IsLetIn)) return sender is null ? "the peer is gone" : $"{sender.Name} is not let in";
        // An Ethernet tunnel learns who is where, and routes nothing.
        if (tunnel.IsEthernet) return null;
        if (tunnel.Owners.Find(key.PeerSide)?.Value is not { } owner) return $"{key.PeerSide} belongs to no peer";
        if (key.Peer != Guid.Empty && owner.Id != key.Peer) return $"{key.PeerSide} belongs to {owner.Name}";
        if (!tunnel.Networks.Holds(other) && !owner.Destinations.Holds(other)) return $"{owner.Name} may not reach {other}";
        if (state.OtherWays is not null && state.WayTo(key.PeerSide) is var way && way != tunnel.Device)
        {
            if (key.PeerSide.IsV4 && (tunnel.RpFilter == Strict || (tunnel.RpFilter > 0 && way is null)))
                return $"rp_filter on {tunnel.Device} refuses {key.PeerSide}, to which the kernel has {(way is null ? "no route" : $"a route through {way}")}";
            return $"the kernel has no route to {key.PeerSide} into {tunnel.Device}, so answers are lost";
        }

        if (state.Local.Contains(other)) return null;
        if (!(key.PeerSide.IsV4 ? state.ForwardsV4 : state.ForwardsV6)) return $"the kernel does not forward {(key.PeerSide.IsV4 ? "IPv4" : "IPv6")}";
        return state.Tunnels.Values.FirstOrDefault(t => t.Device == state.WayTo(other)) is { IsEthernet: false } behind && !behind.Owners.Holds(other) ? $"{other} belongs to no peer" : null;
    }

    private static (string? Was, string? Will) Translated(NetworkState before, NetworkState after, TrafficTotal total)
    {
        if (!total.Key.StartedByPeer || before.Local.Contains(total.OtherSide)) return (null, null);
        return (IsTranslated(before, total), IsTranslated(after, total)) switch
        {
            (true, false) => (null, $"without translation {total.OtherSide} sees {total.Key.PeerSide}, and answers only if it has a route back to it"),
            (false, true) when !IsAnswered(total) => ($"{total.OtherSide} does not answer {total.Key.PeerSide}; it will see the gateway's own address", null),
            _ => (null, null),
        };
    }

    private static bool IsTranslated(NetworkState state, TrafficTotal total) =>
        state.Tunnels.TryGetValue(total.Key.Tunnel, out var tunnel) && tunnel.Nat.Find(total.OtherSide)?.Value is { } to && to != NatTargets.None
        && state.WayTo(total.OtherSide) is var way && state.Tunnels.Values.All(t => t.Device != way);

    private static bool IsAnswered(TrafficTotal total) => total is { FromPeer: > 0, ToPeer: > 0 };

    // TCP and pings want an answer; other traffic may go one way by design.
    private static bool Worked(TrafficTotal total) => IsAnswered(total) || (total.Key.Protocol is not (Tcp or Icmp or IcmpV6) && total.FromPeer + total.ToPeer > 0);

    private static ForecastFlow Tell(NetworkState state, TrafficTotal total, string why)
    {
        var key = total.Key;
        var tunnel = state.Tunnels.GetValueOrDefault(key.Tunnel);
        var peer = tunnel?.Peers.GetValueOrDefault(key.Peer) ?? tunnel?.Owners.Find(key.PeerSide)?.Value;
        var other = key.IsNetwork ? $"{key.OtherSide}/{(key.OtherSide.IsV4 ? 24 : 64)}" : key.OtherSide.ToString();
        var (source, destination) = key.StartedByPeer ? (key.PeerSide.ToString(), other) : (other, key.PeerSide.ToString());
        var protocol = ServiceNames.Protocol(key.Protocol);
        var packets = total.Packets.ToString("N0", CultureInfo.InvariantCulture);
        return new ForecastFlow
        {
            Tunnel = tunnel?.Name ?? "",
            PeerId = key.Peer == Guid.Empty ? peer?.Id : key.Peer,
            Peer = peer?.Name,
            Source = source,
            Destination = destination,
            Protocol = protocol,
            Port = key.Port == 0 ? null : key.Port,
            Packets = total.Packets,
            Bytes = total.Bytes,
            LastSeen = total.LastSeen,
            Text = $"{(peer is null ? "" : $"{peer.Name}: ")}{source} to {destination}, {protocol}{(key.Port == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" {key.Port}"))} ({packets} packet{(total.Packets == 1 ? "" : "s")}): {why}.",
        };
    }

    private static FlowForecast Sum(List<ForecastFlow> flows) =>
        new() { Flows = flows.Count, Packets = flows.Sum(flow => flow.Packets), Largest = [.. flows.OrderByDescending(flow => flow.Packets).Take(MostTold)] };
}
