using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway peer add</c>: the peer, its routes and its config in one command. A route that is refused takes the new peer with it.</summary>
internal static class PeerAddCommand
{
    public const string Details = """
        gateway peer add alice --route 192.168.60.0/24 --qr
        gateway peer add office --tunnel wg0 --gateway-route 192.168.70.0/24 --output office.conf
        """;

    public static ApiCommand Build()
    {
        var name = new Argument<string>("NAME") { Description = "What people call it; unique within the tunnel." };
        var tunnel = new Option<string?>("--tunnel") { HelpName = "TUNNEL", Description = "The tunnel; may be left out where there is only one." }.Completing(Names.TunnelNamesAsync);
        var client = Prefixes("--route", "A prefix that it may reach through the tunnel.");
        var behind = Prefixes("--gateway-route", "A prefix that lies behind it.");
        var confirm = new Option<bool>("--confirm") { Description = "Yes to a default route on a tunnel without NAT." };
        var delivery = new ConfigDelivery();
        var settings = PeerCommands.Settings().Given(nameof(PeerSettings.Name), name);
        var command = new ApiCommand("add", "Make a peer, with its routes.", "CreatePeer", "CreateRoute", "GetPeerConfig").Changing(existing: false)
            .With(name, tunnel, client, behind, confirm).Taking(settings).With(delivery.Symbols);
        command.Validators.Add(result =>
        {
            if (result.GetValue(command.Json) && result.GetValue(delivery.Qr)) result.AddError("--json and --qr exclude each other: give one of them.");
        });
        return command.Does(async session =>
        {
            var made = ApiSession.Checked(await session.Api.Peers.CreateAsync(
                await session.TunnelAsync(session.Value(tunnel)), SettingsOptions.As<PeerSettings>(session.Settings(settings)), session.Change, session.Stopped));
            var routes = Routes(session.Value(client), InstallOn.Client, session.Value(confirm)).Concat(Routes(session.Value(behind), InstallOn.Gateway, session.Value(confirm))).ToList();
            if (made.Value is not { } peer)
            {
                session.Show(made);
                if (routes.Count > 0) session.Errors.WriteLine($"Its routes ({string.Join(", ", routes.Select(r => r.Prefix))}) can be tried only once there is the peer.");
                return;
            }

            await BindAsync(session, peer, routes);
            session.SayAndShow(made, p => $"Made peer {p.Name}{(routes.Count > 0 ? " with " + string.Join(", ", routes.Select(r => r.Prefix)) : "")}.");
            if (delivery.IsAskedFor(session)) await delivery.GiveAsync(session, peer);
        });
    }

    private static async Task BindAsync(ApiSession session, PeerResponse peer, List<RouteSettings> routes)
    {
        foreach (var route in routes)
        {
            var bound = await session.Api.Routes.CreateAsync(peer.Id, route, null, session.Stopped);
            if (bound.Problem is null) continue;
            var gone = await session.Api.Peers.DeleteAsync(peer.Id, null, CancellationToken.None);
            session.Errors.WriteLine(gone.Problem is null ? $"Route {route.Prefix} was refused, so the peer was taken back." : $"Route {route.Prefix} was refused; peer {peer.Name} is there without it.");
            ApiSession.Checked(bound);
        }
    }

    private static IEnumerable<RouteSettings> Routes(string[]? prefixes, string installOn, bool confirm) =>
        (prefixes ?? []).Select(prefix => new RouteSettings { Prefix = prefix, InstallOn = installOn, Confirm = confirm ? true : null });

    private static Option<string[]> Prefixes(string name, string description) => new(name) { HelpName = "PREFIX", Description = description + " May be repeated." };
}
