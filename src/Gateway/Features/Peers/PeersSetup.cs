using Gateway.Features.Routes;
using Gateway.Features.Self;
using Gateway.Reconcile;

namespace Gateway.Features.Peers;

/// <summary>What peers and routes need of the container.</summary>
internal static class PeersSetup
{
    public static IServiceCollection AddPeers(this IServiceCollection services) => services
        .AddSingleton<PathMtu>().AddSingleton<ChangeEffects>().AddSingleton<PeerConfigFile>().AddSingleton<PeerView>()
        .AddSingleton<INameResolver, SystemResolver>().AddSingleton<EndpointLookups>().AddSelf()
        .AddScoped<PeerService>().AddScoped<PeerBulk>().AddScoped<PeerTable>().AddScoped<HandshakeRecord>().AddScoped<PeerConfigs>().AddScoped<PeerKeys>()
        .AddScoped<RouteService>().AddScoped<RouteTable>().AddScoped<RouteGuard>();
}
