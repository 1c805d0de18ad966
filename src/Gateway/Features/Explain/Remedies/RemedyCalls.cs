using System.Text.Json.Nodes;
using Gateway.Contracts;
using Gateway.Features.Interfaces;
using Gateway.Features.Peers;
using Gateway.Features.Routes;
using Gateway.Features.Tunnels;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Explain.Remedies;

/// <summary>The requests that remedies are made of, carried out by the services that answer them.</summary>
internal static class RemedyCalls
{
    /// <summary>What a caller must be allowed to for all of them.</summary>
    public static Permission Needed(IReadOnlyList<ApiCall> calls) =>
        calls.Aggregate(Permission.None, (needed, call) => needed | (call.Path.Split('/')[0] is "peers" or "routes" ? Permission.ChangePeers : Permission.Administer));

    /// <summary>Carries them out in order, up to the first that is refused. The value is the id that the last answer had.</summary>
    public static async Task<Outcome<Guid?>> RunAsync(IServiceProvider services, IReadOnlyList<ApiCall> calls, CancellationToken cancellationToken)
    {
        Guid? id = null;
        foreach (var call in calls)
        {
            var done = await RunAsync(services, call, cancellationToken);
            if (done.Failure is { } refused) return refused;
            id = done.Value ?? id;
        }

        return Outcome.Of(id);
    }

    private static async Task<Outcome<Guid?>> RunAsync(IServiceProvider services, ApiCall call, CancellationToken cancellationToken)
    {
        switch ((call.Method, call.Path.Split('/')))
        {
            case ("POST", ["peers", var peer, "routes"]) when Guid.TryParse(peer, out var id):
                if (!Body<RouteSettings>(call).Read().Succeeded(out var settings, out var malformed)) return malformed;
                return (await services.GetRequiredService<RouteService>().CreateAsync(id, settings, cancellationToken)).Succeeded(out var made, out var refused) ? Outcome.Of<Guid?>(made.Id) : refused;
            case ("DELETE", ["routes", var route]) when Guid.TryParse(route, out var id):
                return Done((await services.GetRequiredService<RouteService>().DeleteAsync(id, null, cancellationToken)).Failure);
            case ("PATCH", ["routes", var route]) when Guid.TryParse(route, out var id):
                return Done((await services.GetRequiredService<RouteService>().UpdateAsync(id, Body<RouteSettings>(call), null, cancellationToken)).Failure);
            case ("PATCH", ["peers", var peer]) when Guid.TryParse(peer, out var id):
                return Done((await services.GetRequiredService<PeerService>().UpdateAsync(id, Body<PeerSettings>(call), null, cancellationToken)).Failure);
            case ("PATCH", ["tunnels", var name]):
                return Done((await services.GetRequiredService<TunnelService>().UpdateAsync(Uri.UnescapeDataString(name), Body<TunnelSettings>(call), null, cancellationToken)).Failure);
            case ("PATCH", ["interfaces", var name]):
                return Done((await services.GetRequiredService<InterfaceService>().UpdateAsync(Uri.UnescapeDataString(name), Body<InterfaceSettings>(call), null, cancellationToken)).Failure);
            case ("PATCH", ["host"]):
                return Done((await services.GetRequiredService<HostService>().UpdateAsync(Body<HostSettings>(call), null, cancellationToken)).Failure);
            default:
                return new Failure(FailureKind.Malformed, $"{call.Method} {call.Path} is no request that a remedy is made of.", []);
        }
    }

    private static Outcome<Guid?> Done(Failure? failure) => failure is null ? Outcome.Of<Guid?>(null) : failure;

    private static JsonBody<T> Body<T>(ApiCall call) where T : class, new() => JsonBody<T>.Of(JsonNode.Parse(call.Body ?? "{}") as JsonObject ?? []);
}
