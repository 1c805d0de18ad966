using Gateway.Security;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server.Circuits;

namespace Gateway.Components;

/// <summary>Tells a circuit's scope who calls, before any component runs: the person whose request opened it.</summary>
internal sealed class CircuitCaller(AuthenticationStateProvider authentication, Caller caller, IHttpContextAccessor request) : CircuitHandler
{
    public override async Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        var state = await authentication.GetAuthenticationStateAsync();
        caller.Become(CallerIdentity.Of(state.User, request.HttpContext?.Connection.RemoteIpAddress));
    }
}
