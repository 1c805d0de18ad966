using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Protocol;
using Gateway.Reconcile;
using Gateway.Web;

namespace Gateway.Features.Peers;

/// <summary>What a peer must be like, given its tunnel; who owns what comes after.</summary>
internal static class PeerRules
{
    private const int MaxNameLength = 64;
    private const int MaxAddresses = 256;
    private const int MaxNotesLength = 2000;
    private const int MaxTags = 16;
    private const int MaxTagLength = 32;
    private const string KeyExpected = "A key is 32 bytes in base64, 44 characters, as 'wg pubkey' and 'wg genpsk' print them.";

    public static void Check(PeerSettings settings, Tunnel tunnel, RuleErrors errors)
    {
        if (string.IsNullOrWhiteSpace(settings.Name)) errors.Add("name", "It is missing.", $"A name has 1 to {MaxNameLength} characters, such as host-u.");
        else if (settings.Name.Length > MaxNameLength || settings.Name.Any(char.IsControl) || settings.Name != settings.Name.Trim())
            errors.Add("name", "It is too long, has control characters, or blanks at an end.", $"A name has 1 to {MaxNameLength} characters on one line.");
        CheckKeys(settings.PublicKey, settings.PresharedKey, tunnel, errors);
        CheckAddresses(settings.Addresses ?? [], tunnel, errors);
        if (settings.Endpoint is not null && !Addresses.TryReadEndpoint(settings.Endpoint, out _, out var problem))
            errors.Add("endpoint", problem, "It is host:port, such as 203.0.113.5:51820, [2001:db8::5]:51820 or vpn.example.org:51820.");
        if (settings.KeepaliveSeconds is < 0 or > 65535)
            errors.Add("keepaliveSeconds", $"{settings.KeepaliveSeconds} is out of range.", "It is 1 to 65535, or 0 for none; 25 keeps most NATs open.");
        CheckTags(settings.Tags ?? [], errors);
        if (settings.Notes is { } notes && (notes.Length > MaxNotesLength || notes.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t'))))
            errors.Add("notes", "They are too long, or have control characters.", $"Notes have up to {MaxNotesLength} characters.");
        if (settings.DropKeyAfterDownload is true && tunnel.Transport == Transports.Plain)
            errors.Add("dropKeyAfterDownload", $"Tunnel '{tunnel.Name}' is plain and has no keys.", "Leave it out.");
    }

    /// <summary>Reads tags as they are kept: each once, in the order of the alphabet.</summary>
    public static List<string> Tags(IEnumerable<string> tags) => [.. tags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    public static bool HasTooMany(IEnumerable<string> tags) => tags.Count() > MaxTags;

    public static void CheckTags(IReadOnlyList<string> tags, RuleErrors errors)
    {
        if (tags.Count > MaxTags) errors.Add("tags", $"{tags.Count} are too many.", $"At most {MaxTags}.");
        for (var i = 0; i < tags.Count; i++)
        {
            var tag = tags[i];
            if (string.IsNullOrWhiteSpace(tag) || tag.Length > MaxTagLength || tag != tag.Trim() || tag.Any(c => char.IsControl(c) || c == ','))
                errors.Add($"tags[{i}]", $"'{tag}' is no tag.", $"A tag has 1 to {MaxTagLength} characters without commas and without blanks at its ends, such as office.");
        }
    }

    public static void CheckExpiry(DateTimeOffset? expiresAt, DateTimeOffset now, RuleErrors errors)
    {
        if (expiresAt <= now) errors.Add("expiresAt", $"{expiresAt:u} is past.", "Give a time to come, or null for none.");
    }

    /// <summary>Reads a prefix that has passed the rules into its canonical text.</summary>
    public static string Canonical(string text) => Addresses.TryReadPrefix(text, out var prefix, out _) ? prefix.ToString() : text;

    public static void CheckKeys(string? publicKey, string? presharedKey, Tunnel tunnel, RuleErrors errors)
    {
        if (tunnel.Transport == Transports.Plain)
        {
            if (publicKey is not null) errors.Add("publicKey", $"Tunnel '{tunnel.Name}' is plain and has no keys.", "Leave it out.");
            if (presharedKey is not null) errors.Add("presharedKey", $"Tunnel '{tunnel.Name}' is plain and has no keys.", "Leave it out.");
            return;
        }

        if (publicKey is not null)
        {
            if (!PublicKey.TryParse(publicKey, out var key) || key.IsZero) errors.Add("publicKey", "It is no key.", KeyExpected);
            else if (key.ToString() == tunnel.PublicKey) errors.Add("publicKey", $"It is the key of tunnel '{tunnel.Name}' itself.", "Give the public key of the other end.");
        }

        if (presharedKey is not null && !PresharedKey.TryParse(presharedKey, out _)) errors.Add("presharedKey", "It is no key.", KeyExpected);
    }

    private static void CheckAddresses(IReadOnlyList<string> addresses, Tunnel tunnel, RuleErrors errors)
    {
        if (addresses.Count > MaxAddresses) errors.Add("addresses", $"{addresses.Count} are too many.", $"At most {MaxAddresses}; networks behind the peer are routes.");
        var seen = new HashSet<IPNetwork>();
        for (var i = 0; i < addresses.Count; i++)
        {
            var field = $"addresses[{i}]";
            if (!Addresses.TryReadPrefix(addresses[i], out var prefix, out var problem)) errors.Add(field, problem, "Write it like 192.168.53.99/32 or fd53::99/128.");
            else if (prefix.PrefixLength == 0) errors.Add(field, $"'{prefix}' is everything, not an address.", "Give the peer its own address, and make networks behind it routes.");
            else if (IsOwn(tunnel, prefix)) errors.Add(field, $"'{prefix}' is the gateway's own address in tunnel '{tunnel.Name}'.", "Choose another, or leave addresses out for the next free one.");
            else if (!seen.Add(prefix)) errors.Add(field, $"'{prefix}' is listed twice.", "List each address once.");
        }
    }

    private static bool IsOwn(Tunnel tunnel, IPNetwork prefix) => prefix.PrefixLength == Addresses.MaxLength(prefix.BaseAddress)
        && tunnel.Addresses.Any(a => Addresses.TryReadInterface(a, out var own, out _) && own.Address.Equals(prefix.BaseAddress));
}
