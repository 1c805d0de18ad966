using Gateway.Reconcile;
using Gateway.Security;

namespace Gateway.Features.Audit;

/// <summary>
/// Puts on record what changes no configuration but should be known all the same: sign-ins, packets crafted or looked at, configs taken.
/// Changes have their entries from <see cref="Changes"/>.
/// </summary>
internal sealed class AuditTrail(Caller caller, WriteGate gate, TimeProvider time)
{
    /// <summary>Adds an entry for the caller of this scope.</summary>
    /// <param name="action">Such as <c>packet.craft</c>.</param>
    /// <param name="subject">What it was done to, as people call it.</param>
    /// <param name="details">More to know, or null. Members marked <see cref="Contracts.SecretAttribute"/> are left out.</param>
    /// <param name="cancellationToken">Ends the wait for the database.</param>
    public Task NoteAsync(string action, string subject, object? details, CancellationToken cancellationToken) =>
        NoteAsync(caller.Identity, action, subject, details, cancellationToken);

    /// <summary>Adds an entry for somebody else than the caller: for who signs in and is not one yet.</summary>
    public Task NoteAsync(CallerIdentity who, string action, string subject, object? details, CancellationToken cancellationToken) => gate.NoteAsync(db =>
    {
        db.Audit.Add(AuditDocuments.ToEntry(AuditDocuments.Compare(action, subject, null, details), who, time.GetUtcNow(), revision: null));
        return Task.CompletedTask;
    }, cancellationToken);
}
