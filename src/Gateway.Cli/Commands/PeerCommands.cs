using System.CommandLine;
using System.Text.Json.Nodes;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway peer</c>: all but making one, its config and its links.</summary>
internal static class PeerCommands
{
    public static Command Build() => new("peer", "Peers: the remote ends of tunnels.")
    {
        List(), Tags(), Show(), PeerAddCommand.Build(), Set(), Switch("enable", "Let a peer in.", true), Switch("disable", "Let a peer in no more; its session ends.", false),
        Delete(), Bulk(), PeerConfigCommands.Config(), PeerConfigCommands.Rotate(), PeerConfigCommands.Link(),
    };

    /// <summary>What can be said of a peer, when it is made and later.</summary>
    public static SettingsOptions Settings() => new SettingsOptions()
        .Text(nameof(PeerSettings.PublicKey), "--public-key", "KEY", "Its public key. Without one Gateway makes a key pair and a pre-shared key.")
        .List(nameof(PeerSettings.Addresses), "--address", "ADDRESS", "An address in the tunnel. Without one the next free ones are chosen.")
        .Text(nameof(PeerSettings.Endpoint), "--endpoint", "HOST:PORT", "Where it is dialled; without it, it dials.")
        .Secret(nameof(PeerSettings.PresharedKey), "--preshared-key-file", "The file with the pre-shared key; - is standard input.")
        .Number(nameof(PeerSettings.KeepaliveSeconds), "--keepalive", "SECONDS", "Persistent keepalive; 0 = off.")
        .Time(nameof(PeerSettings.ExpiresAt), "--expires", "From when on it is no longer let in.")
        .Flag(nameof(PeerSettings.Enabled), "--enabled", "Whether it is let in; true by default.")
        .List(nameof(PeerSettings.Tags), "--tag", "TAG", "A word to find it by.")
        .Text(nameof(PeerSettings.Notes), "--notes", "TEXT", "What people want to remember of it.")
        .Flag(nameof(PeerSettings.DropKeyAfterDownload), "--drop-key-after-download", "Whether the private key that Gateway made is forgotten as soon as its config was taken once.");

    private static ApiCommand List()
    {
        var (symbols, filter) = Filter();
        var sort = new Option<string?>("--sort") { HelpName = "KEY", Description = $"{string.Join(", ", PeerOrders.All)}; with - before it the other way round (--sort=-name)." };
        sort.CompletionSources.Add([.. PeerOrders.All]);
        return new ApiCommand("list", "List and search peers.", "ListPeers", "ListPeersOfTunnel").Listing().With([.. symbols, sort])
            .Does(session => session.ListAsync<PeerResponse>(page => session.Api.Peers.ListAsync(filter(session), session.Value(sort), page, session.Stopped),
                nameof(PeerResponse.Tunnel), nameof(PeerResponse.Name), nameof(PeerResponse.State), nameof(PeerResponse.Enabled), nameof(PeerResponse.Addresses), nameof(PeerResponse.Tags),
                nameof(PeerResponse.LastEndpoint), nameof(PeerResponse.LastHandshake), nameof(PeerResponse.ReceivedBytes), nameof(PeerResponse.SentBytes)));
    }

    private static ApiCommand Tags() => new ApiCommand("tags", "List the tags in use.", "ListPeerTags").Does(async session => session.Show(await session.Api.Peers.ListTagsAsync(session.Stopped)));

    private static ApiCommand Show()
    {
        var peer = Names.Peer();
        return new ApiCommand("show", "Show a peer and how it does.", "GetPeer").With(peer)
            .Does(async session => session.Show(await session.Api.Peers.GetAsync((await session.PeerAsync(session.Value(peer))).Id, session.Stopped)));
    }

    private static ApiCommand Set()
    {
        var peer = Names.Peer();
        var settings = Settings().Text(nameof(PeerSettings.Name), "--name", "NAME", "Another name.").Clearable();
        return new ApiCommand("set", "Change a peer.", "UpdatePeer").Changing().With(peer).Taking(settings)
            .Does(async session => session.SayAndShow(await UpdateAsync(session, peer, session.Settings(settings)), changed => $"Changed peer {changed.Name}."));
    }

    private static ApiCommand Switch(string name, string description, bool enabled)
    {
        var peer = Names.Peer();
        return new ApiCommand(name, description, "UpdatePeer").Changing().With(peer)
            .Does(async session => session.Say(await UpdateAsync(session, peer, new JsonObject { ["enabled"] = enabled }), $"{(enabled ? "Enabled" : "Disabled")} peer {session.Value(peer)}."));
    }

    private static async Task<Contracts.Client.ApiResult<PeerResponse>> UpdateAsync(ApiSession session, Argument<string> peer, JsonObject patch) =>
        await session.Api.Peers.UpdateAsync((await session.PeerAsync(session.Value(peer))).Id, patch, session.Change, session.Stopped);

    private static ApiCommand Delete()
    {
        var peer = Names.Peer();
        return new ApiCommand("delete", "Delete a peer with its routes.", "DeletePeer").Changing().With(peer).Does(async session =>
        {
            var found = await session.PeerAsync(session.Value(peer));
            session.Say(await session.Api.Peers.DeleteAsync(found.Id, session.Change, session.Stopped), $"Deleted peer {found.Name}.");
        });
    }

    private static ApiCommand Bulk()
    {
        var action = new Argument<string>("ACTION") { Description = string.Join(", ", BulkActions.All) + "." };
        action.CompletionSources.Add([.. BulkActions.All]);
        var peers = new Argument<string[]>("PEER") { Arity = ArgumentArity.ZeroOrMore, Description = "The peers; or choose them with the options, or --all." };
        peers.CompletionSources.Add(context => Names.Ask(context, Names.PeerNamesAsync));
        var all = new Option<bool>("--all") { Description = "All peers." };
        var (symbols, filter) = Filter();
        var settings = new SettingsOptions()
            .List(nameof(BulkRequest.Tags), "--add-tag", "TAG", "With tag and untag: the tag.")
            .Time(nameof(BulkRequest.ExpiresAt), "--expires", "With expire: when; without it never.")
            .Given(nameof(BulkRequest.Action), action);
        return new ApiCommand("bulk", "Change many peers: all of them or none.", "ChangePeers").Changing(existing: false).With([action, peers, all, .. symbols]).Taking(settings).Does(async session =>
        {
            var chosen = filter(session);
            var named = session.Value(peers) ?? [];
            if (named.Length > 0 == (session.Value(all) || chosen != new PeerFilter())) throw new CommandException("Say which peers: by name, by options, or --all.", ExitCodes.Usage);
            var ids = new List<Guid>();
            foreach (var name in named) ids.Add((await session.PeerAsync(name)).Id);
            var request = SettingsOptions.As<BulkRequest>(session.Settings(settings)) with { Ids = ids.Count > 0 ? ids : null, Filter = ids.Count > 0 ? null : chosen };
            session.SayAndShow(await session.Api.Peers.ChangeManyAsync(request, session.Change, session.Stopped), done => $"Changed {done.Changed} of {done.Matched} peers.");
        });
    }

    private static (Symbol[] Symbols, Func<ApiSession, PeerFilter> Read) Filter()
    {
        var tunnel = new Option<string?>("--tunnel") { HelpName = "TUNNEL", Description = "Only those of this tunnel." }.Completing(Names.TunnelNamesAsync);
        var search = new Option<string?>("--search") { HelpName = "TEXT", Description = "A piece of the name or of a tag, or the beginning of an address, a route or the public key." };
        var tag = new Option<string?>("--tag") { HelpName = "TAG", Description = "Only those with exactly this tag." }
            .Completing(async (api, cancellationToken) => ApiSession.Take(await api.Peers.ListTagsAsync(cancellationToken)));
        var enabled = new Option<bool?>("--enabled") { HelpName = "true|false", Description = "Only those that are enabled, or only those that are not." };
        return ([tunnel, search, tag, enabled], session => new PeerFilter
        {
            Tunnel = session.Value(tunnel),
            Search = session.Value(search),
            Tag = session.Value(tag),
            Enabled = session.Value(enabled),
        });
    }
}
