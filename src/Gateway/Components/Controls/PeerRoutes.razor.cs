using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Features.Routes;
using Gateway.Reconcile;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Controls;

/// <summary>The routes of one peer, added and removed in place.</summary>
public sealed partial class PeerRoutes : ComponentBase
{
    private const int MostRoutes = 500;

    private readonly FormErrors _errors = new();
    private IReadOnlyList<RouteResponse>? _routes;
    private string? _prefix;
    private string _installOn = InstallOn.Client;

    /// <summary>Whose.</summary>
    [Parameter, EditorRequired]
    public Guid PeerId { get; set; }

    /// <summary>Whether the person may add and remove.</summary>
    [Parameter]
    public bool MayChange { get; set; }

    /// <summary>Called after a change.</summary>
    [Parameter]
    public EventCallback Changed { get; set; }

    [Inject]
    private ChangePlans Plans { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private RouteService Service { get; set; } = default!;

    private (string, string)[] Kinds => [(InstallOn.Client, L["Client"]), (InstallOn.Gateway, L["Gateway"])];

    /// <inheritdoc/>
    protected override Task OnInitializedAsync() => ReadAsync();

    private async Task ReadAsync()
    {
        if ((await Service.ListAsync(PeerId, MostRoutes, null, CancellationToken.None)).Succeeded(out var page, out var failure)) _routes = page.Items;
        else _errors.Take(failure);
    }

    /// <summary>Asks before a change only where a try shows that traffic breaks; whether to go on.</summary>
    private async Task<bool> MayBreakAsync<T>(Func<IServiceProvider, Task<Outcome<T>>> change, string title, string action)
    {
        var tried = await Plans.TryAsync(change);
        _errors.Take(tried.Failure);
        if (tried.Value is not { } plan) return false;
        return plan.Breaks is not { Flows: > 0 } || await Dialogs.ConfirmAsync(title, L["Breaks"], action, plan);
    }

    private async Task AddAsync()
    {
        var settings = new RouteSettings { Prefix = _prefix?.Trim(), InstallOn = _installOn };
        if (!await MayBreakAsync(services => services.GetRequiredService<RouteService>().CreateAsync(PeerId, settings, CancellationToken.None), L["AddTitle", settings.Prefix ?? ""], L["Add"])) return;
        var added = await Service.CreateAsync(PeerId, settings, CancellationToken.None);
        _errors.Take(added.Failure);
        if (added.Failure is not null) return;
        _prefix = null;
        await ReadAsync();
        await Changed.InvokeAsync();
    }

    private async Task DeleteAsync(RouteResponse route)
    {
        if (!await MayBreakAsync(services => services.GetRequiredService<RouteService>().DeleteAsync(route.Id, null, CancellationToken.None), L["DeleteTitle", route.Prefix], S["Delete"])) return;
        _errors.Take((await Service.DeleteAsync(route.Id, null, CancellationToken.None)).Failure);
        await ReadAsync();
        await Changed.InvokeAsync();
    }
}
