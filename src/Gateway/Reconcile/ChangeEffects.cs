using System.Collections.Immutable;
using System.Net;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Features.Peers;
using Gateway.Security;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>
/// Tells in plain sentences what would follow from a change that is tried and not made: the snapshots of what it touches, as they are and as they
/// would be, laid side by side. It tells of devices, kernel routes, allowed IPs, sessions, and of configs that clients have to fetch again.
/// </summary>
internal sealed class ChangeEffects(
    IDbContextFactory<GatewayDbContext> contexts, SecretVault vault, PathMtu mtu, PeerConfigFile configs, DataPlane dataPlane, TimeProvider time)
{
    /// <summary>More than a person reads.</summary>
    private const int MaxSentences = 100;

    /// <summary>Names in one sentence; the rest is counted.</summary>
    private const int MaxNames = 5;

    /// <summary>A session's keys are refused after that (WireGuard whitepaper §6.1, Reject-After-Time).</summary>
    private static readonly TimeSpan SessionLife = TimeSpan.FromSeconds(180);

    /// <summary>Looks at the database within the transaction of the change, and at the one that all others see.</summary>
    public async Task<IReadOnlyList<string>> DescribeAsync(GatewayDbContext changed, Change change, CancellationToken cancellationToken)
    {
        await using var present = await contexts.CreateDbContextAsync(cancellationToken);
        var (before, after) = (new SnapshotLoader(vault, mtu, time), new SnapshotLoader(vault, mtu, time));
        await before.LoadOnlyAsync(present, change.Touched, cancellationToken);
        await after.LoadOnlyAsync(changed, change.Touched, cancellationToken);
        var sentences = new List<string>(change.Effects);
        foreach (var tunnelId in change.Touched.Select(t => t.TunnelId).Distinct())
        {
            var (old, @new) = (before.Find(tunnelId), after.Find(tunnelId));
            if (old is null || @new is null) AddTunnel(sentences, old, @new);
            else await AddChangesAsync(sentences, present, old, @new, cancellationToken);
        }

        await AddConfigsAsync(sentences, present, changed, change, cancellationToken);
        return sentences.Count <= MaxSentences ? sentences : [.. sentences.Take(MaxSentences), $"And {sentences.Count - MaxSentences} more."];
    }

    private static void AddTunnel(List<string> sentences, TunnelSlot? old, TunnelSlot? @new)
    {
        if (@new is not null)
        {
            var port = @new.Row.ListenPort == 0 ? "a UDP port that the kernel picks" : $"UDP port {@new.Row.ListenPort}";
            var addresses = @new.Addresses.IsEmpty ? "no address" : string.Join(", ", @new.Addresses);
            sentences.Add($"The device '{@new.Row.Name}' is made with {addresses} and {port}.");
        }
        else if (old is not null)
        {
            var peers = old.Peers.Count(p => p.Config is not null);
            sentences.Add($"The device '{old.Row.Name}' is removed with its addresses and routes, and its UDP port is closed.");
            if (peers > 0) sentences.Add($"{(peers == 1 ? "The session of its one peer ends" : $"The sessions of its {peers} peers end")}, and what they own in it is nobody's.");
        }
    }

    private async Task AddChangesAsync(List<string> sentences, GatewayDbContext present, TunnelSlot old, TunnelSlot @new, CancellationToken cancellationToken)
    {
        var name = old.Row.Name;
        if (old.Row.ListenPort != @new.Row.ListenPort || old.Row.FirewallMark != @new.Row.FirewallMark)
            sentences.Add($"The socket of '{name}' is bound anew{(old.Row.ListenPort == @new.Row.ListenPort ? "" : $", to UDP port {@new.Row.ListenPort}")}; sessions go on where clients learn of the port.");
        AddNat(sentences, old.Row, @new.Row);
        if (old.Mtu != @new.Mtu) sentences.Add($"The MTU of '{name}' goes from {old.Mtu} to {@new.Mtu} bytes.");
        foreach (var gone in old.Addresses.Except(@new.Addresses)) sentences.Add($"The address {gone} is taken off '{name}'.");
        foreach (var added in @new.Addresses.Except(old.Addresses)) sentences.Add($"The address {added} is put on '{name}'.");
        var (routesBefore, routesAfter) = (KernelRoutes(old), KernelRoutes(@new));
        foreach (var gone in routesBefore.Except(routesAfter)) sentences.Add($"The kernel route {gone} into '{name}' is removed.");
        foreach (var added in routesAfter.Except(routesBefore)) sentences.Add($"The kernel route {added} into '{name}' is added.");
        var owners = Owners(old);
        foreach (var peer in old.Peers.Select(p => p.Id).Union(@new.Peers.Select(p => p.Id)))
            await AddPeerAsync(sentences, present, old, old.Find(peer)?.Config, @new.Find(peer), owners, cancellationToken);
    }

    private static void AddNat(List<string> sentences, Tunnel old, Tunnel @new)
    {
        var (before, after) = (old.Nat.ToDictionary(rule => rule.Prefix, rule => rule.To), @new.Nat.ToDictionary(rule => rule.Prefix, rule => rule.To));
        foreach (var (prefix, to) in after.Where(rule => before.GetValueOrDefault(rule.Key) != rule.Value)) sentences.Add($"Packets from '{old.Name}' to {prefix} leave {Source(to)}.");
        foreach (var prefix in before.Keys.Except(after.Keys)) sentences.Add($"Packets from '{old.Name}' to {prefix} are no longer treated by a rule of their own.");
        if (old.ClampMss != @new.ClampMss)
            sentences.Add(@new.ClampMss ? $"New TCP connections through '{old.Name}' have their segment size lowered to what the path takes." : $"New TCP connections through '{old.Name}' keep the segment size that their ends announce.");

        static string Source(string to) => to switch
        {
            NatTargets.Masquerade => "with the address of the device that they leave by",
            NatTargets.None => "with the address that they have",
            _ => $"with the source address {to}",
        };
    }

    private async Task AddPeerAsync(
        List<string> sentences, GatewayDbContext present, TunnelSlot tunnel, PeerConfig? old, PeerSlot? slot, Dictionary<IPNetwork, PeerConfig> owners, CancellationToken cancellationToken)
    {
        var @new = slot?.Config;
        var name = (@new ?? old)?.Name;
        if (old is null && @new is not null) sentences.Add($"Peer '{name}' is let in.");
        if (old is not null && @new is null) sentences.Add($"Peer '{name}' is no longer let in{(HasSession(tunnel.Row.Id, old.Id) ? ", and its session ends" : "")}.");
        if (old is not null && @new is not null)
        {
            if (old.PublicKey != @new.PublicKey && @new.Previous is not null)
                sentences.Add($"Both keys of peer '{name}' work until {Time(slot!.PreviousKeyUntil)} or the new one's first session.");
            else if (old.PublicKey != @new.PublicKey) sentences.Add($"Peer '{name}' is let in with its new key only{(HasSession(tunnel.Row.Id, old.Id) ? ", and its session ends" : "")}.");
            else if (!Equals(old.PresharedKey, @new.PresharedKey)) sentences.Add($"Peer '{name}' needs the new pre-shared key{(HasSession(tunnel.Row.Id, old.Id) ? ", and its session ends" : "")}.");
            else if (old.Previous is not null && @new.Previous is null) sentences.Add($"The former key of peer '{name}' is no longer let in.");
            if (@new.Endpoint is { } endpoint && !endpoint.Equals(old.Endpoint)) sentences.Add($"Peer '{name}' is dialled at {endpoint}.");
        }

        foreach (var gained in Minus(@new?.AllowedIps, old?.AllowedIps))
        {
            if (owners.TryGetValue(gained, out var from)) sentences.Add($"{gained} moves from peer '{from.Name}' to peer '{name}'.");
            else sentences.Add($"{gained} belongs to peer '{name}': packets there go to it, and it may send from there{await InsideOfAsync(present, tunnel, gained, @new!.Id, cancellationToken)}.");
        }

        foreach (var lost in Minus(old?.AllowedIps, @new?.AllowedIps)) sentences.Add($"{lost} no longer belongs to peer '{name}': it may not send from there.");
        // Without a limit before or after there is nothing to list.
        if (@new is null || old is null || @new.AllowedDestinations is null || old.AllowedDestinations is null) return;
        foreach (var gained in Minus(@new.AllowedDestinations, old.AllowedDestinations)) sentences.Add($"Peer '{name}' may reach {gained} through the tunnel.");
        foreach (var lost in Minus(old.AllowedDestinations, @new.AllowedDestinations)) sentences.Add($"Peer '{name}' may no longer reach {lost} through the tunnel.");
    }

    /// <summary>A longer prefix takes its part out of somebody else's shorter one.</summary>
    private static async Task<string> InsideOfAsync(GatewayDbContext present, TunnelSlot tunnel, IPNetwork prefix, Guid peerId, CancellationToken cancellationToken)
    {
        var others = await present.Prefixes.AsNoTracking().Where(p => p.TunnelId == tunnel.Row.Id && p.PeerId != peerId && p.Kind != PrefixKind.Client)
            .Select(p => new { p.Prefix, p.Peer!.Name }).ToListAsync(cancellationToken);
        var outer = others.Select(o => (Prefix: IPNetwork.Parse(o.Prefix), o.Name))
            .Where(o => o.Prefix.PrefixLength < prefix.PrefixLength && o.Prefix.Contains(prefix.BaseAddress)).OrderByDescending(o => o.Prefix.PrefixLength).FirstOrDefault();
        return outer.Name is null ? "" : $", until now a part of {outer.Prefix} of peer '{outer.Name}'";
    }

    private async Task AddConfigsAsync(List<string> sentences, GatewayDbContext present, GatewayDbContext changed, Change change, CancellationToken cancellationToken)
    {
        var old = (await DownloadedAsync(present, change, cancellationToken)).ToDictionary(p => p.Id);
        var other = (await DownloadedAsync(changed, change, cancellationToken))
            .Where(p => old.TryGetValue(p.Id, out var was) && !configs.Fingerprint(was).AsSpan().SequenceEqual(configs.Fingerprint(p))).Select(p => $"'{p.Name}'").ToList();
        if (other.Count == 0) return;
        var names = string.Join(", ", other.Take(MaxNames)) + (other.Count > MaxNames ? $" and {other.Count - MaxNames} more" : "");
        sentences.Add($"The config of {names} reads otherwise than the one downloaded: our own client follows by itself, any other needs the new file.");
    }

    /// <summary>The touched peers that somebody has the config of.</summary>
    private static async Task<List<Peer>> DownloadedAsync(GatewayDbContext db, Change change, CancellationToken cancellationToken)
    {
        var tunnels = change.Touched.Where(t => t.PeerId is null).Select(t => t.TunnelId).ToHashSet();
        var peers = change.Touched.Where(t => t.PeerId is not null).Select(t => t.PeerId!.Value).ToHashSet();
        return await PeerQueries.WithAll(db.Peers.AsNoTracking().Where(p => p.DownloadedConfig != null && (tunnels.Contains(p.TunnelId) || peers.Contains(p.Id))).OrderBy(p => p.Id))
            .ToListAsync(cancellationToken);
    }

    private bool HasSession(Guid tunnelId, Guid peerId) =>
        dataPlane.GetPeer(tunnelId, peerId)?.LastHandshake is { } last && time.GetUtcNow() - last < SessionLife;

    private static HashSet<IPNetwork> KernelRoutes(TunnelSlot tunnel) => [.. tunnel.Peers.Where(p => p.Config is not null).SelectMany(p => p.KernelRoutes)];

    private static Dictionary<IPNetwork, PeerConfig> Owners(TunnelSlot tunnel)
    {
        var owners = new Dictionary<IPNetwork, PeerConfig>();
        foreach (var peer in tunnel.Peers.Select(p => p.Config).OfType<PeerConfig>())
        {
            foreach (var prefix in peer.AllowedIps) owners[prefix] = peer;
        }

        return owners;
    }

    private static IEnumerable<IPNetwork> Minus(ImmutableArray<IPNetwork>? from, ImmutableArray<IPNetwork>? what) =>
        (from ?? []).Except(what ?? []).OrderBy(prefix => prefix.ToString(), StringComparer.Ordinal);

    private static string Time(long? ticks) => ticks is { } known ? new DateTimeOffset(known, TimeSpan.Zero).ToString("u", System.Globalization.CultureInfo.InvariantCulture) : "its end";
}
