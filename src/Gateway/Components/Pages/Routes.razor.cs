using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Routes;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>Routes of both kinds: wanted, in cryptokey routing, in the kernel.</summary>
public sealed partial class Routes : DashboardPage
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private IReadOnlyList<RouteLine>? _lines;
    private Failure? _failure;

    /// <summary>A piece of the network or of a name.</summary>
    [SupplyParameterFromQuery]
    public string? Search { get; set; }

    /// <summary>client or gateway.</summary>
    [SupplyParameterFromQuery]
    public string? Kind { get; set; }

    [Inject]
    private RouteTable Table { get; set; } = default!;

    [Inject]
    private RouteService Service { get; set; } = default!;

    [Inject]
    private ChangePlans Plans { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayChange => Caller.May(Permission.ChangePeers);

    private (string, string)[] Kinds => [("", L["AnyKind"]), (InstallOn.Client, L["Client"]), (InstallOn.Gateway, L["Gateway"])];

    private List<RouteLine> Shown => [.. (_lines ?? []).Where(line => (Kind is null || line.Route.InstallOn == Kind)
        && (Search is null || line.Route.Prefix.StartsWith(Search, StringComparison.OrdinalIgnoreCase) || line.Route.Peer.Contains(Search, StringComparison.OrdinalIgnoreCase)))];

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        await ReadAsync();
        _ = RepeatAsync(Period, ReadAsync);
    }

    private async Task ReadAsync()
    {
        if ((await Table.ReadAsync(Leaving)).Succeeded(out var lines, out var failure)) _lines = lines;
        else _failure = failure;
    }

    private async Task AddAsync()
    {
        var dialog = await Dialogs.ShowAsync<RouteDialog>();
        if (await dialog.Result is { Canceled: false }) await ReadAsync();
    }

    private async Task DeleteAsync(RouteResponse route)
    {
        if (!(await Plans.TryAsync(services => services.GetRequiredService<RouteService>().DeleteAsync(route.Id, null, Leaving))).Succeeded(out var plan, out _failure)) return;
        if (!await Dialogs.ConfirmAsync(L["DeleteTitle", route.Prefix], route.InstallOn == InstallOn.Client ? L["DeleteClient", route.Peer] : L["DeleteGateway", route.Peer], S["Delete"], plan)) return;
        _failure = (await Service.DeleteAsync(route.Id, null, CancellationToken.None)).Failure;
        await ReadAsync();
    }
}
