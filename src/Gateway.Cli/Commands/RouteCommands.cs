using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway route</c>.</summary>
internal static class RouteCommands
{
    public static Command Build() => new("route", "Routes: prefixes that a peer may reach, or that lie behind it.") { List(), Show(), Add(), Set(), Delete() };

    /// <summary>What can be said of a route when it is made.</summary>
    public static SettingsOptions Settings() => new SettingsOptions()
        .Text(nameof(RouteSettings.InstallOn), "--install-on", "", "client (the default): the peer may reach it through the tunnel. gateway: it lies behind the peer.", InstallOn.Client, InstallOn.Gateway)
        .Flag(nameof(RouteSettings.KernelRoute), "--kernel-route", "Whether a gateway route also becomes a kernel route into the tunnel; true by default.")
        .Flag(nameof(RouteSettings.Confirm), "--confirm", "Yes to a default route on a tunnel without NAT.");

    private static ApiCommand List()
    {
        var peer = new Option<string?>("--peer") { HelpName = "PEER", Description = "Only the routes of this peer." }.Completing(Names.PeerNamesAsync);
        return new ApiCommand("list", "List routes.", "ListRoutes", "ListRoutesOfPeer").Listing().With(peer).Does(async session =>
        {
            var of = session.Value(peer) is { } given ? await session.PeerAsync(given) : null;
            await session.ListAsync<RouteResponse>(page => of is null ? session.Api.Routes.ListAsync(page, session.Stopped) : session.Api.Routes.ListOfPeerAsync(of.Id, page, session.Stopped),
                nameof(RouteResponse.Tunnel), nameof(RouteResponse.Peer), nameof(RouteResponse.Prefix), nameof(RouteResponse.InstallOn), nameof(RouteResponse.KernelRoute), nameof(RouteResponse.Id));
        });
    }

    private static ApiCommand Show()
    {
        var (peer, prefix) = Which();
        return new ApiCommand("show", "Show a route.", "GetRoute").With(peer, prefix)
            .Does(async session => session.Show(await session.Api.Routes.GetAsync(await FindAsync(session, peer, prefix), session.Stopped)));
    }

    private static ApiCommand Add()
    {
        var peer = Names.Peer();
        var prefix = new Argument<string>("PREFIX") { Description = "Without host bits: 192.168.60.0/24." };
        var settings = Settings().Given(nameof(RouteSettings.Prefix), prefix);
        return new ApiCommand("add", "Bind a prefix to a peer.", "CreateRoute").Changing(existing: false).With(peer, prefix).Taking(settings).Does(async session =>
        {
            var of = await session.PeerAsync(session.Value(peer));
            session.Say(await session.Api.Routes.CreateAsync(of.Id, SettingsOptions.As<RouteSettings>(session.Settings(settings)), session.Change, session.Stopped),
                $"Bound {session.Value(prefix)} to {of.Name}.");
        });
    }

    private static ApiCommand Set()
    {
        var (peer, prefix) = Which();
        var settings = Settings().Text(nameof(RouteSettings.Prefix), "--prefix", "PREFIX", "Another prefix.").Clearable();
        return new ApiCommand("set", "Change a route.", "UpdateRoute").Changing().With(peer, prefix).Taking(settings).Does(async session => session.SayAndShow(
            await session.Api.Routes.UpdateAsync(await FindAsync(session, peer, prefix), session.Settings(settings), session.Change, session.Stopped), route => $"Changed route {route.Prefix}."));
    }

    private static ApiCommand Delete()
    {
        var (peer, prefix) = Which();
        return new ApiCommand("delete", "Take a prefix from its peer.", "DeleteRoute").Changing().With(peer, prefix).Does(async session =>
            session.Say(await session.Api.Routes.DeleteAsync(await FindAsync(session, peer, prefix), session.Change, session.Stopped), $"Deleted route {session.Value(prefix) ?? session.Value(peer)}."));
    }

    private static (Argument<string> Peer, Argument<string?> Prefix) Which()
    {
        var peer = Names.Peer();
        peer.Description = "The peer's name, or the route's id.";
        return (peer, new Argument<string?>("PREFIX") { Description = "The prefix; left out with a route's id.", Arity = ArgumentArity.ZeroOrOne });
    }

    private static async Task<Guid> FindAsync(ApiSession session, Argument<string> peer, Argument<string?> prefix)
    {
        if (session.Value(prefix) is not { } wanted)
            return Guid.TryParse(session.Value(peer), out var id) ? id : throw new CommandException("Give a peer and a prefix, or a route's id.", ExitCodes.Usage);
        var of = await session.PeerAsync(session.Value(peer));
        var found = (await ApiSession.AllAsync<RouteResponse>(page => session.Api.Routes.ListOfPeerAsync(of.Id, page, session.Stopped))).Where(r => r.Prefix == wanted).ToList();
        return found switch
        {
            [var only] => only.Id,
            [] => throw new CommandException($"Peer '{of.Name}' has no route {wanted}. \"gateway route list --peer {of.Name}\" shows what it has.", ExitCodes.NotFound),
            _ => throw new CommandException($"Peer '{of.Name}' has several routes {wanted}: {string.Join(", ", found.Select(r => $"{r.Id} ({r.InstallOn})"))}. Give the id.", ExitCodes.Usage),
        };
    }
}
