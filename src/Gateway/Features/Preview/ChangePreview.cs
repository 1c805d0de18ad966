using System.Net;
using System.Net.NetworkInformation;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Netlink;
using Gateway.Reconcile;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Features.Preview;

/// <summary>Adds to a plan what it would do to the last hour's traffic: the database as all others see it against the one within the change.</summary>
internal sealed class ChangePreview(
    IDbContextFactory<GatewayDbContext> contexts, TrafficHour hour, TrafficRecorder recorder, KernelKeeper keeper, IKernelRoutes kernel, DataPlane dataPlane, TimeProvider time)
{
    /// <summary>rtm_protocol of what the kernel itself sets with an address, and of what this program sets.</summary>
    private const byte KernelProtocol = 2, OwnProtocol = 71;

    public async Task<PlanResponse> AddToAsync(PlanResponse plan, GatewayDbContext changed, Change change, CancellationToken cancellationToken)
    {
        await using var present = await contexts.CreateDbContextAsync(cancellationToken);
        var (was, will) = (await Settings.ReadAsync(present, cancellationToken), await Settings.ReadAsync(changed, cancellationToken));
        var isOfKernel = change.Recorded.Any(r => r.Action is "interface.update" or "host.update" or "kernel.restore");
        var touched = change.Touched.Select(t => t.TunnelId).ToHashSet();
        if (!isOfKernel && touched.Count == 0) return plan;
        recorder.Look();
        var traffic = hour.Read(tunnel => isOfKernel || touched.Contains(tunnel));
        var tunnels = traffic.Select(total => total.Key.Tunnel).ToHashSet();
        var facts = ReadKernel(dataPlane.GetTunnels().Where(t => tunnels.Contains(t.Id)).Select(t => t.Name).ToHashSet(StringComparer.Ordinal));
        var before = await LoadAsync(present, tunnels, facts, path => keeper.Kernel.Read(path), cancellationToken);
        var after = await LoadAsync(changed, tunnels, facts, path => isOfKernel ? will.Of(path, was, keeper.Kernel) : keeper.Kernel.Read(path), cancellationToken);
        var (breaks, begins) = Replay.Compare(before, after, traffic);
        return plan with { Breaks = breaks, BeginsToPass = begins };
    }

    private async Task<NetworkState> LoadAsync(GatewayDbContext db, HashSet<Guid> tunnels, KernelFacts facts, Func<string, int?> setting, CancellationToken cancellationToken)
    {
        var state = new NetworkState
        {
            OtherWays = facts.Ways,
            Local = facts.Local,
            ForwardsV4 = setting(KernelPaths.Ipv4Forwarding) is > 0,
            ForwardsV6 = setting(KernelPaths.Ipv6Forwarding) is > 0,
        };
        var now = time.GetUtcNow().UtcTicks;
        foreach (var row in await db.Tunnels.AsNoTracking().Where(t => tunnels.Contains(t.Id)).ToListAsync(cancellationToken))
        {
            var device = dataPlane.GetTunnel(row.Id)?.Name ?? row.Name;
            var tunnel = state.Tunnels[row.Id] = new TunnelPart
            {
                Name = row.Name,
                Device = device,
                IsEthernet = TunnelWords.Layer(row) == TunnelLayer.Ethernet,
                // The larger of the two holds (IN_DEV_RPFILTER).
                RpFilter = Math.Max(setting(KernelPaths.RpFilter("all")) ?? 0, setting(KernelPaths.RpFilter(device)) ?? 0),
            };
            foreach (var text in row.Addresses)
            {
                if (!Addresses.TryReadInterface(text, out var own, out _)) continue;
                tunnel.AddNetwork(own.Network);
                state.Local.Add(InetAddress.From(own.Address));
            }

            foreach (var rule in row.Nat) tunnel.Nat.Add(IPNetwork.Parse(rule.Prefix), rule.To);
            foreach (var peer in await db.Peers.AsNoTracking().Where(p => p.TunnelId == row.Id).Select(p => new { p.Id, p.Name, p.Enabled, p.ExpiresAt }).ToListAsync(cancellationToken))
                tunnel.AddPeer(peer.Id, peer.Name, peer.Enabled && !(peer.ExpiresAt <= now));
            foreach (var prefix in await db.Prefixes.AsNoTracking().Where(p => p.TunnelId == row.Id).Select(p => new { p.PeerId, p.Prefix, p.Kind, p.KernelRoute }).ToListAsync(cancellationToken))
            {
                if (!tunnel.Peers.TryGetValue(prefix.PeerId, out var peer)) continue;
                if (prefix.Kind == PrefixKind.Client) peer.Destinations.Add(IPNetwork.Parse(prefix.Prefix), device);
                else tunnel.AddOwned(peer, IPNetwork.Parse(prefix.Prefix), prefix.Kind == PrefixKind.Address || prefix.KernelRoute);
            }
        }

        return state;
    }

    private KernelFacts ReadKernel(HashSet<string> devices)
    {
        var local = NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => InetAddress.From(a.Address)).ToHashSet();
        try
        {
            var names = KernelNetwork.ReadLinks().ToDictionary(l => l.Index, l => l.Name);
            var ways = new PrefixMap<string>();
            foreach (var route in kernel.ReadMain())
            {
                var name = names.GetValueOrDefault(route.LinkIndex, "");
                if (!(devices.Contains(name) && route.Protocol is KernelProtocol or OwnProtocol)) ways.Add(route.Prefix, name);
            }

            return new KernelFacts(ways, local);
        }
        catch (PortException)
        {
            return new KernelFacts(null, local);
        }
    }

    private sealed record KernelFacts(PrefixMap<string>? Ways, HashSet<InetAddress> Local);

    /// <summary>Kernel settings as a database wants them.</summary>
    private sealed class Settings(IReadOnlyDictionary<string, KernelSetting> rows)
    {
        public static async Task<Settings> ReadAsync(GatewayDbContext db, CancellationToken cancellationToken) =>
            new(await db.KernelSettings.AsNoTracking().ToDictionaryAsync(s => s.Path, StringComparer.Ordinal, cancellationToken));

        /// <summary>The value that a setting would have: the one wanted; where it is no longer wanted, the one found at first.</summary>
        public int? Of(string path, Settings before, IKernelSettings kernel) =>
            rows.TryGetValue(path, out var row) ? row.Wanted : before.Find(path)?.Original ?? kernel.Read(path);

        private KernelSetting? Find(string path) => rows.GetValueOrDefault(path);
    }
}
