using Gateway.Contracts;
using Gateway.Features.Status;
using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>Whether the VPN is well.</summary>
public sealed partial class Overview : DashboardPage
{
    private StatusResponse? _status;
    private Failure? _failure;

    [Inject]
    private StatusService Service { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task LoadAsync() => (await Service.GetAsync(Leaving)).Succeeded(out _status, out _failure);
}
