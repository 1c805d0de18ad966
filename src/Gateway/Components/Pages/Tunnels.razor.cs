using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Status;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>All tunnels, with what keeps one from running.</summary>
public sealed partial class Tunnels : DashboardPage
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private IReadOnlyList<TunnelResponse>? _tunnels;
    private Failure? _failure;

    /// <summary>Whether the form to make one opens at once.</summary>
    [SupplyParameterFromQuery]
    public bool Create { get; set; }

    [Inject]
    private StatusService Status { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayChange => Caller.May(Permission.Administer);

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        await ReadAsync();
        _ = RepeatAsync(Period, ReadAsync);
        if (Create && MayChange) await CreateAsync();
    }

    private async Task ReadAsync() =>
        _tunnels = (await Status.GetAsync(Leaving)).Succeeded(out var status, out _failure) ? status.Tunnels : [];

    private async Task CreateAsync()
    {
        var dialog = await Dialogs.ShowAsync<TunnelDialog>();
        if (await dialog.Result is { Canceled: false, Data: TunnelResponse made }) Navigation.NavigateTo($"/tunnels/{Uri.EscapeDataString(made.Name)}");
    }
}
