using Gateway.Features.Drops;
using Gateway.Features.Events;
using Gateway.Features.Flows;
using Gateway.Features.History;
using Gateway.Features.Overview;
using Gateway.Features.Packets.Capture;
using Gateway.Features.Packets.Watching;
using Gateway.Features.Peers;
using Gateway.Features.Preview;
using Microsoft.AspNetCore.SignalR;

namespace Gateway.Live;

/// <summary>Puts the live data together.</summary>
internal static class LiveServices
{
    public static void AddLive(this IServiceCollection services)
    {
        services.AddSignalR(hub => hub.AddFilter<HubCaller>());
        services.AddSingleton<Throughput>().AddHostedService(provider => provider.GetRequiredService<Throughput>());
        services.AddSingleton<EventLog>().AddHostedService(provider => provider.GetRequiredService<EventLog>());
        services.AddSingleton<EngineEvents>().AddHostedService(provider => provider.GetRequiredService<EngineEvents>());
        services.AddSingleton<HistoryWriter>().AddHostedService(provider => provider.GetRequiredService<HistoryWriter>()).AddScoped<HistoryService>();
        services.AddSingleton<TrafficHour>().AddSingleton<ChangePreview>().AddSingleton<TrafficRecorder>().AddHostedService(provider => provider.GetRequiredService<TrafficRecorder>());
        services.AddSingleton<OverviewWatch>().AddSingleton<PeerWatch>().AddSingleton<FlowWatch>().AddSingleton<DropWatch>().AddSingleton<PacketFeed>().AddScoped<LiveFeed>().AddScoped<CaptureService>();
    }

    /// <summary>REST: what can be watched can be asked for, too.</summary>
    public static void MapLive(this RouteGroupBuilder api)
    {
        api.MapFlows();
        api.MapDrops();
        api.MapEvents();
        api.MapCaptures();
        api.MapHistory();
    }
}
