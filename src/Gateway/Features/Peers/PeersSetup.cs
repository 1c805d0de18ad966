using Gateway.Features.Routes;
using Gateway.Reconcile;

namespace Gateway.Features.Peers;

/// <summary>What peers and routes need of the container.</summary>
internal static class PeersSetup
{
    public static IServiceCollection AddPeers(this IServiceCollection services) => services
        .AddSingleton<PathMtu>().AddSingleton<PeerConfigFile>().AddSingleton<PeerView>()
        .AddScoped<PeerService>().AddScoped<PeerBulk>().AddScoped<PeerTable>().AddScoped<PeerConfigs>().AddScoped<RouteService>().AddScoped<RouteTable>().AddScoped<RouteGuard>();
}
