using Gateway.Data;
using Gateway.Reconcile;
using Gateway.Security;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;

namespace Gateway.Features.Accounts;

/// <summary>
/// Identity's store, with two differences: it writes through the one gate, and what makes a second factor (the authenticator's key, the recovery
/// codes), which Identity keeps in clear, is encrypted.
/// </summary>
/// <param name="db">Where to.</param>
/// <param name="vault">Encrypts.</param>
/// <param name="gate">Null where the caller holds it already.</param>
internal sealed class UserStore(GatewayDbContext db, SecretVault vault, WriteGate? gate) : UserOnlyStore<User, GatewayDbContext, Guid>(db)
{
    public override Task<IdentityResult> CreateAsync(User user, CancellationToken cancellationToken = default) =>
        gate is null ? base.CreateAsync(user, cancellationToken) : gate.HoldAsync(() => base.CreateAsync(user, cancellationToken), cancellationToken);

    public override Task<IdentityResult> UpdateAsync(User user, CancellationToken cancellationToken = default) =>
        gate is null ? base.UpdateAsync(user, cancellationToken) : gate.HoldAsync(() => base.UpdateAsync(user, cancellationToken), cancellationToken);

    public override Task<IdentityResult> DeleteAsync(User user, CancellationToken cancellationToken = default) =>
        gate is null ? base.DeleteAsync(user, cancellationToken) : gate.HoldAsync(() => base.DeleteAsync(user, cancellationToken), cancellationToken);

    public override Task SetTokenAsync(User user, string loginProvider, string name, string? value, CancellationToken cancellationToken) =>
        base.SetTokenAsync(user, loginProvider, name, string.IsNullOrEmpty(value) ? value : vault.ProtectSecondFactor(value), cancellationToken);

    public override async Task<string?> GetTokenAsync(User user, string loginProvider, string name, CancellationToken cancellationToken) =>
        await base.GetTokenAsync(user, loginProvider, name, cancellationToken) is { Length: > 0 } value ? vault.UnprotectSecondFactor(value) : null;
}

/// <summary>Gives a change the means of Identity, so that what they do is part of its transaction.</summary>
internal sealed class UserManagers(IServiceProvider services, SecretVault vault)
{
    /// <summary>Works on this context, whose owner holds the gate.</summary>
    public UserManager<User> On(GatewayDbContext db) => ActivatorUtilities.CreateInstance<UserManager<User>>(services, new UserStore(db, vault, gate: null));
}
