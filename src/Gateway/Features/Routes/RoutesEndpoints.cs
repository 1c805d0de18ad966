using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Routes;

/// <summary>/api/v1/peers/{id}/routes and /api/v1/routes.</summary>
internal static class RoutesEndpoints
{
    public static void MapRoutes(this RouteGroupBuilder api)
    {
        var routes = api.MapGroup("").WithTags("Routes");
        routes.MapGet("/routes", (int? limit, string? cursor, RouteService service, CancellationToken cancellationToken) => ListAsync(null, limit, cursor, service, cancellationToken))
            .WithName("ListRoutes").WithSummary("Lists the routes of all peers, oldest first").ProducesProblem(400);
        routes.MapGet("/peers/{id:guid}/routes", ListAsync).WithName("ListRoutesOfPeer").WithSummary("Lists the routes of a peer, oldest first").ProducesProblem(400).ProducesProblem(404);
        routes.MapPost("/peers/{id:guid}/routes", CreateAsync).WithName("CreateRoute").WithDryRun().WithSummary("Binds a prefix to a peer")
            .Accepts<RouteSettings>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        routes.MapGet("/routes/{id:guid}", GetAsync).WithName("GetRoute").WithSummary("Shows a route").ProducesProblem(404);
        routes.MapPatch("/routes/{id:guid}", UpdateAsync).WithName("UpdateRoute").WithDryRun().WithSummary("Changes a route (JSON merge patch)")
            .Accepts<RouteSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        routes.MapDelete("/routes/{id:guid}", DeleteAsync).WithName("DeleteRoute").WithDryRun().WithSummary("Takes a prefix from its peer").ProducesProblem(404).ProducesProblem(412);
    }

    private static async Task<Results<Ok<Page<RouteResponse>>, ProblemHttpResult>> ListAsync(
        Guid? id, int? limit, string? cursor, RouteService service, CancellationToken cancellationToken) =>
        (await service.ListAsync(id, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();

    private static async Task<Results<Created<RouteResponse>, ProblemHttpResult>> CreateAsync(
        Guid id, JsonBody<RouteSettings> body, RouteService service, HttpContext context, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var settings, out var malformed)) return malformed.ToProblem();
        if (!(await service.CreateAsync(id, settings, cancellationToken)).Succeeded(out var route, out var failure)) return failure.ToProblem();
        ETags.Write(context, route.Revision);
        return TypedResults.Created($"/api/v1/routes/{route.Id}", route);
    }

    private static async Task<Results<Ok<RouteResponse>, ProblemHttpResult>> GetAsync(Guid id, RouteService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.GetAsync(id, cancellationToken), context);

    private static async Task<Results<Ok<RouteResponse>, ProblemHttpResult>> UpdateAsync(
        Guid id, JsonBody<RouteSettings> body, [FromHeader(Name = "If-Match")] string? ifMatch, RouteService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.UpdateAsync(id, body, ifMatch, cancellationToken), context);

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, RouteService service, CancellationToken cancellationToken) =>
        (await service.DeleteAsync(id, ifMatch, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem();

    private static Results<Ok<RouteResponse>, ProblemHttpResult> Show(Outcome<RouteResponse> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var route, out var failure)) return failure.ToProblem();
        ETags.Write(context, route.Revision);
        return TypedResults.Ok(route);
    }
}
