using Gateway.Data;
using Gateway.Web;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>A change on its way into the database.</summary>
internal sealed class Change(GatewayDbContext db, long revision, DateTimeOffset now)
{
    public GatewayDbContext Db { get; } = db;

    /// <summary>The revision that the change makes.</summary>
    public long Revision { get; } = revision;

    public DateTimeOffset Now { get; } = now;

    public List<Touched> Touched { get; } = [];

    public Guid NewId() => Guid.CreateVersion7(Now);

    public void Touch(Guid tunnelId, Guid? peerId = null) => Touched.Add(new Touched(tunnelId, peerId));
}

/// <summary>
/// Every change goes through here: one at a time, rules and write in one transaction, revision + 1, then the reconciler is told, in the
/// order of the commits, and given a moment to bring the engine there.
/// </summary>
internal sealed class Changes(IDbContextFactory<GatewayDbContext> contexts, Reconciler reconciler, TimeProvider time) : IDisposable
{
    /// <summary>How long an answer waits for the engine. After that the status tells how it went.</summary>
    private static readonly TimeSpan ApplyPatience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _gate = new(1);

    public async Task<Outcome<T>> SaveAsync<T>(Func<Change, Task<Outcome<T>>> body, CancellationToken cancellationToken)
    {
        Outcome<T> outcome;
        Task taken;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            var meta = await db.Meta.SingleAsync(cancellationToken);
            var change = new Change(db, ++meta.Revision, time.GetUtcNow());
            outcome = await body(change);
            if (outcome.Failure is not null) return outcome;
            await db.SaveChangesAsync(cancellationToken);
            // From here on it is done, even if the caller has left.
            await transaction.CommitAsync(CancellationToken.None);
            taken = reconciler.Post(change.Touched, change.Revision);
        }
        catch (DbUpdateException e) when (e.InnerException is SqliteException { SqliteErrorCode: 19 })
        {
            // The rules look first, so only another process on the same file gets here.
            return new Failure(FailureKind.Conflict, "Another change made at the same time has taken this name, port, key or prefix. Read again and choose another.", []);
        }
        finally
        {
            _gate.Release();
        }

        await taken.WaitAsync(ApplyPatience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return outcome;
    }

    /// <summary>Writes what is no change of the configuration: observations.</summary>
    public async Task NoteAsync(Func<GatewayDbContext, Task> body, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            await body(db);
            await transaction.CommitAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();
}
