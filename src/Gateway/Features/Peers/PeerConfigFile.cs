using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;

namespace Gateway.Features.Peers;

/// <summary>Writes what a peer needs to connect: a wg-quick(8) file, or the command for plain.</summary>
internal sealed class PeerConfigFile(SecretVault vault, PathMtu mtu)
{
    /// <summary>The word of the comment that our own client looks for (ConnectPlan).</summary>
    private const string FollowKey = "Follow";

    /// <summary>The file, secrets included.</summary>
    public string Write(Peer row) => Write(
        row, row.ProtectedPrivateKey is null ? null : vault.UnprotectPrivateKey(row.ProtectedPrivateKey).ToBase64(), PresharedKey(row));

    /// <summary>
    /// Tells whether the file still reads the same. The public key stands for the private one, so that neither is it needed, nor does forgetting
    /// it look like a change.
    /// </summary>
    public byte[] Fingerprint(Peer row) => SHA256.HashData(Encoding.UTF8.GetBytes(Write(row, row.PublicKey, PresharedKey(row))));

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

    /// <summary>What the client sends into the tunnel: the tunnel's own prefixes and its client routes.</summary>
    public static IEnumerable<string> Reachable(Peer row) => row.Tunnel!.Addresses
        .Select(a => Addresses.TryReadInterface(a, out var address, out _) ? address.Network : default(IPNetwork)).Select(n => n.ToString())
        .Concat(row.Prefixes.Where(p => p.Kind == PrefixKind.Client).Select(p => p.Prefix).Order(StringComparer.Ordinal)).Distinct();

    private string Write(Peer row, string? privateKey, string? presharedKey)
    {
        var tunnel = row.Tunnel!;
        var text = new StringBuilder();
        var addresses = PeerView.Addresses(row);
        text.Append(CultureInfo.InvariantCulture, $"# {row.Name} in tunnel {tunnel.Name}\n");
        // A comment to all others; our own client follows changes from there.
        if (FollowUrl(tunnel, addresses) is { } url) text.Append(CultureInfo.InvariantCulture, $"# {FollowKey} = {url}\n");
        text.Append("[Interface]\n");
        if (privateKey is not null) text.Append(CultureInfo.InvariantCulture, $"PrivateKey = {privateKey}\n");
        else text.Append("# PrivateKey = the one that belongs to this peer's public key; it is not known here\n");
        if (addresses.Count > 0) text.Append(CultureInfo.InvariantCulture, $"Address = {string.Join(", ", addresses)}\n");
        if (tunnel.DnsServers.Count + tunnel.SearchDomains.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $"DNS = {string.Join(", ", tunnel.DnsServers.Concat(tunnel.SearchDomains))}\n");
        text.Append(CultureInfo.InvariantCulture, $"MTU = {mtu.Of(tunnel)}\n\n[Peer]\nPublicKey = {tunnel.PublicKey}\n");
        if (presharedKey is not null) text.Append(CultureInfo.InvariantCulture, $"PresharedKey = {presharedKey}\n");
        text.Append(CultureInfo.InvariantCulture, $"AllowedIPs = {string.Join(", ", Reachable(row))}\n");
        if (tunnel.Endpoint is not null) text.Append(CultureInfo.InvariantCulture, $"Endpoint = {tunnel.Endpoint}\n");
        else text.Append("# Endpoint = host:port of the gateway; set it as the tunnel's endpoint\n");
        if (row.KeepaliveSeconds > 0) text.Append(CultureInfo.InvariantCulture, $"PersistentKeepalive = {row.KeepaliveSeconds}\n");
        return text.ToString();
    }

    /// <summary>Where the client asks for changes: on the tunnel's own address, in a family that the client has one of.</summary>
    private static string? FollowUrl(Tunnel tunnel, List<string> addresses)
    {
        if (tunnel.ListenPort == 0) return null;
        var families = addresses.Select(a => IPNetwork.Parse(a).BaseAddress.AddressFamily).ToHashSet();
        var own = tunnel.Addresses.Select(a => Addresses.TryReadInterface(a, out var address, out _) ? address.Address : null).FirstOrDefault(a => a is not null && families.Contains(a.AddressFamily));
        return own is null ? null : $"http://{new IPEndPoint(own, tunnel.ListenPort)}{Self.SelfApplication.Path}";
    }

    private string? PresharedKey(Peer row) => row.ProtectedPresharedKey is null ? null : vault.UnprotectPresharedKey(row.ProtectedPresharedKey).ToBase64();
}
