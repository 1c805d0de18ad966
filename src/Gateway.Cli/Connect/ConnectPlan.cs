using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.Contracts;
using Gateway.Engine;
using Gateway.Protocol;

namespace Gateway.Cli.Connect;

/// <summary>A peer's endpoint to be resolved, at the start and again when the peer stays silent.</summary>
/// <param name="PeerId">Whose.</param>
/// <param name="Endpoint">As written.</param>
internal sealed record WantedEndpoint(Guid PeerId, WgQuickEndpoint Endpoint);

/// <summary>What <c>gateway connect</c> will do, before it does any of it.</summary>
/// <param name="Config">The tunnel; endpoints are filled in once they are resolved.</param>
/// <param name="Endpoints">The peers' endpoints.</param>
/// <param name="Notices">What the person should know at the start: one sentence each.</param>
internal sealed record ConnectPlan(TunnelConfig Config, ImmutableArray<WantedEndpoint> Endpoints, ImmutableArray<string> Notices)
{
    /// <summary>Where changes are asked for; null = nowhere.</summary>
    public Uri? Follow { get; init; }

    /// <summary>Whether the MTU was given on the command line, and so stays.</summary>
    public bool KeepsMtu { get; init; }

    /// <summary>Whether AllowedIPs become routes.</summary>
    public bool SetsRoutes { get; init; } = true;

    /// <summary>Whether IPv6 routes can be set.</summary>
    public bool HostHasIpv6 { get; init; } = true;

    /// <summary>Name servers as the file has them.</summary>
    public DnsWish Dns { get; init; } = DnsWish.None;

    // 0.0.0.0/0 is covered by its two halves, which are more specific than the default route that stays (docs/decisions: connect's default route).
    private static readonly (IPNetwork Whole, IPNetwork Low, IPNetwork High) DefaultV4 = (IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("0.0.0.0/1"), IPNetwork.Parse("128.0.0.0/1"));
    private static readonly (IPNetwork Whole, IPNetwork Low, IPNetwork High) DefaultV6 = (IPNetwork.Parse("::/0"), IPNetwork.Parse("::/1"), IPNetwork.Parse("8000::/1"));

    /// <summary>Plans for a wg-quick file. What cannot be done is added to <paramref name="errors"/>, and the answer is then worthless.</summary>
    public static ConnectPlan FromFile(WgQuickFile file, string name, int? mtu, bool hostHasIpv6, ICryptoPrimitives crypto, List<WgQuickError> errors)
    {
        var notices = ImmutableArray.CreateBuilder<string>();
        var own = file.PrivateKey.GetPublicKey(crypto);
        foreach (var peer in file.Peers.Where(p => p.PublicKey == own))
            errors.Add(new WgQuickError(peer.Line, "This [Peer] has the public key of [Interface]'s own PrivateKey; a tunnel's two ends need different keys."));

        var routes = ImmutableArray.CreateBuilder<IPNetwork>();
        var setsRoutes = file.Table is null or "auto";
        if (setsRoutes)
        {
            var left = AddRoutes(file.Peers.SelectMany(p => p.AllowedIps), file.Addresses, hostHasIpv6, routes);
            if (left > 0) notices.Add(string.Create(CultureInfo.InvariantCulture, $"IPv6 is switched off on this host: {left} IPv6 route(s) of AllowedIPs are left out."));
        }
        else if (file.Table != "off") errors.Add(new WgQuickError(file.TableLine, $"Table \"{file.Table}\": connect puts routes into the main table only; \"auto\" and \"off\" are possible."));

        foreach (var hook in file.Hooks) notices.Add($"line {hook.Line}: {hook.Key} is not run: {hook.Command}");
        if (file.SaveConfig) notices.Add("SaveConfig is ignored: connect never writes the file.");
        if (file.Peers.IsEmpty) notices.Add("The file has no [Peer]: nothing can pass until it has one.");

        var peers = file.Peers.Select(p => (File: p, Config: new PeerConfig
        {
            Id = Guid.NewGuid(),
            Name = p.Endpoint?.ToString() ?? p.PublicKey.ToString(),
            PublicKey = p.PublicKey,
            PresharedKey = p.PresharedKey,
            DialOnStart = p.Endpoint is not null,
            PersistentKeepalive = p.PersistentKeepalive,
            AllowedIps = p.AllowedIps,
        })).ToImmutableArray();
        var config = new TunnelConfig
        {
            Id = Guid.NewGuid(),
            Name = name,
            ListenPort = file.ListenPort,
            FirewallMark = file.FirewallMark,
            Mtu = mtu ?? file.Mtu ?? new TunnelConfig { Id = default, Name = "" }.Mtu,
            PrivateKey = file.PrivateKey,
            Addresses = file.Addresses,
            KernelRoutes = routes.ToImmutable(),
            Peers = [.. peers.Select(p => p.Config)],
        };
        return new ConnectPlan(config, [.. peers.Where(p => p.File.Endpoint is not null).Select(p => new WantedEndpoint(p.Config.Id, p.File.Endpoint!))], notices.ToImmutable())
        {
            // Only what is inside the tunnel is asked, and only where it is clear whose the changes are.
            Follow = peers is [var only] && file.Follow is { } url && only.Config.AllowedIps.Any(a => a.Contains(IPAddress.Parse(url.Host.Trim('[', ']')))) ? url : null,
            KeepsMtu = mtu is not null,
            SetsRoutes = setsRoutes,
            HostHasIpv6 = hostHasIpv6,
            Dns = new DnsWish([.. file.DnsServers.Select(s => s.ToString())], file.DnsSearch),
        };
    }

    /// <summary>Plans for the lab's wire format: one peer that everything goes to.</summary>
    public static ConnectPlan Plain(
        WgQuickEndpoint endpoint, string name, bool tap, int? mtu, ushort listenPort, ImmutableArray<InterfaceAddress> addresses, ImmutableArray<IPNetwork> routes)
    {
        var peer = new PeerConfig { Id = Guid.NewGuid(), Name = endpoint.ToString(), AllowedIps = [DefaultV4.Whole, DefaultV6.Whole] };
        var config = new TunnelConfig
        {
            Id = Guid.NewGuid(),
            Name = name,
            Transport = TunnelTransport.Plain,
            Layer = tap ? TunnelLayer.Ethernet : TunnelLayer.Ip,
            ListenPort = listenPort,
            Mtu = mtu ?? new TunnelConfig { Id = default, Name = "" }.Mtu,
            Addresses = addresses,
            KernelRoutes = [.. routes.SelectMany(Halves).Distinct().Except(addresses.Select(a => a.Network))],
            Peers = [peer],
        };
        return new ConnectPlan(config, [new WantedEndpoint(peer.Id, endpoint)],
            ["plain has no security: whoever is on the way reads and changes every packet, and nobody is authenticated. For a lab only."]);
    }

    /// <summary>The configuration with these endpoints; peers whose endpoint stays are the same objects.</summary>
    public static TunnelConfig WithEndpoints(TunnelConfig config, IReadOnlyDictionary<Guid, IPEndPoint> endpoints) => config with
    {
        Peers = [.. config.Peers.Select(p => endpoints.TryGetValue(p.Id, out var endpoint) && !endpoint.Equals(p.Endpoint) ? p with { Endpoint = endpoint } : p)],
    };

    /// <summary>The configuration as the gateway wants it now: routes and MTU, of the one peer. What it says that is no prefix is left out.</summary>
    public TunnelConfig Following(TunnelConfig config, SelfConfigResponse wanted)
    {
        var allowed = wanted.Routes.Select(r => IPNetwork.TryParse(r, out var prefix) ? prefix : (IPNetwork?)null).OfType<IPNetwork>().Distinct().ToImmutableArray();
        var routes = ImmutableArray.CreateBuilder<IPNetwork>();
        if (SetsRoutes) AddRoutes(allowed, config.Addresses, HostHasIpv6, routes);
        return config with
        {
            Mtu = KeepsMtu || wanted.Mtu is < 576 or > 65535 ? config.Mtu : wanted.Mtu,
            KernelRoutes = routes.ToImmutable(),
            Peers = [config.Peers[0] with { AllowedIps = allowed }],
        };
    }

    /// <summary>Answers how many were left out.</summary>
    private static int AddRoutes(IEnumerable<IPNetwork> allowed, ImmutableArray<InterfaceAddress> addresses, bool hostHasIpv6, ImmutableArray<IPNetwork>.Builder routes)
    {
        // The kernel makes the route of each address's own network by itself.
        var connected = addresses.Select(a => a.Network).ToHashSet();
        var left = 0;
        foreach (var prefix in allowed)
        {
            if (prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 && !hostHasIpv6) left++;
            else routes.AddRange(Halves(prefix).Where(r => !connected.Contains(r) && !routes.Contains(r)));
        }

        return left;
    }

    private static IEnumerable<IPNetwork> Halves(IPNetwork prefix)
    {
        if (prefix.PrefixLength != 0) return [prefix];
        var (_, low, high) = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? DefaultV4 : DefaultV6;
        return [low, high];
    }
}
