using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Gateway.Features.Accounts.Tokens;

/// <summary>/api/v1/tokens: everybody's, for admins; /api/v1/profile/tokens: one's own.</summary>
internal static class TokensEndpoints
{
    public static void MapTokens(this RouteGroupBuilder api)
    {
        Map(api.MapGroup("/tokens"), "", own: false);
        Map(api.MapGroup("/profile/tokens"), "Own", own: true);
    }

    private static void Map(RouteGroupBuilder group, string prefix, bool own)
    {
        var tokens = group.WithTags("Tokens");
        var whose = own ? "own " : "";
        tokens.MapGet("", async Task<Results<Ok<Page<TokenResponse>>, ProblemHttpResult>> (int? limit, string? cursor, TokenService service, CancellationToken cancellationToken) =>
                (await service.ListAsync(own, limit, cursor, cancellationToken)).Succeeded(out var page, out var failure) ? TypedResults.Ok(page) : failure.ToProblem())
            .WithName($"List{prefix}Tokens").WithSummary($"Lists {whose}tokens, oldest first").ProducesProblem(400);
        tokens.MapPost("", async Task<Results<Created<TokenResponse>, ProblemHttpResult>> (JsonBody<TokenSettings> body, TokenService service, HttpContext context, CancellationToken cancellationToken) =>
            {
                if (!body.Read().Succeeded(out var settings, out var malformed)) return malformed.ToProblem();
                if (!(await service.CreateAsync(settings, own, cancellationToken)).Succeeded(out var token, out var failure)) return failure.ToProblem();
                ETags.Write(context, token.Revision);
                return TypedResults.Created($"{context.Request.Path}/{token.Id}", token);
            })
            .WithName($"Create{prefix}Token").WithDryRun().WithSummary("Makes a token that acts for the caller; only this answer shows it")
            .Accepts<TokenSettings>("application/json").ProducesProblem(400).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        tokens.MapGet("/{id:guid}", async (Guid id, TokenService service, HttpContext context, CancellationToken cancellationToken) => Show(await service.GetAsync(id, own, cancellationToken), context))
            .WithName($"Get{prefix}Token").WithSummary("Shows a token, but not the token itself").ProducesProblem(404);
        tokens.MapPatch("/{id:guid}", async (Guid id, JsonBody<TokenSettings> body, [FromHeader(Name = "If-Match")] string? ifMatch, TokenService service, HttpContext context, CancellationToken cancellationToken) =>
                Show(await service.UpdateAsync(id, body.MergeInto, ifMatch, own, cancellationToken), context))
            .WithName($"Update{prefix}Token").WithDryRun().WithSummary("Changes a token's name, scopes or end (JSON merge patch)").Accepts<TokenSettings>("application/merge-patch+json", "application/json")
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(415).ProducesProblem(422);
        tokens.MapDelete("/{id:guid}", async Task<Results<NoContent, ProblemHttpResult>> (Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, TokenService service, CancellationToken cancellationToken) =>
                (await service.RevokeAsync(id, ifMatch, own, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem())
            .WithName($"Revoke{prefix}Token").WithDryRun().WithSummary("Revokes a token; what runs with it ends at once").ProducesProblem(404).ProducesProblem(412);
    }

    private static Results<Ok<TokenResponse>, ProblemHttpResult> Show(Outcome<TokenResponse> outcome, HttpContext context)
    {
        if (!outcome.Succeeded(out var token, out var failure)) return failure.ToProblem();
        ETags.Write(context, token.Revision);
        return TypedResults.Ok(token);
    }
}
