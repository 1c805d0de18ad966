using Gateway.Contracts;
using Gateway.Features.Explain.Gathering;
using Gateway.Features.Explain.Handshakes;
using Gateway.Features.Explain.Probes;
using Gateway.Features.Explain.Questions;
using Gateway.Features.Explain.Remedies;
using Gateway.Reconcile;
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
        services.TryAddSingleton<IProbeSenses, LinuxProbeSenses>();
        services.AddSingleton<ProbeLimits>();
        services.AddSingleton<Detectors.Detectors>().AddHostedService(provider => provider.GetRequiredService<Detectors.Detectors>());
        services.AddScoped<ExplainService>().AddScoped<ProbeService>().AddScoped<HandshakeService>().AddScoped<RecentQuestions>().AddScoped<RemedyService>().AddScoped<ChangePlans>();
    }

    public static void MapExplain(this RouteGroupBuilder api)
    {
        api.MapPost("/explain", ExplainAsync).WithTags("Explain").WithName("Explain").WithSummary("Explains the way of a packet and of its answer, hop by hop, with evidence and remedies")
            .Accepts<ExplainRequest>("application/json").ProducesProblem(400).ProducesProblem(415).ProducesProblem(422);
        api.MapGet("/handshakes", ListHandshakes).WithTags("Explain").WithName("ListHandshakes").WithSummary("Lists handshakes that were refused or led to nothing, by outer address and by peer, in words")
            .WithDescription("tunnel, by name, narrows it down.").ProducesProblem(400).ProducesProblem(404);
        api.MapPost("/probes", ProbeAsync).WithTags("Explain").WithName("SendProbe").WithSummary("Sends a real packet as a peer would, and says what came back or where it died")
            .Accepts<ExplainRequest>("application/json").ProducesProblem(400).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
    }

    private static Results<Ok<Page<HandshakeRow>>, ProblemHttpResult> ListHandshakes(string? tunnel, int? limit, string? cursor, HandshakeService service) =>
        service.List(tunnel, limit, cursor).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();

    private static async Task<Results<Ok<Explanation>, ProblemHttpResult>> ExplainAsync(JsonBody<ExplainRequest> body, ExplainService service, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
        return (await service.ExplainAsync(request, cancellationToken)).Succeeded(out var explanation, out var failure) ? TypedResults.Ok(explanation) : failure.ToProblem();
    }

    private static async Task<Results<Ok<ProbeResult>, ProblemHttpResult>> ProbeAsync(JsonBody<ExplainRequest> body, ProbeService service, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
        return (await service.SendAsync(request, cancellationToken)).Succeeded(out var result, out var failure) ? TypedResults.Ok(result) : failure.ToProblem();
    }
}
