using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Backup;

/// <summary>/api/v1/backup and /api/v1/restore.</summary>
internal static class BackupEndpoints
{
    /// <summary>The header that a restore's passphrase comes in: the body is the file.</summary>
    public const string PassphraseHeader = "Gateway-Passphrase";
    private const long MaxFileBytes = 4L << 30;

    public static void AddBackup(this IServiceCollection services) => services.AddScoped<BackupService>();

    public static void MapBackup(this RouteGroupBuilder api)
    {
        api.MapPost("/backup", CreateAsync).WithTags("Backup").WithName("CreateBackup").WithSummary("Everything as one encrypted file")
            .Accepts<BackupRequest>("application/json").Produces<Stream>(200, "application/octet-stream").ProducesProblem(400).ProducesProblem(415).ProducesProblem(422);
        api.MapPost("/restore", RestoreAsync).WithTags("Backup").WithName("RestoreBackup")
            .WithSummary("Replaces everything by a backup: the body is the file, the header Gateway-Passphrase its passphrase (percent-encoded where it is not ASCII, and for '%')")
            .Accepts<Stream>("application/octet-stream").WithMetadata(new RequestSizeLimitAttribute(MaxFileBytes)).ProducesProblem(413).ProducesProblem(415).ProducesProblem(422);
    }

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> CreateAsync(JsonBody<BackupRequest> body, BackupService service, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
        return (await service.CreateAsync(request, cancellationToken)).Succeeded(out var backup, out var failure)
            ? TypedResults.Stream(backup.File, "application/octet-stream", backup.Name) : failure.ToProblem();
    }

    private static async Task<Results<Ok<RestoreResponse>, ProblemHttpResult>> RestoreAsync(
        [FromHeader(Name = PassphraseHeader)] string? passphrase, HttpRequest request, BackupService service, CancellationToken cancellationToken) =>
        (await service.RestoreAsync(request.Body, passphrase is null ? null : Uri.UnescapeDataString(passphrase), cancellationToken)).Succeeded(out var restored, out var failure)
            ? TypedResults.Ok(restored) : failure.ToProblem();
}
