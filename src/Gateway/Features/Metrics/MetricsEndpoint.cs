using Gateway.Engine;
using Gateway.Features.Status;
using Gateway.Security;
using Gateway.Web;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Gateway.Features.Metrics;

/// <summary>/metrics for Prometheus, and OTLP to a collector where one is configured.</summary>
internal static class MetricsEndpoint
{
    // Beyond its limit the library sums up what came last without a word, and up to it it reserves memory, so each instrument gets what it can need.
    private const int StandardCardinality = 2_000;
    private const int MostTunnels = 100;

    public static void AddGatewayMetrics(this IServiceCollection services, IConfiguration configuration)
    {
        var options = MetricsOptions.Read(configuration);
        services.AddSingleton(options).AddSingleton<TrafficMetrics>();
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("gateway", serviceVersion: StatusService.Version))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(TrafficMetrics.MeterName, "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                    .AddView(instrument => instrument.Name.StartsWith("gateway.peer.", StringComparison.Ordinal) ? Bounded(instrument.Name, options.PeerLimit) : null)
                    // The meter must be there before the first collection; it is made with the provider.
                    .AddInstrumentation(provider => provider.GetRequiredService<TrafficMetrics>())
                    .AddPrometheusExporter(prometheus => prometheus.ScopeInfoEnabled = false);
                if (options.OtlpEndpoint is { } endpoint) metrics.AddOtlpExporter(otlp => otlp.Endpoint = endpoint);
            });
    }

    private static MetricStreamConfiguration Bounded(string instrument, int peerLimit) => new()
    {
        CardinalityLimit = Math.Max(StandardCardinality, (peerLimit + MostTunnels) * (instrument == TrafficMetrics.PeerDrops ? DropReasons.Count : 2)),
    };

    /// <summary>Needs the permission to read, as the API does: Prometheus sends a token that has the scope.</summary>
    public static void MapMetrics(this WebApplication app) => app.MapPrometheusScrapingEndpoint("/metrics", null, branch => branch.Use(async (context, next) =>
    {
        if (context.RequestServices.GetRequiredService<Caller>().Lacks(Permission.Read) is { } denied) await denied.ToProblem().ExecuteAsync(context);
        else await next(context);
    }), null);
}
