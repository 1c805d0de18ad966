using System.Collections.Immutable;
using System.Net;
using Gateway.Engine;
using Gateway.Linux.Uapi;
using Gateway.Protocol;

namespace Gateway.Cli.Device;

/// <summary>
/// Applies a <c>set</c> to a device's configuration with wg's rules: an allowed IP has one peer, the last that it was given to; the device's own
/// key is never a peer; peers that nothing happened to stay the same objects.
/// </summary>
internal static class DeviceChange
{
    private sealed class Draft(PeerConfig peer)
    {
        public PeerConfig Peer = peer;
        public bool Removed;

        /// <summary>Null while unchanged. Append only: whose a prefix is, the owners' table says.</summary>
        public List<IPNetwork>? AllowedIps;
    }

    public static TunnelConfig Apply(TunnelConfig config, UapiChange change, ICryptoPrimitives crypto)
    {
        var privateKey = change.SetsPrivateKey ? change.PrivateKey : config.PrivateKey;
        var own = privateKey?.GetPublicKey(crypto);
        var drafts = new List<Draft>(config.Peers.Length + change.Peers.Count);
        if (!change.ReplacesPeers) drafts.AddRange(config.Peers.Select(p => new Draft(p)));
        var byKey = drafts.ToDictionary(d => d.Peer.PublicKey!.Value);
        if (own is { } self && byKey.TryGetValue(self, out var mirror)) mirror.Removed = true;

        // Only where it is needed: with many peers this table is most of the work.
        var owners = change.Peers.Any(p => p.ReplacesAllowedIps || p.AllowedIps.Count > 0) ? Owners(drafts) : [];
        foreach (var wanted in change.Peers)
        {
            if (wanted.PublicKey == own) continue;
            byKey.TryGetValue(wanted.PublicKey, out var draft);
            var exists = draft is { Removed: false };
            if (wanted.Removes)
            {
                if (exists) draft!.Removed = true;
                continue;
            }

            if (!exists)
            {
                if (wanted.UpdatesOnly) continue;
                draft = new Draft(new PeerConfig { Id = Guid.NewGuid(), PublicKey = wanted.PublicKey });
                drafts.Add(draft);
                byKey[wanted.PublicKey] = draft;
            }

            Change(draft!, wanted, owners);
        }

        return config with
        {
            PrivateKey = privateKey,
            ListenPort = change.ListenPort ?? config.ListenPort,
            FirewallMark = change.FirewallMark ?? config.FirewallMark,
            Peers = [.. drafts.Where(d => !d.Removed).Select(d => Finish(d, owners))],
        };
    }

    private static Dictionary<IPNetwork, Draft> Owners(List<Draft> drafts)
    {
        var owners = new Dictionary<IPNetwork, Draft>();
        foreach (var draft in drafts)
        {
            if (draft.Removed) continue;
            foreach (var prefix in draft.Peer.AllowedIps) owners[prefix] = draft;
        }

        return owners;
    }

    private static void Change(Draft draft, UapiPeerChange wanted, Dictionary<IPNetwork, Draft> owners)
    {
        var peer = draft.Peer;
        if (wanted.SetsPresharedKey && !Equals(peer.PresharedKey, wanted.PresharedKey)) peer = peer with { PresharedKey = wanted.PresharedKey };
        if (wanted.Endpoint is { } endpoint && !endpoint.Equals(peer.Endpoint)) peer = peer with { Endpoint = endpoint };
        if (wanted.PersistentKeepalive is { } keepalive && keepalive != peer.PersistentKeepalive) peer = peer with { PersistentKeepalive = keepalive };
        draft.Peer = peer;
        if (wanted.ReplacesAllowedIps)
        {
            foreach (var prefix in Current(draft)) Take(prefix, draft, owners);
            draft.AllowedIps = [];
        }

        foreach (var (prefix, removes) in wanted.AllowedIps)
        {
            if (removes)
            {
                if (Take(prefix, draft, owners)) draft.AllowedIps ??= [.. Current(draft)];
                continue;
            }

            if (owners.TryGetValue(prefix, out var before))
            {
                if (before == draft) continue;
                before.AllowedIps ??= [.. Current(before)];
            }

            (draft.AllowedIps ??= [.. Current(draft)]).Add(prefix);
            owners[prefix] = draft;
        }
    }

    private static bool Take(IPNetwork prefix, Draft draft, Dictionary<IPNetwork, Draft> owners) =>
        owners.TryGetValue(prefix, out var owner) && owner == draft && owners.Remove(prefix);

    private static IEnumerable<IPNetwork> Current(Draft draft) => draft.AllowedIps ?? (IEnumerable<IPNetwork>)draft.Peer.AllowedIps;

    private static PeerConfig Finish(Draft draft, Dictionary<IPNetwork, Draft> owners)
    {
        if (draft.AllowedIps is null) return draft.Peer;
        var now = draft.AllowedIps.Where(p => owners.TryGetValue(p, out var owner) && owner == draft).Distinct().ToImmutableArray();
        return now.SequenceEqual(draft.Peer.AllowedIps) ? draft.Peer : draft.Peer with { AllowedIps = now };
    }
}
