using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Live;
using Gateway.Live.Filters;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Events;

/// <summary>/api/v1/events.</summary>
internal static class EventsEndpoints
{
    public static void MapEvents(this RouteGroupBuilder api) =>
        api.MapGet("/events", ListAsync).WithTags("Events").WithName("ListEvents").WithSummary("Lists what happened, newest first")
            .WithDescription("filter is an expression (docs/live.md); peer, kind and severity are short for tests in it.").ProducesProblem(400);

    private static async Task<Results<Ok<Page<EventRow>>, ProblemHttpResult>> ListAsync(
        string? filter, string? peer, string? kind, string? severity, int? limit, string? cursor, LiveFeed feed, CancellationToken cancellationToken)
    {
        var all = FilterText.And(filter, ("peer", "=", peer), ("kind", "=", kind), ("severity", "=", severity));
        return (await feed.ListEventsAsync(all, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();
    }
}
