using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Recordings;

/// <summary>/api/v1/recordings.</summary>
internal static class RecordingsEndpoints
{
    private const string PcapNg = "application/x-pcapng";

    public static void AddRecordings(this IServiceCollection services) => services.AddSingleton<FlightKeeper>().AddScoped<RecordingService>();

    public static void MapRecordings(this RouteGroupBuilder api)
    {
        api.MapGet("/recordings", ListAsync).WithTags("Recordings").WithName("ListRecordings").WithSummary("Lists what the flight recorder froze, newest first")
            .WithDescription("peer, by id or name, narrows it down.").ProducesProblem(400);
        api.MapGet("/recordings/{id}", GetAsync).WithTags("Recordings").WithName("GetRecording").WithSummary("Shows a recording with the headers of its packets").ProducesProblem(404);
        api.MapGet("/recordings/{id}/pcapng", DownloadAsync).WithTags("Recordings").WithName("DownloadRecording").WithSummary("Gives a recording as a file for tcpdump and Wireshark")
            .Produces(200, contentType: PcapNg).ProducesProblem(404);
    }

    private static async Task<Results<Ok<Page<RecordingSummary>>, ProblemHttpResult>> ListAsync(string? peer, int? limit, string? cursor, RecordingService service, CancellationToken cancellationToken) =>
        (await service.ListAsync(peer, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();

    private static async Task<Results<Ok<RecordingResponse>, ProblemHttpResult>> GetAsync(string id, RecordingService service, CancellationToken cancellationToken) =>
        (await service.GetAsync(id, cancellationToken)).Succeeded(out var recording, out var failure) ? TypedResults.Ok(recording) : failure.ToProblem();

    private static async Task<IResult> DownloadAsync(string id, RecordingService service, CancellationToken cancellationToken) =>
        (await service.DownloadAsync(id, cancellationToken)).Succeeded(out var file, out var failure) ? TypedResults.File(file, PcapNg, $"gateway-recording-{id}.pcapng") : failure.ToProblem();
}
