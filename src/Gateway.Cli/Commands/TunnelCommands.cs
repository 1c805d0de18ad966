using System.CommandLine;
using System.Text.Json.Nodes;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway tunnel</c>.</summary>
internal static class TunnelCommands
{
    public static Command Build() => new("tunnel", "Tunnels: devices with their UDP port and key.") { List(), Show(), Add(), Set(), Delete() };

    private static ApiCommand List() => new ApiCommand("list", "List tunnels.", "ListTunnels").Listing()
        .Does(session => session.ListAsync<TunnelResponse>(page => session.Api.Tunnels.ListAsync(page, session.Stopped),
            nameof(TunnelResponse.Name), nameof(TunnelResponse.State), nameof(TunnelResponse.Transport), nameof(TunnelResponse.Layer), nameof(TunnelResponse.ListenPort),
            nameof(TunnelResponse.Addresses), nameof(TunnelResponse.PeerCount), nameof(TunnelResponse.ReceivedBytes), nameof(TunnelResponse.SentBytes)));

    private static ApiCommand Show()
    {
        var name = Names.Tunnel();
        return new ApiCommand("show", "Show a tunnel and how it runs.", "GetTunnel").With(name)
            .Does(async session => session.Show(await session.Api.Tunnels.GetAsync(session.Value(name), session.Stopped)));
    }

    private static ApiCommand Add()
    {
        var name = new Argument<string>("NAME") { Description = "The device's name, or a pattern such as zhang%d." };
        var settings = Settings()
            .Text(nameof(TunnelSettings.Transport), "--transport", "", "wireguard (the default), or plain: no security, for the lab only.", Transports.WireGuard, Transports.Plain)
            .Text(nameof(TunnelSettings.Layer), "--layer", "", "ip (the default), or ethernet.", Layers.Ip, Layers.Ethernet)
            .Given(nameof(TunnelSettings.Name), name);
        return new ApiCommand("add", "Make a tunnel.", "CreateTunnel").Changing(existing: false).With(name).Taking(settings)
            .Does(async session => session.SayAndShow(
                await session.Api.Tunnels.CreateAsync(SettingsOptions.As<TunnelSettings>(session.Settings(settings)), session.Change, session.Stopped), tunnel => $"Made tunnel {tunnel.Name}."));
    }

    private static ApiCommand Set()
    {
        var name = Names.Tunnel();
        var settings = Settings().Clearable();
        return new ApiCommand("set", "Change a tunnel.", "UpdateTunnel").Changing().With(name).Taking(settings)
            .Does(async session => session.SayAndShow(
                await session.Api.Tunnels.UpdateAsync(session.Value(name), session.Settings(settings), session.Change, session.Stopped), tunnel => $"Changed tunnel {tunnel.Name}."));
    }

    private static ApiCommand Delete()
    {
        var name = Names.Tunnel();
        return new ApiCommand("delete", "Delete a tunnel with its peers and routes.", "DeleteTunnel").Changing().With(name)
            .Does(async session => session.Say(await session.Api.Tunnels.DeleteAsync(session.Value(name), session.Change, session.Stopped), $"Deleted tunnel {session.Value(name)}."));
    }

    private static SettingsOptions Settings() => new SettingsOptions()
        .Number(nameof(TunnelSettings.ListenPort), "--listen-port", "PORT", "The UDP port; 0 = the kernel picks one.")
        .List(nameof(TunnelSettings.Addresses), "--address", "ADDRESS/LENGTH", "An address of the device.")
        .Number(nameof(TunnelSettings.Mtu), "--mtu", "BYTES", "The device's MTU; without it worked out from the path.")
        .Text(nameof(TunnelSettings.Endpoint), "--endpoint", "HOST:PORT", "What clients dial; written into their configs.")
        .Items(nameof(TunnelSettings.Nat), "--nat", "PREFIX=TO", "Source address of packets leaving for a prefix: masquerade, none, or an address.", ReadNat)
        .Flag(nameof(TunnelSettings.ClampMss), "--clamp-mss", "Lower the segment size of TCP through the tunnel to what the path takes.")
        .List(nameof(TunnelSettings.DnsServers), "--dns", "ADDRESS", "A name server for clients; written into their configs.")
        .List(nameof(TunnelSettings.SearchDomains), "--search-domain", "DOMAIN", "A domain that clients search; written into their configs.")
        .Number(nameof(TunnelSettings.KeepaliveSeconds), "--keepalive", "SECONDS", "The persistent keepalive of peers made without one of their own.")
        .Number(nameof(TunnelSettings.FirewallMark), "--firewall-mark", "NUMBER", "SO_MARK of the tunnel's own datagrams, for policy routing.");

    private static JsonObject ReadNat(string text) => text.Split('=', 2) is [var prefix, var to]
        ? new JsonObject { ["prefix"] = prefix, ["to"] = to }
        : throw new FormatException("It is PREFIX=TO: 0.0.0.0/0=masquerade, 192.168.60.0/24=none.");
}
