using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Self;

/// <summary>What clients ask about themselves. The real answers are given on the tunnels' own addresses; here it is described, and refused.</summary>
internal static class SelfEndpoints
{
    public static IServiceCollection AddSelf(this IServiceCollection services) =>
        services.AddSingleton<Followers>().AddSingleton<SelfConfigs>().AddSingleton<SelfListeners>();

    public static void MapSelf(this RouteGroupBuilder api) => api.MapGet("/self/config", ProblemHttpResult () => new Failure(FailureKind.Forbidden,
            "This is answered inside a WireGuard tunnel only: ask the tunnel's own address, in TCP on the number of its UDP port, without a token. Whose address asks is whose config is given.", []).ToProblem())
        .WithTags("Self").WithName("GetSelfConfig").WithSummary("What a connected client should look like, asked through its tunnel")
        .WithDescription("Served on each WireGuard tunnel's own addresses, TCP port = the tunnel's UDP port, to the peer that owns the inner source address. "
            + "With If-None-Match and 'Prefer: wait=60' the answer waits up to that many seconds for a change, then is 304.")
        .Produces<SelfConfigResponse>(200).Produces(304);
}
