using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Accounts.Users;

/// <summary>/api/v1/users.</summary>
internal static class UsersEndpoints
{
    public static void MapUsers(this RouteGroupBuilder api)
    {
        var users = api.MapGroup("/users").WithTags("Users");
        users.MapGet("", ListAsync).WithName("ListUsers").WithSummary("Lists users, oldest first").ProducesProblem(400);
        users.MapPost("", CreateAsync).WithName("CreateUser").WithDryRun().WithSummary("Makes a user, and the one-time link with which they choose a password")
            .Accepts<UserSettings>("application/json").ProducesProblem(400).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        users.MapGet("/{id:guid}", GetAsync).WithName("GetUser").WithSummary("Shows a user").ProducesProblem(404);
        users.MapPatch("/{id:guid}", UpdateAsync).WithName("UpdateUser").WithDryRun().WithSummary("Changes a user (JSON merge patch); access follows at once")
            .Accepts<UserSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        users.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteUser").WithDryRun().WithSummary("Deletes a user with their sessions and tokens")
            .ProducesProblem(404).ProducesProblem(409).ProducesProblem(412);
        users.MapPost("/{id:guid}/invitation", InviteAsync).WithName("InviteUser").WithSummary("Makes a new one-time link with which the user chooses a password").ProducesProblem(404);
        users.MapDelete("/{id:guid}/second-factor", ResetSecondFactorAsync).WithName("ResetSecondFactor").WithDryRun()
            .WithSummary("Takes authenticator, recovery codes and passkeys away, and ends the sessions").ProducesProblem(404).ProducesProblem(409);
        users.MapDelete("/{id:guid}/sessions", EndSessionsAsync).WithName("EndUserSessions").WithDryRun().WithSummary("Signs the user out everywhere").ProducesProblem(404);
    }

    private static async Task<Results<Ok<Page<UserResponse>>, ProblemHttpResult>> ListAsync(
        string? search, string? role, int? limit, string? cursor, UserService service, CancellationToken cancellationToken) =>
        (await service.ListAsync(search, role, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem();

    private static async Task<Results<Created<UserResponse>, ProblemHttpResult>> CreateAsync(
        JsonBody<UserSettings> body, UserService service, HttpContext context, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var settings, out var malformed)) return malformed.ToProblem();
        if (!(await service.CreateAsync(settings, cancellationToken)).Succeeded(out var user, out var failure)) return failure.ToProblem();
        ETags.Write(context, user.Revision);
        return TypedResults.Created($"/api/v1/users/{user.Id}", WithLink(user, context));
    }

    private static async Task<Results<Ok<UserResponse>, ProblemHttpResult>> GetAsync(Guid id, UserService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.GetAsync(id, cancellationToken), context);

    private static async Task<Results<Ok<UserResponse>, ProblemHttpResult>> UpdateAsync(
        Guid id, JsonBody<UserSettings> body, [FromHeader(Name = "If-Match")] string? ifMatch, UserService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.UpdateAsync(id, body.MergeInto, ifMatch, cancellationToken), context);

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, UserService service, CancellationToken cancellationToken) =>
        (await service.DeleteAsync(id, ifMatch, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem();

    private static async Task<Results<Ok<UserResponse>, ProblemHttpResult>> InviteAsync(Guid id, UserService service, HttpContext context, CancellationToken cancellationToken) =>
        Show(await service.InviteAsync(id, cancellationToken), context);

    private static async Task<Results<NoContent, ProblemHttpResult>> ResetSecondFactorAsync(Guid id, UserService service, CancellationToken cancellationToken) =>
        (await service.ResetSecondFactorAsync(id, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem();

    private static async Task<Results<NoContent, ProblemHttpResult>> EndSessionsAsync(Guid id, UserService service, CancellationToken cancellationToken) =>
        (await service.EndSessionsAsync(id, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem();

    private static Results<Ok<UserResponse>, ProblemHttpResult> Show(Outcome<UserResponse> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var user, out var failure)) return failure.ToProblem();
        ETags.Write(context, user.Revision);
        return TypedResults.Ok(WithLink(user, context));
    }

    // The service knows the path; the address is the one that the caller found the gateway at.
    private static UserResponse WithLink(UserResponse user, HttpContext context) => user.InvitationLink is null ? user
        : user with { InvitationLink = $"{context.Request.Scheme}://{context.Request.Host}{user.InvitationLink}" };
}
