using System.Globalization;
using Gateway.Hosting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>How the gateway was started: shown to those who could start it otherwise.</summary>
[Authorize(Contracts.Scopes.Admin)]
public sealed partial class Settings : ComponentBase
{
    [Inject]
    private GatewayOptions Options { get; set; } = default!;

    [Inject]
    private FirstStart FirstStart { get; set; } = default!;

    private (string Key, string Value)[] Values =>
    [
        (nameof(GatewayOptions.DataDirectory), Path.GetFullPath(Options.DataDirectory)),
        (nameof(GatewayOptions.FlowCapacity), Options.FlowCapacity.ToString(CultureInfo.InvariantCulture)),
        (nameof(GatewayOptions.ShowPayload), Options.ShowPayload ? "true" : "false"),
    ];
}
