using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Status;

/// <summary>/api/v1/status, and the two that need no token.</summary>
internal static class StatusEndpoints
{
    public static void MapStatus(this RouteGroupBuilder api) =>
        api.MapGet("/status", async Task<Results<Ok<StatusResponse>, ProblemHttpResult>> (StatusService service, CancellationToken cancellationToken) =>
                (await service.GetAsync(cancellationToken)).Succeeded(out var status, out var failure) ? TypedResults.Ok(status) : failure.ToProblem())
            .WithTags("Status").WithName("GetStatus").WithSummary("What runs, what is wanted, and why they differ");

    /// <summary>/healthz: the process answers. /readyz: what is wanted runs. Neither tells more than that.</summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/healthz", () => TypedResults.Text("healthy\n")).AllowAnonymous().ExcludeFromDescription();
        app.MapGet("/readyz", ContentHttpResult (StatusService service) =>
        {
            var revision = service.GetRevision();
            return revision.Wanted == revision.Applied && revision.Difference is null
                ? TypedResults.Text("ready\n")
                : TypedResults.Text("not ready: /api/v1/status says why\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        }).AllowAnonymous().ExcludeFromDescription();
    }
}
