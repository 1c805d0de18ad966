using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Live;
using Gateway.Live.Filters;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Drops;

/// <summary>/api/v1/drops.</summary>
internal static class DropsEndpoints
{
    public static void MapDrops(this RouteGroupBuilder api) =>
        api.MapGet("/drops", ListAsync).WithTags("Drops").WithName("ListDrops").WithSummary("Lists what was not passed on, by peer, destination network and reason")
            .WithDescription("filter is an expression (docs/live.md); peer, prefix, port and protocol are short for tests in it. sort: " + string.Join(", ", DropSort.All) + ", with '-' for the largest first.")
            .ProducesProblem(400);

    private static async Task<Results<Ok<Page<DropRow>>, ProblemHttpResult>> ListAsync(
        string? filter, string? peer, string? prefix, string? port, string? protocol, string? sort, int? limit, string? cursor, LiveFeed feed, CancellationToken cancellationToken)
    {
        var query = new DropsQuery { Filter = FilterText.And(filter, ("peer", "=", peer), ("dst", "in", prefix), ("port", "=", port), ("proto", "=", protocol)), Sort = sort, Limit = limit };
        return (await feed.ListDropsAsync(query, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();
    }
}
