using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Accounts.Profile;

/// <summary>/api/v1/profile.</summary>
internal static class ProfileEndpoints
{
    public static void MapProfile(this RouteGroupBuilder api)
    {
        var profile = api.MapGroup("/profile").WithTags("Profile");
        profile.MapGet("", async Task<Results<Ok<ProfileResponse>, ProblemHttpResult>> (ProfileService service, CancellationToken cancellationToken) =>
                (await service.GetAsync(cancellationToken)).Succeeded(out var me, out var failure) ? TypedResults.Ok(me) : failure.ToProblem())
            .WithName("GetProfile").WithSummary("Who is calling, and what they may do");
        profile.MapGet("/sessions", async Task<Results<Ok<IReadOnlyList<SessionResponse>>, ProblemHttpResult>> (ProfileService service, CancellationToken cancellationToken) =>
                (await service.ListSessionsAsync(cancellationToken)).Succeeded(out var sessions, out var failure) ? TypedResults.Ok(sessions) : failure.ToProblem())
            .WithName("ListOwnSessions").WithSummary("The browsers that are signed in as the caller");
        profile.MapDelete("/sessions/{id:guid}", async Task<Results<NoContent, ProblemHttpResult>> (Guid id, ProfileService service, CancellationToken cancellationToken) =>
                (await service.EndSessionAsync(id, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem())
            .WithName("EndOwnSession").WithDryRun().WithSummary("Signs one of the caller's browsers out").ProducesProblem(404);
    }
}
