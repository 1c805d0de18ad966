using System.Text.Json;
using Gateway.Contracts.Lab;
using Gateway.Features.Lab.Watching;
using Gateway.Hosting;
using Gateway.Live;
using Gateway.Web;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gateway.Features.Lab;

/// <summary>/api/v1/lab: there only where <c>Gateway:Lab</c> names a lab.</summary>
internal static class LabEndpoints
{
    private const int MaxSeconds = 86_400;

    public static void AddLab(this IServiceCollection services)
    {
        services.TryAddSingleton<ILabHosts, LabSocket>();
        services.AddSingleton<LabFeed>().AddSingleton<LabMemory>().AddScoped<LabSetUp>().AddScoped<LabService>();
    }

    public static void MapLab(this RouteGroupBuilder api)
    {
        if (((IEndpointRouteBuilder)api).ServiceProvider.GetRequiredService<GatewayOptions>().Lab is null) return;
        var lab = api.MapGroup("/lab").WithTags("Lab");
        lab.MapGet("/", GetAsync).WithName("GetLab").WithSummary("The nine experiments, what can be broken, and the three hosts as they are");
        lab.MapGet("/experiments/{number}/run", GetRun).WithName("GetLabRun").WithSummary("Shows the last run of an experiment").ProducesProblem(404);
        lab.MapPost("/experiments/{number}/run", RunAsync).WithName("RunLabExperiment").WithSummary("Runs an experiment on the real hosts, and takes back what it changed")
            .Accepts<LabRunRequest>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422).ProducesProblem(503);
        lab.MapPost("/breaks/{name}", BreakAsync).WithName("BreakLab").WithSummary("Breaks something on purpose, and explains what is then seen")
            .Accepts<LabRunRequest>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422).ProducesProblem(503);
        lab.MapDelete("/breaks/{name}", HealAsync).WithName("HealLab").WithSummary("Heals what was broken").ProducesProblem(404).ProducesProblem(409);
        lab.MapPost("/reset", ResetAsync).WithName("ResetLab").WithSummary("Puts everything back as make lab left it").ProducesProblem(409);
        lab.MapGet("/packets", StreamAsync).WithName("StreamLabPackets").WithSummary("Streams the packets of the six points as they pass, a JSON object a line")
            .WithDescription("It ends after so many seconds, else when the caller leaves.").Produces<LabPacket>(200, "application/x-ndjson").ProducesProblem(400);
    }

    private static async Task<Results<Ok<LabResponse>, ProblemHttpResult>> GetAsync(LabService service, CancellationToken cancellationToken) =>
        (await service.GetAsync(cancellationToken)).Succeeded(out var lab, out var failure) ? TypedResults.Ok(lab) : failure.ToProblem();

    private static Results<Ok<LabRun>, ProblemHttpResult> GetRun(string number, LabService service) => Show(service.GetRun(number));

    private static async Task<Results<Ok<LabRun>, ProblemHttpResult>> RunAsync(string number, JsonBody<LabRunRequest> body, LabService service, CancellationToken cancellationToken) =>
        body.Read().Succeeded(out var how, out var malformed) ? Show(await service.RunAsync(number, how, null, cancellationToken)) : malformed.ToProblem();

    private static async Task<Results<Ok<LabRun>, ProblemHttpResult>> BreakAsync(string name, JsonBody<LabRunRequest> body, LabService service, CancellationToken cancellationToken) =>
        body.Read().Succeeded(out var how, out var malformed) ? Show(await service.BreakAsync(name, how, null, cancellationToken)) : malformed.ToProblem();

    private static async Task<Results<Ok<LabRun>, ProblemHttpResult>> HealAsync(string name, LabService service, CancellationToken cancellationToken) =>
        Show(await service.HealAsync(name, null, cancellationToken));

    private static async Task<Results<Ok<LabRun>, ProblemHttpResult>> ResetAsync(LabService service, CancellationToken cancellationToken) => Show(await service.ResetAsync(null, cancellationToken));

    private static async Task<IResult> StreamAsync(int? seconds, LiveFeed feed, HttpContext context)
    {
        if (seconds is < 1 or > MaxSeconds) return Failure.Of(FailureKind.Malformed, "seconds", $"{seconds} is out of range.", $"It is 1 to {MaxSeconds}; left out, there is no limit.").ToProblem();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        if (!feed.LabPackets(ends.Token).Succeeded(out var updates, out var failure)) return failure.ToProblem();
        if (seconds is { } limit) ends.CancelAfter(TimeSpan.FromSeconds(limit));
        context.Response.ContentType = "application/x-ndjson";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await context.Response.Body.FlushAsync(context.RequestAborted);
        try
        {
            await foreach (var update in updates)
            {
                foreach (var packet in update.Packets)
                {
                    await JsonSerializer.SerializeAsync(context.Response.Body, packet, JsonSerializerOptions.Web, context.RequestAborted);
                    await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted);
                }

                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has left: that is how a stream ends.
        }

        return Results.Empty;
    }

    private static Results<Ok<LabRun>, ProblemHttpResult> Show(Outcome<LabRun> outcome) =>
        outcome.Succeeded(out var run, out var failure) ? TypedResults.Ok(run) : failure.ToProblem();
}
