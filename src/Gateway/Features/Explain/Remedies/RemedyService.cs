using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Features.Events;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;

namespace Gateway.Features.Explain.Remedies;

/// <summary>A remedy that was applied, and the one that takes it back.</summary>
/// <param name="Done">What was applied.</param>
/// <param name="Back">What takes it back.</param>
public sealed record AppliedRemedy(Remedy Done, Remedy Back);

/// <summary>Applies remedies that are changes, and takes them back. All requests of one are one change of the configuration: all of them, or none.</summary>
internal sealed class RemedyService(ChangePlans plans, EventLog events, Caller caller)
{
    private const string TakesBack = "Take back: ";

    /// <summary>Whether the caller may apply it.</summary>
    public bool May(Remedy remedy) => remedy.Kind == RemedyKinds.Change && caller.May(RemedyCalls.Needed(remedy.Apply));

    /// <summary>What applying it would do.</summary>
    public Task<Outcome<PlanResponse>> PlanAsync(Remedy remedy, CancellationToken cancellationToken) => plans.TryAsync(services => RunAsync(services, remedy, cancellationToken));

    /// <summary>Applies it. An event keeps the way back for later, when the page is closed.</summary>
    public async Task<Outcome<AppliedRemedy>> ApplyAsync(Remedy remedy, CancellationToken cancellationToken)
    {
        var done = await plans.MakeAsync(services => RunAsync(services, remedy, cancellationToken));
        if (done.Failure is { } failure) return failure;
        var back = Back(remedy, done.Value);
        events.Raise(new GatewayEvent(EventKinds.RemedyApplied, EventSeverities.Info, $"{caller.Identity.Name} has applied: {remedy.Text}") { Remedies = back.Apply.Count > 0 ? [back] : [] });
        return new AppliedRemedy(remedy, back);
    }

    private static Task<Outcome<Guid?>> RunAsync(IServiceProvider services, Remedy remedy, CancellationToken cancellationToken) =>
        services.GetRequiredService<Changes>().TogetherAsync(() => RemedyCalls.RunAsync(services, remedy.Apply, cancellationToken), cancellationToken);

    private static Remedy Back(Remedy remedy, Guid? made) => new()
    {
        Kind = RemedyKinds.Change,
        Text = remedy.Text.StartsWith(TakesBack, StringComparison.Ordinal) ? remedy.Text[TakesBack.Length..] : TakesBack + remedy.Text,
        Apply = [.. remedy.Undo.Select(call => call with { Path = call.Path.Replace("{id}", made?.ToString(), StringComparison.Ordinal) })],
        Undo = remedy.Apply,
    };
}
