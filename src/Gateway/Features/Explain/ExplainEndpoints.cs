using Gateway.Contracts;
using Gateway.Features.Explain.Gathering;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gateway.Features.Explain;

/// <summary>/api/v1/explain.</summary>
internal static class ExplainEndpoints
{
    public static void AddExplain(this IServiceCollection services)
    {
        services.TryAddSingleton<IKernelEvidence, LinuxKernelEvidence>();
        services.TryAddSingleton<IHostChecker, HostChecker>();
        services.AddSingleton<EvidenceGatherer>();
        services.AddScoped<ExplainService>();
    }

    public static void MapExplain(this RouteGroupBuilder api) =>
        api.MapPost("/explain", ExplainAsync).WithTags("Explain").WithName("Explain").WithSummary("Explains the way of a packet and of its answer, hop by hop, with evidence and remedies")
            .Accepts<ExplainRequest>("application/json").ProducesProblem(400).ProducesProblem(415).ProducesProblem(422);

    private static async Task<Results<Ok<Explanation>, ProblemHttpResult>> ExplainAsync(JsonBody<ExplainRequest> body, ExplainService service, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
        return (await service.ExplainAsync(request, cancellationToken)).Succeeded(out var explanation, out var failure) ? TypedResults.Ok(explanation) : failure.ToProblem();
    }
}
