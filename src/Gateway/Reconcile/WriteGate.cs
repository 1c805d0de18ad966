using Gateway.Data;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>
/// Lets one writer at a time at the database. SQLite has one anyway; waiting here is fair and ends with the request, where waiting there ends in
/// "database is locked".
/// </summary>
internal sealed class WriteGate(IDbContextFactory<GatewayDbContext> contexts) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1);

    /// <summary>Runs <paramref name="body"/> in a transaction. It commits, or returns without having done so and nothing was changed.</summary>
    public Task<T> EnterAsync<T>(Func<GatewayDbContext, Func<Task>, Task<T>> body, CancellationToken cancellationToken) => HoldAsync(async () =>
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Once it is decided it is done, even if the caller has left.
        return await body(db, () => transaction.CommitAsync(CancellationToken.None));
    }, cancellationToken);

    /// <summary>Keeps the gate while somebody else's context writes. Inside, the gate is not entered again.</summary>
    public async Task<T> HoldAsync<T>(Func<Task<T>> body, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return await body();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Writes what is no change of the configuration: observations, sign-ins, audit entries.</summary>
    public Task NoteAsync(Func<GatewayDbContext, Task> body, CancellationToken cancellationToken) => EnterAsync(async (db, commit) =>
    {
        await body(db);
        await db.SaveChangesAsync(cancellationToken);
        await commit();
        return true;
    }, cancellationToken);

    /// <summary>Runs <paramref name="body"/> while nobody writes; it opens what it needs itself.</summary>
    public async Task<T> AloneAsync<T>(Func<Task<T>> body, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return await body();
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();
}
