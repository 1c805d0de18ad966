using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Audit;
using Gateway.Features.Preview;
using Gateway.Security;
using Gateway.Web;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>A change on its way into the database.</summary>
internal sealed class Change(GatewayDbContext db, long revision, DateTimeOffset now)
{
    private readonly List<Touched> _touched = [];
    private readonly List<PlannedChange> _recorded = [];
    private readonly List<Action> _afterCommit = [];
    private readonly List<string> _effects = [];

    public GatewayDbContext Db { get; } = db;

    /// <summary>The revision that the change makes.</summary>
    public long Revision { get; } = revision;

    public DateTimeOffset Now { get; } = now;

    public IReadOnlyList<Touched> Touched => _touched;

    public IReadOnlyList<PlannedChange> Recorded => _recorded;

    public IReadOnlyList<Action> Afterwards => _afterCommit;

    /// <summary>What would follow that no snapshot shows.</summary>
    public IReadOnlyList<string> Effects => _effects;

    public Guid NewId() => Guid.CreateVersion7(Now);

    public void Touch(Guid tunnelId, Guid? peerId = null) => _touched.Add(new Touched(tunnelId, peerId));

    /// <summary>Puts one thing that changes on record, for the audit and for a dry run.</summary>
    /// <param name="action">Such as <c>peer.update</c>.</param>
    /// <param name="subject">What people call it.</param>
    /// <param name="before">The document before; null where it is made. Members marked <see cref="SecretAttribute"/> are left out.</param>
    /// <param name="after">The document after; null where it is deleted.</param>
    public void Record(string action, string subject, object? before, object? after) => _recorded.Add(AuditDocuments.Compare(action, subject, before, after));

    /// <summary>Says in a sentence what follows from the change, where that is nothing of tunnels and peers: for a dry run.</summary>
    public void Foretell(string effect) => _effects.Add(effect);

    /// <summary>Does what the database cannot hold, such as telling the kernel, once the change is committed; never in a dry run.</summary>
    public void AfterCommit(Action action) => _afterCommit.Add(action);
}

/// <summary>
/// Every change goes through here: may the caller; one at a time, rules and write in one transaction, with its audit entries, revision + 1;
/// then the reconciler is told, in the order of the commits, and given a moment to bring the engine there. A dry run goes the same way up to
/// the commit. One for each scope.
/// </summary>
internal sealed class Changes(Caller caller, WriteGate gate, Reconciler reconciler, ChangeEffects effects, ChangePreview preview, TimeProvider time)
{
    /// <summary>How long an answer waits for the engine. After that the status tells how it went.</summary>
    private static readonly TimeSpan ApplyPatience = TimeSpan.FromSeconds(5);

    private Change? _whole;

    /// <summary>Whether changes of this scope are only tried.</summary>
    public bool DryRun { get; set; }

    /// <summary>What the last change of this scope would have done, in a dry run.</summary>
    public PlanResponse? Plan { get; private set; }

    public async Task<Outcome<T>> SaveAsync<T>(Permission needed, Func<Change, Task<Outcome<T>>> body, CancellationToken cancellationToken)
    {
        if (caller.Lacks(needed) is { } denied) return denied;
        if (_whole is not { } whole) return await CommitAsync(body, cancellationToken);
        var part = await body(whole);
        // The next part reads what this one wrote.
        if (part.Failure is null) await whole.Db.SaveChangesAsync(cancellationToken);
        return part;
    }

    /// <summary>Makes one change of all that is saved within: one revision, all of it or nothing. Each part asks for its own permission.</summary>
    public Task<Outcome<T>> TogetherAsync<T>(Func<Task<Outcome<T>>> parts, CancellationToken cancellationToken) => CommitAsync(async change =>
    {
        _whole = change;
        try
        {
            return await parts();
        }
        finally
        {
            _whole = null;
        }
    }, cancellationToken);

    private async Task<Outcome<T>> CommitAsync<T>(Func<Change, Task<Outcome<T>>> body, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        Task? taken = null;
        Outcome<T> outcome;
        try
        {
            outcome = await gate.EnterAsync(async (db, commit) =>
            {
                var meta = await db.Meta.SingleAsync(cancellationToken);
                var change = new Change(db, ++meta.Revision, now);
                var result = await body(change);
                if (result.Failure is not null) return result;
                foreach (var recorded in change.Recorded) db.Audit.Add(AuditDocuments.ToEntry(recorded, caller.Identity, now, change.Revision));
                await db.SaveChangesAsync(cancellationToken);
                if (DryRun)
                {
                    Plan = await preview.AddToAsync(new PlanResponse(change.Recorded) { Effects = await effects.DescribeAsync(db, change, cancellationToken) }, db, change, cancellationToken);
                    return result;
                }

                await commit();
                foreach (var action in change.Afterwards) action();
                taken = reconciler.Post(change.Touched, change.Revision);
                return result;
            }, cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is SqliteException { SqliteErrorCode: 19 })
        {
            // The rules look first, so only another process on the same file gets here.
            return new Failure(FailureKind.Conflict, "Another change made at the same time has taken this name, port, key or prefix. Read again and choose another.", []);
        }

        if (taken is not null) await taken.WaitAsync(ApplyPatience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return outcome;
    }
}
