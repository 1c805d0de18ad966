using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Tunnels;

/// <summary>/api/v1/tunnels.</summary>
internal static class TunnelsEndpoints
{
    public static void MapTunnels(this RouteGroupBuilder api)
    {
        var tunnels = api.MapGroup("/tunnels").WithTags("Tunnels");
        tunnels.MapGet("/", ListAsync).WithName("ListTunnels").WithSummary("Lists tunnels, oldest first").ProducesProblem(400);
        tunnels.MapPost("/", CreateAsync).WithName("CreateTunnel").WithDryRun().WithSummary("Makes a tunnel")
            .Accepts<TunnelSettings>("application/json").ProducesProblem(400).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        tunnels.MapGet("/{name}", GetAsync).WithName("GetTunnel").WithSummary("Shows a tunnel and how it runs").ProducesProblem(404);
        tunnels.MapPatch("/{name}", UpdateAsync).WithName("UpdateTunnel").WithDryRun().WithSummary("Changes a tunnel (JSON merge patch)")
            .Accepts<TunnelSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        tunnels.MapDelete("/{name}", DeleteAsync).WithName("DeleteTunnel").WithDryRun().WithSummary("Deletes a tunnel with its peers and routes").ProducesProblem(404).ProducesProblem(412);
    }

    private static async Task<Results<Ok<Page<TunnelResponse>>, ProblemHttpResult>> ListAsync(
        int? limit, string? cursor, TunnelService service, CancellationToken cancellationToken) =>
        (await service.ListAsync(limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();

    private static async Task<Results<Created<TunnelResponse>, ProblemHttpResult>> CreateAsync(
        JsonBody<TunnelSettings> body, TunnelService service, HttpContext context, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var settings, out var malformed)) return malformed.ToProblem();
        if (!(await service.CreateAsync(settings, cancellationToken)).Succeeded(out var tunnel, out var failure)) return failure.ToProblem();
        ETags.Write(context, tunnel.Revision);
        return TypedResults.Created($"/api/v1/tunnels/{Uri.EscapeDataString(tunnel.Name)}", tunnel);
    }

    private static async Task<Results<Ok<TunnelResponse>, ProblemHttpResult>> GetAsync(
        string name, TunnelService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.GetAsync(name, cancellationToken), context);

    private static async Task<Results<Ok<TunnelResponse>, ProblemHttpResult>> UpdateAsync(
        string name, JsonBody<TunnelSettings> body, [FromHeader(Name = "If-Match")] string? ifMatch, TunnelService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.UpdateAsync(name, body, ifMatch, cancellationToken), context);

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string name, [FromHeader(Name = "If-Match")] string? ifMatch, TunnelService service, CancellationToken cancellationToken) =>
        (await service.DeleteAsync(name, ifMatch, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem();

    private static Results<Ok<TunnelResponse>, ProblemHttpResult> Show(Outcome<TunnelResponse> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var tunnel, out var failure)) return failure.ToProblem();
        ETags.Write(context, tunnel.Revision);
        return TypedResults.Ok(tunnel);
    }
}
