using System.Globalization;
using System.Net;
using System.Text;
using Gateway.Engine;

namespace Gateway.Linux.Uapi;

/// <summary>Writes the answer to a <c>get</c> (https://www.wireguard.com/xplatform/#configuration-protocol).</summary>
public static class UapiText
{
    private const string NoKey = "0000000000000000000000000000000000000000000000000000000000000000";

    /// <summary>
    /// All of a device, keys included: what wg needs, and for nobody's log. Values that are not set are left out as wireguard-go does.
    /// </summary>
    public static string Write(UapiDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var (config, status, peers) = device;
        var text = new StringBuilder(256 + (config.Peers.Length * 512));
        if (config.PrivateKey is { } privateKey) Line(text, "private_key", privateKey.ToHex());
        var port = status.ListenPort != 0 ? status.ListenPort : config.ListenPort;
        if (port != 0) Line(text, "listen_port", port);
        if (config.FirewallMark != 0) Line(text, "fwmark", config.FirewallMark);

        var live = peers.ToDictionary(p => p.Id);
        foreach (var peer in config.Peers)
        {
            // Peers of a plain tunnel have no key, and wg no way to show them.
            if (peer.PublicKey is { } publicKey) WritePeer(text, publicKey.ToHex(), peer, live.GetValueOrDefault(peer.Id));
        }

        return text.ToString();
    }

    private static void WritePeer(StringBuilder text, string publicKey, PeerConfig peer, PeerStatus? live)
    {
        Line(text, "public_key", publicKey);
        Line(text, "preshared_key", peer.PresharedKey?.ToHex() ?? NoKey);
        Line(text, "protocol_version", 1);
        if ((live?.Endpoint ?? peer.Endpoint) is { } endpoint) Line(text, "endpoint", Unmapped(endpoint).ToString());
        var handshake = live?.LastHandshake is { } at ? at.UtcTicks - DateTimeOffset.UnixEpoch.Ticks : 0;
        Line(text, "last_handshake_time_sec", handshake / TimeSpan.TicksPerSecond);
        Line(text, "last_handshake_time_nsec", handshake % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick);
        Line(text, "tx_bytes", live?.SentBytes ?? 0);
        Line(text, "rx_bytes", live?.ReceivedBytes ?? 0);
        Line(text, "persistent_keepalive_interval", (long)peer.PersistentKeepalive.TotalSeconds);
        foreach (var prefix in peer.AllowedIps) Line(text, "allowed_ip", prefix.ToString());
    }

    private static IPEndPoint Unmapped(IPEndPoint endpoint) =>
        endpoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endpoint.Address.MapToIPv4(), endpoint.Port) : endpoint;

    private static void Line(StringBuilder text, string key, string value) => text.Append(key).Append('=').Append(value).Append('\n');

    private static void Line(StringBuilder text, string key, long value) => Line(text, key, value.ToString(CultureInfo.InvariantCulture));
}
