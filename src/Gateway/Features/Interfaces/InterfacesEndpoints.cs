using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Interfaces;

/// <summary>/api/v1/interfaces.</summary>
internal static class InterfacesEndpoints
{
    public static void MapInterfaces(this RouteGroupBuilder api)
    {
        var interfaces = api.MapGroup("/interfaces").WithTags("Interfaces");
        interfaces.MapGet("/", ListAsync).WithName("ListInterfaces").WithSummary("Lists kernel devices with their rp_filter").ProducesProblem(400);
        interfaces.MapGet("/{name}", GetAsync).WithName("GetInterface").WithSummary("Shows a kernel device").ProducesProblem(404);
        interfaces.MapPatch("/{name}", UpdateAsync).WithName("UpdateInterface").WithDryRun().WithSummary("Sets rp_filter; null puts back what was found (JSON merge patch)")
            .Accepts<InterfaceSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
    }

    private static async Task<Results<Ok<Page<InterfaceResponse>>, ProblemHttpResult>> ListAsync(
        int? limit, string? cursor, InterfaceService service, CancellationToken cancellationToken) =>
        (await service.ListAsync(limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();

    private static async Task<Results<Ok<InterfaceResponse>, ProblemHttpResult>> GetAsync(
        string name, InterfaceService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.GetAsync(name, cancellationToken), context);

    private static async Task<Results<Ok<InterfaceResponse>, ProblemHttpResult>> UpdateAsync(
        string name, JsonBody<InterfaceSettings> body, [FromHeader(Name = "If-Match")] string? ifMatch, InterfaceService service, HttpContext context,
        CancellationToken cancellationToken) =>
        Show(await service.UpdateAsync(name, body, ifMatch, cancellationToken), context);

    private static Results<Ok<InterfaceResponse>, ProblemHttpResult> Show(Outcome<(InterfaceResponse Interface, long Revision)> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var found, out var failure)) return failure.ToProblem();
        ETags.Write(context, found.Revision);
        return TypedResults.Ok(found.Interface);
    }
}
