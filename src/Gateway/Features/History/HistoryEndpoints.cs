using Gateway.Contracts.Live;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.History;

/// <summary>/api/v1/history.</summary>
internal static class HistoryEndpoints
{
    public static void MapHistory(this RouteGroupBuilder api) =>
        api.MapGet("/history", GetAsync).WithTags("History").WithName("GetHistory").WithSummary("What passed and what was dropped, by minute, hour or day")
            .WithDescription("Of a tunnel (name), a peer (id or name), or of all tunnels together. step: minute (kept 48 h), hour (35 days), day (two years). The last hour by minute where nothing is said.")
            .ProducesProblem(400).ProducesProblem(404);

    private static async Task<Results<Ok<HistoryResponse>, ProblemHttpResult>> GetAsync(
        string? tunnel, string? peer, DateTimeOffset? from, DateTimeOffset? to, string? step, HistoryService history, CancellationToken cancellationToken) =>
        (await history.GetAsync(new HistoryQuery(tunnel, peer, from, to, step), cancellationToken)).Succeeded(out var answer, out var failure) ? TypedResults.Ok(answer) : failure.ToProblem();
}
