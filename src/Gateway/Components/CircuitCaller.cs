using System.Security.Claims;
using Gateway.Security;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.AspNetCore.Identity;

namespace Gateway.Components;

/// <summary>
/// Tells a circuit's scope who calls, before any component runs: the person whose request opened it. Looks again as soon as their access changes,
/// so that what they may no longer do is refused and disappears; the connection itself is cut by <see cref="AccessGuard"/>.
/// </summary>
internal sealed partial class CircuitCaller(
    AuthenticationStateProvider authentication, Caller caller, AccessChanges changes, Credentials credentials, LastUses uses, ILogger<CircuitCaller> logger)
    : CircuitHandler, IDisposable
{
    private IDisposable? _watch;

    public override async Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        var identity = CallerIdentity.Of((await authentication.GetAuthenticationStateAsync()).User);
        caller.Become(identity);
        if (identity.Id is null) return;
        _watch = changes.Watch(identity, () => _ = Task.Run(() => LookAgainAsync(identity)));
        if (changes.Generation != identity.AsOf) await LookAgainAsync(identity);
    }

    public override Func<CircuitInboundActivityContext, Task> CreateInboundActivityHandler(Func<CircuitInboundActivityContext, Task> next) => context =>
    {
        if (caller.Identity.SessionId is { } session) uses.Note(session, LastUses.Kind.Session, caller.Identity.From);
        return next(context);
    };

    public void Dispose() => _watch?.Dispose();

    private async Task LookAgainAsync(CallerIdentity identity)
    {
        CallerIdentity? now = null;
        try
        {
            now = await credentials.AgainAsync(identity, CancellationToken.None);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or InvalidOperationException)
        {
            LogNotLookedUp(e.Message);
        }

        caller.Become(now ?? CallerIdentity.Nobody);
        var principal = now is null ? new ClaimsPrincipal(new ClaimsIdentity()) : new ClaimsPrincipal(new AccessIdentity(now, IdentityConstants.ApplicationScheme));
        ((ServerAuthenticationStateProvider)authentication).SetAuthenticationState(Task.FromResult(new AuthenticationState(principal)));
    }

    [LoggerMessage(EventId = 1805, Level = LogLevel.Warning, Message = "What a signed-in person may do now could not be looked up, so their open page may do nothing any more: {Reason}")]
    private partial void LogNotLookedUp(string reason);
}
