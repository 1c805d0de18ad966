using Gateway.Contracts;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Explain.Remedies;

/// <summary>Applies remedies that are changes, and takes them back. All requests of one are one change of the configuration: all of them, or none.</summary>
internal sealed class RemedyService(ChangePlans plans, Caller caller)
{
    /// <summary>Whether the caller may apply it.</summary>
    public bool May(Remedy remedy) => remedy.Kind == RemedyKinds.Change && caller.May(RemedyCalls.Needed(remedy.Apply));

    /// <summary>What applying it would do.</summary>
    public Task<Outcome<PlanResponse>> PlanAsync(Remedy remedy, CancellationToken cancellationToken) => plans.TryAsync(services => RunAsync(services, remedy, cancellationToken));

    /// <summary>Applies it. The value is the remedy that takes it back.</summary>
    public async Task<Outcome<Remedy>> ApplyAsync(Remedy remedy, CancellationToken cancellationToken)
    {
        var done = await plans.MakeAsync(services => RunAsync(services, remedy, cancellationToken));
        return done.Failure is { } failure ? failure : Back(remedy, done.Value);
    }

    private static Task<Outcome<Guid?>> RunAsync(IServiceProvider services, Remedy remedy, CancellationToken cancellationToken) =>
        services.GetRequiredService<Changes>().TogetherAsync(() => RemedyCalls.RunAsync(services, remedy.Apply, cancellationToken), cancellationToken);

    private static Remedy Back(Remedy remedy, Guid? made) => new()
    {
        Kind = RemedyKinds.Change,
        Text = remedy.Text,
        Apply = [.. remedy.Undo.Select(call => call with { Path = call.Path.Replace("{id}", made?.ToString(), StringComparison.Ordinal) })],
        Undo = remedy.Apply,
    };
}
