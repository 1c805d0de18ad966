using Gateway.Contracts;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Reconcile;

/// <summary>
/// Makes changes for a page as one request would: in a scope of their own, as the page's caller. So a change that is only tried never turns another one
/// of the same page into a try.
/// </summary>
internal sealed class ChangePlans(IServiceScopeFactory scopes, Caller caller)
{
    /// <summary>Goes through a change, and all that it would do, without making it.</summary>
    public async Task<Outcome<PlanResponse>> TryAsync<T>(Func<IServiceProvider, Task<Outcome<T>>> change)
    {
        await using var scope = Open();
        var changes = scope.ServiceProvider.GetRequiredService<Changes>();
        changes.DryRun = true;
        return (await change(scope.ServiceProvider)).Succeeded(out _, out var failure) ? changes.Plan ?? new PlanResponse([]) : failure;
    }

    /// <summary>Makes it.</summary>
    public async Task<Outcome<T>> MakeAsync<T>(Func<IServiceProvider, Task<Outcome<T>>> change)
    {
        await using var scope = Open();
        return await change(scope.ServiceProvider);
    }

    private AsyncServiceScope Open()
    {
        var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(caller.Identity);
        return scope;
    }
}
