using System.Globalization;
using System.Net;
using System.Text;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;

namespace Gateway.Features.Peers;

/// <summary>Writes what a peer needs to connect: a wg-quick(8) file, or the command for plain.</summary>
internal static class PeerConfigFile
{
    public static string Write(Peer row, SecretVault vault)
    {
        var tunnel = row.Tunnel!;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {row.Name} in tunnel {tunnel.Name}\n[Interface]\n");
        if (row.ProtectedPrivateKey is not null) text.Append("PrivateKey = ").Append(vault.UnprotectPrivateKey(row.ProtectedPrivateKey).ToBase64()).Append('\n');
        else text.Append("# PrivateKey = the one that belongs to the public key given for this peer; it was not made here\n");
        var addresses = PeerView.Addresses(row);
        if (addresses.Count > 0) text.Append(CultureInfo.InvariantCulture, $"Address = {string.Join(", ", addresses)}\n");
        text.Append(CultureInfo.InvariantCulture, $"MTU = {tunnel.Mtu}\n\n[Peer]\nPublicKey = {tunnel.PublicKey}\n");
        if (row.ProtectedPresharedKey is not null) text.Append("PresharedKey = ").Append(vault.UnprotectPresharedKey(row.ProtectedPresharedKey).ToBase64()).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"AllowedIPs = {string.Join(", ", Reachable(row))}\n");
        if (tunnel.Endpoint is not null) text.Append(CultureInfo.InvariantCulture, $"Endpoint = {tunnel.Endpoint}\n");
        else text.Append("# Endpoint = host:port of the gateway; set it as the tunnel's endpoint\n");
        if (row.KeepaliveSeconds > 0) text.Append(CultureInfo.InvariantCulture, $"PersistentKeepalive = {row.KeepaliveSeconds}\n");
        return text.ToString();
    }

    public static string PlainCommand(Peer row)
    {
        var tunnel = row.Tunnel!;
        var routes = Reachable(row).Select(p => $" --route {p}");
        var addresses = PeerView.Addresses(row).Select(a => $" --address {a}");
        return $"gateway connect --plain {tunnel.Endpoint ?? "HOST:" + tunnel.ListenPort.ToString(CultureInfo.InvariantCulture)}" +
            $"{string.Concat(addresses)}{string.Concat(routes)}{(tunnel.Layer == Layers.Ethernet ? " --tap" : "")}";
    }

    /// <summary>wg-quick takes the file's name for the device's: 15 of these characters.</summary>
    public static string FileName(string name)
    {
        var safe = new string([.. name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '=' or '+' or '.' or '-' ? c : '-').Take(15)]).Trim('.', '-');
        return safe.Length > 0 ? safe : "peer";
    }

    private static IEnumerable<string> Reachable(Peer row) => row.Tunnel!.Addresses
        .Select(a => Addresses.TryReadInterface(a, out var address, out _) ? address.Network : default(IPNetwork)).Select(n => n.ToString())
        .Concat(row.Prefixes.Where(p => p.Kind == PrefixKind.Client).Select(p => p.Prefix).Order(StringComparer.Ordinal)).Distinct();
}
