using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Audit;

/// <summary>/api/v1/audit.</summary>
internal static class AuditEndpoints
{
    public static void MapAudit(this RouteGroupBuilder api) => api.MapGet("/audit", ListAsync).WithTags("Audit").WithName("ListAudit")
        .WithSummary("Who did what, when and from where; newest first. 'action' takes the beginning, such as peer or sign-in.failed").ProducesProblem(400);

    private static async Task<Results<Ok<Page<AuditResponse>>, ProblemHttpResult>> ListAsync(
        [AsParameters] AuditFilter filter, int? limit, string? cursor, AuditService service, CancellationToken cancellationToken) =>
        (await service.ListAsync(filter, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();
}
