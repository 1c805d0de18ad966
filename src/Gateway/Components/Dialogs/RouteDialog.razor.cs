using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Peers;
using Gateway.Features.Routes;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Adds a route to any peer.</summary>
public sealed partial class RouteDialog : ComponentBase
{
    private readonly FormErrors _errors = new();
    private PeerResponse? _peer;
    private string? _prefix;
    private string _installOn = InstallOn.Client;
    private bool _kernelRoute = true, _confirm, _asksToConfirm, _busy;

    [CascadingParameter]
    private IMudDialogInstance Dialog { get; set; } = default!;

    [Inject]
    private RouteService Service { get; set; } = default!;

    [Inject]
    private PeerTable Peers { get; set; } = default!;

    private (string, string)[] Kinds => [(InstallOn.Client, L["Client"]), (InstallOn.Gateway, L["Gateway"])];

    /// <inheritdoc/>
    protected override void OnInitialized() => _errors.ShowsItself("peer");

    private async Task<IEnumerable<PeerResponse>> SearchAsync(string? text, CancellationToken cancellationToken)
    {
        // The text of a peer that was chosen has the tunnel behind its name.
        var name = text?.Split(" (", 2)[0];
        var query = new PeerTableQuery(new PeerFilter { Search = string.IsNullOrWhiteSpace(name) ? null : name }, null, PeerTable.Name);
        return (await Peers.ReadAsync(query, 0, 20, cancellationToken)).Succeeded(out var slice, out _) ? slice.Peers : [];
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        if (_peer is null)
        {
            _errors.Take(Failure.Of(FailureKind.Rule, "peer", L["NoPeer"], ""));
            return;
        }

        _busy = true;
        var settings = new RouteSettings
        {
            Prefix = _prefix?.Trim(),
            InstallOn = _installOn,
            KernelRoute = _installOn == InstallOn.Gateway ? _kernelRoute : null,
            Confirm = _confirm ? true : null,
        };
        var added = await Service.CreateAsync(_peer.Id, settings, CancellationToken.None);
        _busy = false;
        if (added.Succeeded(out var route, out var failure)) Dialog.Close(route);
        _asksToConfirm |= failure?.Errors.Any(e => e.Field == "confirm") ?? false;
        _errors.Take(failure);
    }
}
