using Gateway.Contracts;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Components;

/// <summary>
/// Tries a change for a page: rules, conflicts and what would follow, nothing saved. Each try has a scope of its own, so that a change which the same
/// page makes meanwhile cannot be taken for a try.
/// </summary>
internal sealed class ChangePreview(IServiceScopeFactory scopes, Caller caller)
{
    /// <summary>What the change would do, or why it is refused.</summary>
    public async Task<Outcome<PlanResponse>> TryAsync<TService>(Func<TService, Task<Failure?>> change) where TService : notnull
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(caller.Identity);
        var changes = scope.ServiceProvider.GetRequiredService<Changes>();
        changes.DryRun = true;
        if (await change(scope.ServiceProvider.GetRequiredService<TService>()) is { } failure) return failure;
        return changes.Plan ?? new PlanResponse([]);
    }
}
