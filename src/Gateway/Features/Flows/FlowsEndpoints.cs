using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Live;
using Gateway.Live.Filters;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Flows;

/// <summary>/api/v1/flows.</summary>
internal static class FlowsEndpoints
{
    public static void MapFlows(this RouteGroupBuilder api) =>
        api.MapGet("/flows", ListAsync).WithTags("Flows").WithName("ListFlows").WithSummary("Lists the conversations inside the tunnels")
            .WithDescription("filter is an expression (docs/live.md); peer, prefix, port and protocol are short for tests in it. sort: " + string.Join(", ", FlowSort.All) + ", with '-' for the largest first.")
            .ProducesProblem(400);

    private static async Task<Results<Ok<Page<FlowRow>>, ProblemHttpResult>> ListAsync(
        string? filter, string? peer, string? prefix, string? port, string? protocol, string? sort, int? limit, string? cursor, LiveFeed feed, CancellationToken cancellationToken)
    {
        var query = new FlowsQuery { Filter = FilterText.And(filter, ("peer", "=", peer), ("addr", "in", prefix), ("port", "=", port), ("proto", "=", protocol)), Sort = sort, Limit = limit };
        return (await feed.ListFlowsAsync(query, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();
    }
}
