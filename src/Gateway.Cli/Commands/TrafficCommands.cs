using System.CommandLine;
using System.Text.Json.Nodes;
using Gateway.Cli.Api;
using Gateway.Contracts.Live;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway flow</c>, <c>drop</c>, <c>event</c> and <c>history</c>: what goes through the tunnels, what does not, and what was.</summary>
internal static class TrafficCommands
{
    public static Command Flow()
    {
        var (filter, sort) = (Filter("peer=alice proto=tcp bytes > 1M"), Sort(FlowSort.All));
        var list = new ApiCommand("list", "List the conversations inside the tunnels.", "ListFlows").Listing().With(filter, sort)
            .Does(session => session.ListAsync<FlowRow>(page => session.Api.Traffic.ListFlowsAsync(session.Value(filter), session.Value(sort), page, session.Stopped),
                nameof(FlowRow.Peer), nameof(FlowRow.Protocol), nameof(FlowRow.Source), nameof(FlowRow.SourcePort), nameof(FlowRow.Destination), nameof(FlowRow.DestinationPort),
                nameof(FlowRow.Service), nameof(FlowRow.BytesFromPeer), nameof(FlowRow.BytesToPeer), nameof(FlowRow.RateFromPeer), nameof(FlowRow.RateToPeer), nameof(FlowRow.LastSeen)));
        return new Command("flow", "Conversations inside the tunnels.") { list };
    }

    public static Command Drop()
    {
        var (filter, sort) = (Filter("peer=alice reason~\"not allowed\""), Sort(DropSort.All));
        var list = new ApiCommand("list", "List what was not passed on, and why.", "ListDrops").Listing().With(filter, sort)
            .Does(session => session.ListAsync<DropRow>(page => session.Api.Traffic.ListDropsAsync(session.Value(filter), session.Value(sort), page, session.Stopped),
                nameof(DropRow.Tunnel), nameof(DropRow.Peer), nameof(DropRow.Destination), nameof(DropRow.Reason), nameof(DropRow.Way), nameof(DropRow.Packets),
                nameof(DropRow.FirstSeen), nameof(DropRow.LastSeen)));
        return new Command("drop", "Packets that were not passed on.") { list };
    }

    public static Command Event()
    {
        var filter = Filter("severity=warning peer=alice");
        var list = new ApiCommand("list", "List what happened, newest first.", "ListEvents").Listing(100).With(filter)
            .Does(session => session.ListAsync<EventRow>(page => session.Api.Traffic.ListEventsAsync(session.Value(filter), page, session.Stopped),
                nameof(EventRow.At), nameof(EventRow.Severity), nameof(EventRow.Tunnel), nameof(EventRow.Peer), nameof(EventRow.Text), nameof(EventRow.Remedy)));
        return new Command("event", "What happened.") { list };
    }

    public static Command History()
    {
        var tunnel = new Option<string?>("--tunnel") { HelpName = "TUNNEL", Description = "Of this tunnel." }.Completing(Names.TunnelNamesAsync);
        var peer = new Option<string?>("--peer") { HelpName = "PEER", Description = "Of this peer." }.Completing(Names.PeerNamesAsync);
        var from = Times.Option("--from", "From when on: 2030-01-31, 2030-01-31T12:00:00Z, or before now: 12h, 30d. An hour without it.", ahead: false);
        var to = Times.Option("--to", "Until when; now without it.", ahead: false);
        var step = new Option<string?>("--step") { HelpName = "minute|hour|day", Description = "How long each line is: minute (kept 48 h), hour (35 days) or day (two years)." };
        step.CompletionSources.Add(HistorySteps.Minute, HistorySteps.Hour, HistorySteps.Day);
        var list = new ApiCommand("list", "List what passed and what was dropped over time.", "GetHistory").With(tunnel, peer, from, to, step).Does(async session =>
        {
            var of = session.Value(peer) is { } given ? (await session.PeerAsync(given)).Id.ToString() : null;
            var result = ApiSession.Checked(await session.Api.Traffic.GetHistoryAsync(session.Value(tunnel), of, session.Value(from), session.Value(to), session.Value(step), session.Stopped));
            if (session.IsJson) session.Show(result);
            else session.View.Table(JsonNode.Parse(result.Body)!["points"]!.AsArray(),
                [nameof(HistoryPoint.At), nameof(HistoryPoint.ReceivedBytes), nameof(HistoryPoint.SentBytes), nameof(HistoryPoint.ReceivedPackets), nameof(HistoryPoint.SentPackets), nameof(HistoryPoint.Drops)], more: false);
        });
        return new Command("history", "What passed over time.") { list };
    }

    /// <summary>FILTER, an expression of docs/live.md.</summary>
    private static Argument<string?> Filter(string example) => new("FILTER") { Arity = ArgumentArity.ZeroOrOne, Description = $"Only those that match: {example} (docs/live.md)." };

    private static Option<string?> Sort(IReadOnlyList<string> keys)
    {
        var sort = new Option<string?>("--sort") { HelpName = "KEY", Description = $"{string.Join(", ", keys)}; with - before it the largest first (--sort=-bytes)." };
        sort.CompletionSources.Add([.. keys, .. keys.Select(k => "-" + k)]);
        return sort;
    }
}
