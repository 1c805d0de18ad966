using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Peers;

/// <summary>/api/v1/tunnels/{name}/peers and /api/v1/peers.</summary>
internal static class PeersEndpoints
{
    public static void MapPeers(this RouteGroupBuilder api)
    {
        var peers = api.MapGroup("").WithTags("Peers");
        peers.MapGet("/peers", ListAllAsync).WithName("ListPeers").WithSummary("Lists and searches the peers of all tunnels").ProducesProblem(400).ProducesProblem(404);
        peers.MapGet("/tunnels/{name}/peers", ListAsync).WithName("ListPeersOfTunnel").WithSummary("Lists and searches the peers of a tunnel").ProducesProblem(400).ProducesProblem(404);
        peers.MapGet("/peers/tags", ListTagsAsync).WithName("ListPeerTags").WithSummary("Lists the tags in use");
        peers.MapPost("/peers/bulk", BulkAsync).WithName("ChangePeers").WithDryRun().WithSummary("Changes many peers: all of them or none")
            .Accepts<BulkRequest>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        peers.MapPost("/tunnels/{name}/peers", CreateAsync).WithName("CreatePeer").WithDryRun().WithSummary("Makes a peer, and its keys where no public key is given")
            .Accepts<PeerSettings>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        peers.MapGet("/peers/{id:guid}", GetAsync).WithName("GetPeer").WithSummary("Shows a peer and how it does").ProducesProblem(404);
        peers.MapPatch("/peers/{id:guid}", UpdateAsync).WithName("UpdatePeer").WithDryRun().WithSummary("Changes a peer (JSON merge patch)")
            .Accepts<PeerSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        peers.MapDelete("/peers/{id:guid}", DeleteAsync).WithName("DeletePeer").WithDryRun().WithSummary("Deletes a peer with its routes").ProducesProblem(404).ProducesProblem(412);
        peers.MapPost("/peers/{id:guid}/keys", RotateKeysAsync).WithName("RotatePeerKeys").WithDryRun().WithSummary("Gives the peer a new key; the one in use works on for a while")
            .Accepts<RotateKeysRequest>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        peers.MapConfigs();
    }

    private static Task<Results<Ok<Page<PeerResponse>>, ProblemHttpResult>> ListAllAsync(
        string? tunnel, string? search, string? tag, bool? enabled, string? sort, int? limit, string? cursor, PeerService service, CancellationToken cancellationToken) =>
        ListAsync(tunnel, search, tag, enabled, sort, limit, cursor, service, cancellationToken);

    private static async Task<Results<Ok<Page<PeerResponse>>, ProblemHttpResult>> ListAsync(
        string? name, string? search, string? tag, bool? enabled, string? sort, int? limit, string? cursor, PeerService service, CancellationToken cancellationToken)
    {
        var filter = new PeerFilter { Tunnel = name, Search = search, Tag = tag, Enabled = enabled };
        return (await service.ListAsync(filter, sort, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();
    }

    private static async Task<Results<Ok<IReadOnlyList<string>>, ProblemHttpResult>> ListTagsAsync(PeerService service, CancellationToken cancellationToken) =>
        (await service.ListTagsAsync(cancellationToken)).Succeeded(out var tags, out var failure) ? TypedResults.Ok(tags) : failure.ToProblem();

    private static async Task<Results<Ok<BulkResponse>, ProblemHttpResult>> BulkAsync(JsonBody<BulkRequest> body, PeerBulk bulk, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
        return (await bulk.RunAsync(request, cancellationToken)).Succeeded(out var done, out var failure) ? TypedResults.Ok(done) : failure.ToProblem();
    }

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

    private static async Task<Results<Ok<PeerResponse>, ProblemHttpResult>> RotateKeysAsync(
        Guid id, JsonBody<RotateKeysRequest> body, [FromHeader(Name = "If-Match")] string? ifMatch, PeerKeys keys, HttpContext context, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
        return Show(await keys.RotateAsync(id, request, ifMatch, cancellationToken), context);
    }

    private static Results<Ok<PeerResponse>, ProblemHttpResult> Show(Outcome<PeerResponse> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var peer, out var failure)) return failure.ToProblem();
        ETags.Write(context, peer.Revision);
        return TypedResults.Ok(peer);
    }
}
