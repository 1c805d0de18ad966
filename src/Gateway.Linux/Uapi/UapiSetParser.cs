using System.Globalization;
using System.Net;
using Gateway.Engine;
using Gateway.Protocol;

namespace Gateway.Linux.Uapi;

/// <summary>
/// Reads the lines of one <c>set</c>. The first mistake decides the answer; nothing of the request is carried out then.
/// </summary>
public sealed class UapiSetParser
{
    private readonly UapiChange _change = new();
    private UapiPeerChange? _peer;
    private UapiError? _error;

    /// <summary>Takes one line, without its line feed. After a mistake the rest is only skipped.</summary>
    public void Read(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (_error is not null) return;
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            _error = new UapiError(UapiError.Protocol, "a line is not of the form key=value");
            return;
        }

        var (key, value) = (line[..equals], line[(equals + 1)..]);
        if (key == "public_key")
        {
            // A key of zeros is what the tools write for "none": no peer has it.
            if (PublicKey.TryParseHex(value, out var publicKey) && !publicKey.IsZero) _change.PeerList.Add(_peer = new UapiPeerChange { PublicKey = publicKey });
            else Refuse("public_key is not 64 hexadecimal digits of a key");
        }
        else if (_peer is null)
        {
            ReadDevice(key, value);
        }
        else
        {
            ReadPeer(_peer, key, value);
        }
    }

    /// <summary>Ends the request: the change, or why it is refused.</summary>
    public (UapiChange? Change, UapiError? Error) Finish() => _error is null ? (_change, null) : (null, _error);

    private void ReadDevice(string key, string value)
    {
        switch (key)
        {
            case "private_key":
                _change.SetsPrivateKey = true;
                if (IsZeroKey(value)) _change.PrivateKey = null;
                else if (PrivateKey.TryParseHex(value, out var privateKey)) _change.PrivateKey = privateKey;
                else Refuse("private_key is not 64 hexadecimal digits");
                break;
            case "listen_port":
                if (WgQuickValues.TryParseNumber(value, ushort.MaxValue, out var port)) _change.ListenPort = (ushort)port;
                else Refuse("listen_port is not a number from 0 to 65535");
                break;
            case "fwmark":
                if (WgQuickValues.TryParseNumber(value, uint.MaxValue, out var mark)) _change.FirewallMark = mark;
                else Refuse("fwmark is not a number of 32 bits");
                break;
            case "replace_peers":
                _change.ReplacesPeers = True(key, value);
                break;
            default:
                Refuse($"the device has no key {Show(key)}");
                break;
        }
    }

    private void ReadPeer(UapiPeerChange peer, string key, string value)
    {
        switch (key)
        {
            case "remove":
                peer.Removes |= True(key, value);
                break;
            case "update_only":
                peer.UpdatesOnly |= True(key, value);
                break;
            case "preshared_key":
                peer.SetsPresharedKey = true;
                if (IsZeroKey(value)) peer.PresharedKey = null;
                else if (PresharedKey.TryParseHex(value, out var psk)) peer.PresharedKey = psk;
                else Refuse("preshared_key is not 64 hexadecimal digits");
                break;
            case "endpoint":
                if (TryParseEndpoint(value, out var endpoint)) peer.Endpoint = endpoint;
                else Refuse($"endpoint {Show(value)} is not address:port or [address]:port");
                break;
            case "persistent_keepalive_interval":
                if (WgQuickValues.TryParseNumber(value, ushort.MaxValue, out var seconds)) peer.PersistentKeepalive = TimeSpan.FromSeconds(seconds);
                else Refuse("persistent_keepalive_interval is not a number from 0 to 65535");
                break;
            case "replace_allowed_ips":
                // In line order: what came before it for this peer goes too.
                peer.ReplacesAllowedIps |= True(key, value);
                peer.AllowedIpList.Clear();
                break;
            case "allowed_ip":
                var removes = value.StartsWith('-');
                if (WgQuickValues.TryParsePrefix(removes ? value.AsSpan(1) : value, lengthOptional: false, out var prefix))
                    peer.AllowedIpList.Add(new UapiAllowedIp(prefix, removes));
                else Refuse($"allowed_ip {Show(value)} is not address/length");
                break;
            case "protocol_version":
                if (value != "1") Refuse("protocol_version is not 1");
                break;
            default:
                Refuse($"a peer has no key {Show(key)}");
                break;
        }
    }

    private bool True(string key, string value)
    {
        if (value == "true") return true;
        Refuse($"{key} is not \"true\"");
        return false;
    }

    private static bool IsZeroKey(string hex) => hex.Length == PublicKey.Size * 2 && !hex.AsSpan().ContainsAnyExcept('0');

    private static bool TryParseEndpoint(string value, out IPEndPoint? endpoint)
    {
        endpoint = null;
        if (!WgQuickValues.TryParseEndpoint(value, out var parsed)) return false;
        endpoint = parsed.Numeric;
        return endpoint is not null;
    }

    // Only names of keys and addresses come here; still nothing long or unprintable goes to the log.
    private static string Show(string text) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{string.Concat(text.Take(45).Select(c => char.IsControl(c) ? '?' : c))}\"");

    private void Refuse(string message) => _error ??= new UapiError(UapiError.Invalid, message);
}
