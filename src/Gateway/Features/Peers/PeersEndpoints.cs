using System.Text;
using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace Gateway.Features.Peers;

/// <summary>/api/v1/tunnels/{name}/peers and /api/v1/peers.</summary>
internal static class PeersEndpoints
{
    public static void MapPeers(this RouteGroupBuilder api)
    {
        var peers = api.MapGroup("").WithTags("Peers");
        peers.MapGet("/peers", (int? limit, string? cursor, PeerService service, CancellationToken cancellationToken) => ListAsync(null, limit, cursor, service, cancellationToken))
            .WithName("ListPeers").WithSummary("Lists the peers of all tunnels, oldest first").ProducesProblem(400);
        peers.MapGet("/tunnels/{name}/peers", ListAsync).WithName("ListPeersOfTunnel").WithSummary("Lists the peers of a tunnel, oldest first").ProducesProblem(400).ProducesProblem(404);
        peers.MapPost("/tunnels/{name}/peers", CreateAsync).WithName("CreatePeer").WithDryRun().WithSummary("Makes a peer, and its keys where no public key is given")
            .Accepts<PeerSettings>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        peers.MapGet("/peers/{id:guid}", GetAsync).WithName("GetPeer").WithSummary("Shows a peer and how it does").ProducesProblem(404);
        peers.MapPatch("/peers/{id:guid}", UpdateAsync).WithName("UpdatePeer").WithDryRun().WithSummary("Changes a peer (JSON merge patch)")
            .Accepts<PeerSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        peers.MapDelete("/peers/{id:guid}", DeleteAsync).WithName("DeletePeer").WithDryRun().WithSummary("Deletes a peer with its routes").ProducesProblem(404).ProducesProblem(412);
        peers.MapGet("/peers/{id:guid}/config", GetConfigAsync).WithName("GetPeerConfig").WithSummary("The peer's wg-quick file, with its secrets")
            .Produces<string>(200, "text/plain").ProducesProblem(404).ProducesProblem(406).ProducesProblem(409);
    }

    private static async Task<Results<Ok<Page<PeerResponse>>, ProblemHttpResult>> ListAsync(
        string? name, int? limit, string? cursor, PeerService service, CancellationToken cancellationToken) =>
        (await service.ListAsync(name, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();

    private static async Task<Results<Created<PeerResponse>, ProblemHttpResult>> CreateAsync(
        string name, JsonBody<PeerSettings> body, PeerService service, HttpContext context, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var settings, out var malformed)) return malformed.ToProblem();
        if (!(await service.CreateAsync(name, settings, cancellationToken)).Succeeded(out var peer, out var failure)) return failure.ToProblem();
        ETags.Write(context, peer.Revision);
        return TypedResults.Created($"/api/v1/peers/{peer.Id}", peer);
    }

    private static async Task<Results<Ok<PeerResponse>, ProblemHttpResult>> GetAsync(Guid id, PeerService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.GetAsync(id, cancellationToken), context);

    private static async Task<Results<Ok<PeerResponse>, ProblemHttpResult>> UpdateAsync(
        Guid id, JsonBody<PeerSettings> body, [FromHeader(Name = "If-Match")] string? ifMatch, PeerService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.UpdateAsync(id, body, ifMatch, cancellationToken), context);

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, PeerService service, CancellationToken cancellationToken) =>
        (await service.DeleteAsync(id, ifMatch, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem();

    private static async Task<Results<ContentHttpResult, ProblemHttpResult>> GetConfigAsync(
        Guid id, PeerService service, HttpContext context, CancellationToken cancellationToken)
    {
        if (!AcceptsText(context.Request))
            return Failure.Of(FailureKind.NotAcceptable, "Accept", "The config is plain text only.", "Send 'Accept: text/plain' or leave the header out.").ToProblem();
        if (!(await service.GetConfigAsync(id, cancellationToken)).Succeeded(out var config, out var failure)) return failure.ToProblem();
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{config.FileName}\"";
        return TypedResults.Text(config.Text, "text/plain", Encoding.UTF8);
    }

    private static bool AcceptsText(HttpRequest request)
    {
        if (request.Headers.Accept.Count == 0) return true;
        return MediaTypeHeaderValue.TryParseList(request.Headers.Accept!, out var accepted)
            && accepted.Any(a => a.Quality != 0 && new MediaTypeHeaderValue("text/plain").IsSubsetOf(a));
    }

    private static Results<Ok<PeerResponse>, ProblemHttpResult> Show(Outcome<PeerResponse> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var peer, out var failure)) return failure.ToProblem();
        ETags.Write(context, peer.Revision);
        return TypedResults.Ok(peer);
    }
}
