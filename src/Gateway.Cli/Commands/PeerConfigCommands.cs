using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway peer config</c> and <c>gateway peer link</c>: how a peer gets its config.</summary>
internal static class PeerConfigCommands
{
    public static ApiCommand Config()
    {
        var peer = Names.Peer();
        var delivery = new ConfigDelivery();
        return new ApiCommand("config", "Print a peer's wg-quick file, with its keys.", "GetPeerConfig").WithoutJson().With([peer, .. delivery.Symbols])
            .Does(async session => await delivery.GiveAsync(session, await session.PeerAsync(session.Value(peer))));
    }

    public static ApiCommand Rotate()
    {
        var peer = Names.Peer();
        var delivery = new ConfigDelivery();
        var settings = new SettingsOptions()
            .Text(nameof(RotateKeysRequest.PublicKey), "--public-key", "KEY", "The public half of a pair that the peer's owner made. Without one Gateway makes the pair.")
            .Secret(nameof(RotateKeysRequest.PresharedKey), "--preshared-key-file", "The file with the pre-shared key; - is standard input.")
            .Number(nameof(RotateKeysRequest.GraceSeconds), "--grace", "SECONDS", "How long the key in use works on; a week without it, 0 = it ends now.");
        return new ApiCommand("rotate", "Give a peer a new key; the one in use works on for a while.", "RotatePeerKeys", "GetPeerConfig").Changing(existing: false).With(peer).Taking(settings).With(delivery.Symbols)
            .Does(async session =>
            {
                var of = await session.PeerAsync(session.Value(peer));
                var rotated = await session.Api.Peers.RotateKeysAsync(of.Id, SettingsOptions.As<RotateKeysRequest>(session.Settings(settings)), session.Change, session.Stopped);
                session.SayAndShow(rotated, p => $"Gave peer {p.Name} a new key.");
                if (rotated.Value is not null && delivery.IsAskedFor(session)) await delivery.GiveAsync(session, of);
            });
    }

    public static Command Link() => new("link", "Links by which somebody without an account takes a peer's config, once.") { List(), Add(), Delete() };

    private static ApiCommand List()
    {
        var peer = Names.Peer();
        return new ApiCommand("list", "List a peer's links that can still be used.", "ListConfigLinks").With(peer)
            .Does(async session => session.Show(await session.Api.Peers.ListLinksAsync((await session.PeerAsync(session.Value(peer))).Id, session.Stopped)));
    }

    private static ApiCommand Add()
    {
        var peer = Names.Peer();
        var settings = new SettingsOptions().Number(nameof(ConfigLinkSettings.ExpiresInSeconds), "--expires-in", "SECONDS", "How long it can be used; a day without it, 30 days at most.");
        return new ApiCommand("add", "Make a link that gives a peer's config once.", "CreateConfigLink").With(peer).Taking(settings).Does(async session =>
        {
            var of = await session.PeerAsync(session.Value(peer));
            session.SayAndShow(await session.Api.Peers.CreateLinkAsync(of.Id, SettingsOptions.As<ConfigLinkSettings>(session.Settings(settings)), session.Stopped),
                _ => $"Made a link to the config of {of.Name}. Whoever has it takes the config, once; it is not shown again.");
        });
    }

    private static ApiCommand Delete()
    {
        var peer = Names.Peer();
        var link = new Argument<Guid>("LINK") { Description = "The link's id." };
        return new ApiCommand("delete", "Make a link useless.", "DeleteConfigLink").With(peer, link).Does(async session =>
            session.Say(await session.Api.Peers.DeleteLinkAsync((await session.PeerAsync(session.Value(peer))).Id, session.Value(link), session.Stopped), "Deleted the link."));
    }
}
