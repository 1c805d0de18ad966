using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Features.Peers;
using Gateway.Live;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>One peer: whether it works and why not, its settings, its config, its routes.</summary>
public sealed partial class PeerPage : DashboardPage
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private PeerResponse? _peer;
    private PeerRow? _live;
    private Failure? _failure;

    /// <summary>The peer.</summary>
    [Parameter]
    public Guid Id { get; set; }

    [Inject]
    private PeerService Service { get; set; } = default!;

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    [Inject]
    private ChangePlans Plans { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayChange => Caller.May(Permission.ChangePeers);

    private bool MayExplain => Caller.May(Permission.Explain);

    private bool MayReadConfig => Caller.May(Permission.ReadConfigs);

    /// <summary>What a person is told: that it is switched off or expired goes before what it did.</summary>
    internal static string StateOf(PeerResponse peer, string? live, DateTimeOffset now) =>
        !peer.Enabled ? "disabled" : peer.ExpiresAt <= now ? "expired" : live ?? peer.State;

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        await ReadAsync();
        if (_failure is not null) return;
        _failure = Watch(Feed.Peers, ShowAsync, Pause);
        _ = RepeatAsync(Period, ReadAsync);
    }

    private async Task ReadAsync() => (await Service.GetAsync(Id, Leaving)).Succeeded(out _peer, out _failure);

    private Task ShowAsync(PeersUpdate update)
    {
        _live = update.Peers.FirstOrDefault(p => p.Id == Id);
        return Task.CompletedTask;
    }

    private async Task EditAsync()
    {
        var dialog = await Dialogs.ShowAsync<PeerDialog>(null, new DialogParameters<PeerDialog> { { d => d.Peer, _peer } });
        if (await dialog.Result is { Canceled: false, Data: PeerResponse changed }) _peer = changed;
    }

    private async Task ToggleAsync()
    {
        var body = JsonBody<PeerSettings>.Of(("enabled", !_peer!.Enabled));
        if (!(await Plans.TryAsync(services => services.GetRequiredService<PeerService>().UpdateAsync(Id, body, null, Leaving))).Succeeded(out var plan, out _failure)) return;
        if (plan.Breaks is { Flows: > 0 } && !await Dialogs.ConfirmAsync(L["DisableTitle", _peer.Name], L["DisableText"], L["Disable"], plan)) return;
        if ((await Service.UpdateAsync(Id, body, null, CancellationToken.None)).Succeeded(out var changed, out _failure)) _peer = changed;
    }

    private async Task DeleteAsync()
    {
        if (!(await Plans.TryAsync(services => services.GetRequiredService<PeerService>().DeleteAsync(Id, null, Leaving))).Succeeded(out var plan, out _failure)) return;
        if (!await Dialogs.ConfirmAsync(L["DeleteTitle", _peer!.Name], L["DeleteText"], S["Delete"], plan)) return;
        if ((await Service.DeleteAsync(Id, null, CancellationToken.None)).Succeeded(out _, out _failure)) Navigation.NavigateTo("/peers");
    }
}
