using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Transfer;

/// <summary>/api/v1/import and /api/v1/export.</summary>
internal static class TransferEndpoints
{
    private const long MaxBytes = 16L << 20;

    public static void AddTransfer(this IServiceCollection services) => services.AddScoped<ImportService>().AddScoped<ExportService>();

    public static void MapTransfer(this RouteGroupBuilder api)
    {
        var import = api.MapGroup("/import").WithTags("Transfer").WithMetadata(new RequestSizeLimitAttribute(MaxBytes));
        Map("/", preview: false).WithName("Import").WithSummary("Takes wg-quick files over, all of them or none; commands in them are never run");
        Map("/preview", preview: true).WithName("PreviewImport").WithSummary("Tells what an import would make, and what does the same as its ignored lines");
        api.MapGet("/export", async Task<Results<FileContentHttpResult, ProblemHttpResult>> (string? tunnel, ExportService service, CancellationToken cancellationToken) =>
                (await service.ExportAsync(tunnel, cancellationToken)).Succeeded(out var zip, out var failure)
                    ? TypedResults.File(zip, "application/zip", $"{tunnel ?? "gateway"}.zip") : failure.ToProblem())
            .WithTags("Transfer").WithName("Export").WithSummary("Tunnels as wg-quick files in a zip: TUNNEL.conf for the server, TUNNEL/PEER.conf for the clients")
            .Produces<Stream>(200, "application/zip").ProducesProblem(404);

        RouteHandlerBuilder Map(string path, bool preview) => import.MapPost(path,
                async Task<Results<Ok<ImportResponse>, ProblemHttpResult>> (JsonBody<ImportRequest> body, ImportService service, CancellationToken cancellationToken) =>
                {
                    if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
                    return (await service.ImportAsync(request, preview, cancellationToken)).Succeeded(out var answer, out var failure) ? TypedResults.Ok(answer) : failure.ToProblem();
                })
            .Accepts<ImportRequest>("application/json").ProducesProblem(400).ProducesProblem(409).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422);
    }
}
