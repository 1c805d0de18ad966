using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>
/// Reads one wg-quick file, line by line as wg-quick does: keys and section names in any case, # starts a comment anywhere, lists are
/// separated by commas and may be given in several lines. Unlike wg-quick it reports every mistake, and takes no key twice that holds one value.
/// </summary>
internal sealed class WgQuickParser
{
    private static readonly string[] InterfaceKeys =
        ["PrivateKey", "ListenPort", "FwMark", "Address", "DNS", "MTU", "Table", "PreUp", "PostUp", "PreDown", "PostDown", "SaveConfig"];

    private static readonly string[] PeerKeys = ["PublicKey", "PresharedKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"];

    private static readonly HashSet<string> Repeatable =
        new(["Address", "DNS", "PreUp", "PostUp", "PreDown", "PostDown", "AllowedIPs"], StringComparer.OrdinalIgnoreCase);

    private const string KeyForm = "a key is 44 characters of base64 that end in \"=\"";

    private enum Section
    {
        None,
        Interface,
        Peer,
        Unknown,
    }

    private sealed class PeerDraft
    {
        public required int Line;
        public PublicKey? PublicKey;
        public PresharedKey? PresharedKey;
        public ImmutableArray<IPNetwork>.Builder AllowedIps = ImmutableArray.CreateBuilder<IPNetwork>();
        public WgQuickEndpoint? Endpoint;
        public TimeSpan Keepalive;
        public readonly List<string> Comments = [];
    }

    private readonly List<WgQuickError> _errors = [];
    private readonly List<PeerDraft> _peers = [];
    private readonly Dictionary<IPNetwork, PeerDraft> _owners = [];
    private readonly Dictionary<PublicKey, int> _peerLines = [];
    private readonly Dictionary<string, int> _seen = new(StringComparer.OrdinalIgnoreCase);
    private readonly ImmutableArray<InterfaceAddress>.Builder _addresses = ImmutableArray.CreateBuilder<InterfaceAddress>();
    private readonly ImmutableArray<IPAddress>.Builder _dnsServers = ImmutableArray.CreateBuilder<IPAddress>();
    private readonly ImmutableArray<string>.Builder _dnsSearch = ImmutableArray.CreateBuilder<string>();
    private readonly ImmutableArray<WgQuickHook>.Builder _hooks = ImmutableArray.CreateBuilder<WgQuickHook>();
    private readonly List<string> _comments = [];
    private readonly List<string> _pendingComments = [];
    private Section _section;
    private int _interfaceLine;
    private int _line;
    private bool _privateKeySeen;
    private PrivateKey? _privateKey;
    private ushort _listenPort;
    private uint _mark;
    private int? _mtu;
    private string? _table;
    private int _tableLine;
    private bool _saveConfig;
    private Uri? _follow;

    public bool TryParse(string text, [NotNullWhen(true)] out WgQuickFile? file, out ImmutableArray<WgQuickError> errors)
    {
        foreach (var raw in text.AsSpan().TrimStart('\uFEFF').EnumerateLines())
        {
            _line++;
            var comment = raw.IndexOf('#');
            if (comment >= 0) ReadComment(raw[(comment + 1)..].Trim());
            var line = (comment < 0 ? raw : raw[..comment]).Trim();
            if (line.IsEmpty)
            {
                if (comment >= 0) KeepComment(raw[comment..]);
                continue;
            }

            if (line[0] == '[') ReadSection(line);
            else ReadLine(line);
            Settle();
        }

        EndPeer();
        if (_interfaceLine == 0) Fail(1, "There is no [Interface] section; the file needs one with a PrivateKey.");
        else if (!_privateKeySeen) Fail(_interfaceLine, "[Interface] has no PrivateKey; it needs \"PrivateKey = …\", as \"wg genkey\" makes it.");

        errors = [.. _errors.OrderBy(e => e.Line)];
        file = errors.IsEmpty ? Build(_privateKey!) : null;
        return file is not null;
    }

    private WgQuickFile Build(PrivateKey privateKey) => new()
    {
        PrivateKey = privateKey,
        ListenPort = _listenPort,
        FirewallMark = _mark,
        Addresses = _addresses.ToImmutable(),
        DnsServers = _dnsServers.ToImmutable(),
        DnsSearch = _dnsSearch.ToImmutable(),
        Mtu = _mtu,
        Table = _table,
        TableLine = _tableLine,
        SaveConfig = _saveConfig,
        Follow = _follow,
        Hooks = _hooks.ToImmutable(),
        Comments = [.. _comments],
        Peers =
        [
            .. _peers.Select(p => new WgQuickPeer
            {
                Line = p.Line,
                PublicKey = p.PublicKey!.Value,
                PresharedKey = p.PresharedKey,
                AllowedIps = p.AllowedIps.ToImmutable(),
                Endpoint = p.Endpoint,
                PersistentKeepalive = p.Keepalive,
                Comments = [.. p.Comments],
            }),
        ],
    };

    /// <summary>One comment is more than a comment; anything else is none of ours.</summary>
    private void ReadComment(ReadOnlySpan<char> comment)
    {
        const string Follow = "Follow = ";
        if (comment.StartsWith(Follow, StringComparison.Ordinal) && Uri.TryCreate(comment[Follow.Length..].ToString(), UriKind.Absolute, out var url)
            && url.Scheme == Uri.UriSchemeHttp && IPAddress.TryParse(url.Host.Trim('[', ']'), out _)) _follow = url;
    }

    // A comment belongs to the section that goes on, or to the one that begins, behind it; one that names a key of its own ("#Name# = ") to the one it is in.
    private void KeepComment(ReadOnlySpan<char> comment)
    {
        var text = comment.Trim().Trim('#').Trim();
        if (text.IsEmpty) return;
        if (comment.TrimStart().StartsWith("#Name# =", StringComparison.Ordinal) && _section == Section.Peer) _peers[^1].Comments.Add(comment.TrimStart()[1..].Trim().ToString());
        else _pendingComments.Add(text.ToString());
    }

    private void Settle()
    {
        if (_section == Section.Peer) _peers[^1].Comments.AddRange(_pendingComments);
        else _comments.AddRange(_pendingComments);
        _pendingComments.Clear();
    }

    private void ReadSection(ReadOnlySpan<char> line)
    {
        EndPeer();
        _seen.Clear();
        if (line.Equals("[Interface]", StringComparison.OrdinalIgnoreCase))
        {
            if (_interfaceLine != 0) Fail($"A second [Interface] section; the first is in line {_interfaceLine}, and a file has one.");
            else _interfaceLine = _line;
            _section = Section.Interface;
        }
        else if (line.Equals("[Peer]", StringComparison.OrdinalIgnoreCase))
        {
            _section = Section.Peer;
            _peers.Add(new PeerDraft { Line = _line });
        }
        else
        {
            _section = Section.Unknown;
            Fail($"Unknown section {Show(line)}; known are [Interface] and [Peer].");
        }
    }

    // A peer without a key is told at its [Peer], once its section is over.
    private void EndPeer()
    {
        if (_section == Section.Peer && !_seen.ContainsKey("PublicKey")) Fail(_peers[^1].Line, "This [Peer] has no PublicKey; each needs one.");
    }

    private void ReadLine(ReadOnlySpan<char> line)
    {
        if (_section == Section.Unknown) return;
        var equals = line.IndexOf('=');
        if (equals <= 0)
        {
            Fail($"{Show(line)} is neither a [section] nor \"Key = value\".");
            return;
        }

        var key = line[..equals].TrimEnd();
        var value = line[(equals + 1)..].TrimStart();
        if (_section == Section.None)
        {
            Fail($"{Show(key)} stands before any section; [Interface] or [Peer] comes first.");
            return;
        }

        var isPeer = _section == Section.Peer;
        if (Find(isPeer ? PeerKeys : InterfaceKeys, key) is not { } known)
        {
            Fail(Find(isPeer ? InterfaceKeys : PeerKeys, key) is { } elsewhere
                ? $"{elsewhere} belongs in a {(isPeer ? "[Interface]" : "[Peer]")} section, not in {(isPeer ? "[Peer]" : "[Interface]")}."
                : $"Unknown key {Show(key)}; {(isPeer ? "[Peer]" : "[Interface]")} knows {string.Join(", ", isPeer ? PeerKeys : InterfaceKeys)}.");
            return;
        }

        if (!_seen.TryAdd(known, _line) && !Repeatable.Contains(known))
        {
            Fail($"{known} is given again; it was in line {_seen[known]}, and one of the two must go.");
            return;
        }

        // An empty AllowedIPs is what wg writes for a peer that has none, an empty command what wg-easy writes for one that was not set.
        if (value.IsEmpty && known.StartsWith('P') && !isPeer && known != "PrivateKey") return;
        if (value.IsEmpty && known != "AllowedIPs")
        {
            if (known == "PrivateKey") _privateKeySeen = true;
            Fail($"{known} has no value.");
            return;
        }

        if (isPeer) ReadPeerValue(_peers[^1], known, value);
        else ReadInterfaceValue(known, value);
    }

    private void ReadInterfaceValue(string key, ReadOnlySpan<char> value)
    {
        switch (key)
        {
            case "PrivateKey":
                _privateKeySeen = true;
                if (!PrivateKey.TryParse(value.ToString(), out _privateKey)) Fail($"PrivateKey is no key; {KeyForm}, as \"wg genkey\" makes it.");
                break;
            case "ListenPort":
                if (WgQuickValues.TryParseNumber(value, ushort.MaxValue, out var port)) _listenPort = (ushort)port;
                else Fail($"ListenPort {Show(value)} is no UDP port; 0 (any) to 65535 is.");
                break;
            case "FwMark":
                if (!TryParseMark(value, out _mark)) Fail($"FwMark {Show(value)} is no mark; \"off\", a number up to 4294967295 or 0x… up to 0xffffffff is.");
                break;
            case "Address":
                foreach (var item in Items(value))
                {
                    if (WgQuickValues.TryParseInterfaceAddress(item, lengthOptional: true, out var address)) _addresses.Add(address);
                    else Fail($"Address {Show(item)} is none; 10.0.0.2/24 or fd00::2/64 would be.");
                }

                break;
            case "DNS":
                foreach (var item in Items(value))
                {
                    if (WgQuickValues.TryParseAddress(item, allowZone: false, out var server)) _dnsServers.Add(server);
                    else if (item.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') && item.Any(char.IsAsciiLetter)) _dnsSearch.Add(item);
                    else Fail($"DNS {Show(item)} is neither an address nor a search domain.");
                }

                break;
            case "MTU":
                // 576: the smallest datagram every IPv4 host takes (RFC 791); 65535: the largest IPv4 packet.
                if (WgQuickValues.TryParseNumber(value, 65535, out var mtu) && mtu >= 576) _mtu = (int)mtu;
                else Fail($"MTU {Show(value)} is out of range; 576 to 65535 bytes are possible, 1420 is usual.");
                break;
            case "Table":
                if (!value.ContainsAny(' ', '\t', '/')) (_table, _tableLine) = (value.ToString().ToLowerInvariant(), _line);
                else Fail($"Table {Show(value)} is no routing table; \"auto\", \"off\", or a table's number or name is.");
                break;
            case "SaveConfig":
                if (!bool.TryParse(value, out _saveConfig)) Fail($"SaveConfig {Show(value)} is neither true nor false.");
                break;
            default:
                _hooks.Add(new WgQuickHook(_line, key, value.ToString()));
                break;
        }
    }

    private void ReadPeerValue(PeerDraft peer, string key, ReadOnlySpan<char> value)
    {
        switch (key)
        {
            case "PublicKey":
                if (!PublicKey.TryParse(value.ToString(), out var publicKey) || publicKey.IsZero)
                {
                    Fail($"PublicKey {Show(value)} is no key; {KeyForm}, as \"wg pubkey\" makes it.");
                    break;
                }

                if (_peerLines.TryAdd(publicKey, _line)) peer.PublicKey = publicKey;
                else Fail($"A second peer with the PublicKey of line {_peerLines[publicKey]}; put all of it into one [Peer].");
                break;
            case "PresharedKey":
                if (PresharedKey.TryParse(value.ToString(), out var psk)) peer.PresharedKey = psk.Bytes.ContainsAnyExcept((byte)0) ? psk : null;
                else Fail($"PresharedKey is no key; {KeyForm}, as \"wg genpsk\" makes it.");
                break;
            case "AllowedIPs":
                foreach (var item in Items(value)) ReadAllowedIp(peer, item);
                break;
            case "Endpoint":
                if (!WgQuickValues.TryParseEndpoint(value, out peer.Endpoint))
                    Fail($"Endpoint {Show(value)} is none; vpn.example.com:51820, 192.0.2.1:51820 or [2001:db8::1]:51820 would be.");
                break;
            default:
                uint seconds = 0;
                if (value.Equals("off", StringComparison.OrdinalIgnoreCase) || WgQuickValues.TryParseNumber(value, ushort.MaxValue, out seconds))
                    peer.Keepalive = TimeSpan.FromSeconds(seconds);
                else Fail($"PersistentKeepalive {Show(value)} is no time; \"off\" or 0 to 65535 seconds is.");
                break;
        }
    }

    private void ReadAllowedIp(PeerDraft peer, string item)
    {
        if (!WgQuickValues.TryParsePrefix(item, lengthOptional: true, out var prefix))
        {
            Fail($"AllowedIPs {Show(item)} is no prefix; 10.0.0.0/24, fd00::/64 or 0.0.0.0/0 would be.");
        }
        else if (_owners.TryAdd(prefix, peer))
        {
            peer.AllowedIps.Add(prefix);
        }
        else if (_owners[prefix] != peer)
        {
            Fail($"AllowedIPs {prefix} is already the peer's of line {_owners[prefix].Line}; a prefix has one peer.");
        }
    }

    private static bool TryParseMark(ReadOnlySpan<char> value, out uint mark)
    {
        mark = 0;
        if (value.Equals("off", StringComparison.OrdinalIgnoreCase)) return true;
        return value.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? uint.TryParse(value[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out mark)
            : WgQuickValues.TryParseNumber(value, uint.MaxValue, out mark);
    }

    private static string[] Items(ReadOnlySpan<char> value) =>
        value.ToString().Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string? Find(string[] keys, ReadOnlySpan<char> key)
    {
        foreach (var known in keys)
        {
            if (key.Equals(known, StringComparison.OrdinalIgnoreCase)) return known;
        }

        return null;
    }

    // What people typed goes to their terminal and their logs: short, without control characters, and without what may be a key in the wrong place.
    private static string Show(ReadOnlySpan<char> text)
    {
        var run = 0;
        foreach (var c in text)
        {
            run = char.IsAsciiLetterOrDigit(c) || c is '+' or '/' ? run + 1 : 0;
            if (run >= 40) return "(something like a key, not shown)";
        }

        var shown = text.Length > 60 ? string.Concat(text[..60], "…") : text.ToString();
        return $"\"{string.Concat(shown.Select(c => char.IsControl(c) ? '?' : c))}\"";
    }

    private void Fail(string message) => Fail(_line, message);

    private void Fail(int line, string message) => _errors.Add(new WgQuickError(line, message));
}
