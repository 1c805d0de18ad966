using Gateway.Contracts;
using Gateway.Reconcile;

namespace Gateway.Web;

/// <summary>
/// <c>?dryRun=true</c> on a change: rules, conflicts and write are gone through, nothing is committed, and the answer is the
/// <see cref="PlanResponse"/>. Endpoints say with <see cref="WithDryRun{TBuilder}"/> that all they do goes through <see cref="Changes"/>;
/// any other refuses the parameter, so that nobody takes a real change for a try.
/// </summary>
internal static class DryRun
{
    public static TBuilder WithDryRun<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new Supported()).WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(PlanResponse), ["application/json"]));

    public static async ValueTask<object?> Filter(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var given = http.Request.Query["dryRun"].ToString();
        if (given is "" or "false") return await next(context);
        if (given != "true")
            return Failure.Of(FailureKind.Malformed, "dryRun", $"'{given}' is neither true nor false.", "Leave it out to make the change.").ToProblem();
        if (http.GetEndpoint()?.Metadata.GetMetadata<Supported>() is null)
            return Failure.Of(FailureKind.Malformed, "dryRun", "This request changes nothing that can be tried.", "Leave it out.").ToProblem();
        var changes = http.RequestServices.GetRequiredService<Changes>();
        changes.DryRun = true;
        var result = await next(context);
        if (changes.Plan is not { } plan) return result;
        http.Response.Headers.ETag = default;
        return TypedResults.Ok(plan);
    }

    /// <summary>Marks an endpoint whose changes can be tried; the OpenAPI document shows the parameter there.</summary>
    internal sealed class Supported;
}
