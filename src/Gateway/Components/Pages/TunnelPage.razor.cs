using Gateway.Components.Controls;
using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Tunnels;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>One tunnel: how it is set, how it runs, and what to do where it does not.</summary>
public sealed partial class TunnelPage : DashboardPage
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private TunnelResponse? _tunnel;
    private Failure? _failure;

    /// <summary>The tunnel's name.</summary>
    [Parameter]
    public string Name { get; set; } = "";

    [Inject]
    private TunnelService Service { get; set; } = default!;

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
    }

    private async Task ReadAsync() => (await Service.GetAsync(Name, Leaving)).Succeeded(out _tunnel, out _failure);

    private async Task EditAsync()
    {
        var dialog = await Dialogs.ShowAsync<TunnelDialog>(null, new DialogParameters<TunnelDialog> { { d => d.Tunnel, _tunnel } });
        if (await dialog.Result is { Canceled: false, Data: TunnelResponse changed }) _tunnel = changed;
    }

    private async Task DeleteAsync()
    {
        var sure = await Dialogs.ConfirmAsync(L["DeleteTitle", Name], L.Many("DeleteText", _tunnel!.PeerCount), S["Delete"]);
        if (!sure) return;
        if ((await Service.DeleteAsync(Name, null, CancellationToken.None)).Succeeded(out _, out _failure)) Navigation.NavigateTo("/tunnels");
    }
}
