using Gateway.Contracts;
using Gateway.Features.Routes;
using Microsoft.AspNetCore.Components;

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
    private RouteService Service { get; set; } = default!;

    private (string, string)[] Kinds => [(InstallOn.Client, L["Client"]), (InstallOn.Gateway, L["Gateway"])];

    /// <inheritdoc/>
    protected override Task OnInitializedAsync() => ReadAsync();

    private async Task ReadAsync()
    {
        if ((await Service.ListAsync(PeerId, MostRoutes, null, CancellationToken.None)).Succeeded(out var page, out var failure)) _routes = page.Items;
        else _errors.Take(failure);
    }

    private async Task AddAsync()
    {
        var added = await Service.CreateAsync(PeerId, new RouteSettings { Prefix = _prefix?.Trim(), InstallOn = _installOn }, CancellationToken.None);
        _errors.Take(added.Failure);
        if (added.Failure is not null) return;
        _prefix = null;
        await ReadAsync();
        await Changed.InvokeAsync();
    }

    private async Task DeleteAsync(RouteResponse route)
    {
        _errors.Take((await Service.DeleteAsync(route.Id, null, CancellationToken.None)).Failure);
        await ReadAsync();
        await Changed.InvokeAsync();
    }
}
