using System.Globalization;
using System.Net;
using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Tunnels;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Makes a tunnel, or changes what can be changed of one.</summary>
public sealed partial class TunnelDialog : ComponentBase
{
    private static readonly char[] Separators = [',', ' ', '\n'];

    private readonly FormErrors _errors = new();
    private string? _name, _addresses, _endpoint, _port, _mtu;
    private string _transport = Transports.WireGuard, _layer = Layers.Ip;
    private bool _busy;

    /// <summary>The one to change; null = make one.</summary>
    [Parameter]
    public TunnelResponse? Tunnel { get; set; }

    [CascadingParameter]
    private IMudDialogInstance Dialog { get; set; } = default!;

    [Inject]
    private TunnelService Service { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    private (string, string)[] Transports_ => [(Transports.WireGuard, L["WireGuard"]), (Transports.Plain, L["Plain"])];

    private (string, string)[] Layers_ => [(Layers.Ip, L["Ip"]), (Layers.Ethernet, L["Ethernet"])];

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        (_name, _addresses, _port) = ("wg0", "10.8.0.1/24", "51820");
        _endpoint = SuggestEndpoint();
        if (Tunnel is null) return;
        _addresses = string.Join(", ", Tunnel.Addresses);
        _endpoint = Tunnel.Endpoint;
        _port = Tunnel.ListenPort.ToString(CultureInfo.InvariantCulture);
    }

    // Where this page was reached, clients will most likely reach the gateway too.
    private string? SuggestEndpoint()
    {
        var host = new Uri(Navigation.Uri).Host;
        return host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address)) ? null : $"{host}:51820";
    }

    private string? Label(string field) => field switch
    {
        "name" => L["Name"],
        "addresses" => L["Addresses"],
        "endpoint" => L["Endpoint"],
        "listenPort" => L["Port"],
        "mtu" => L["Mtu"].Value,
        _ => null,
    };

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        (string, object?)[] members = [("listenPort", Number(_port)), ("addresses", Words(_addresses)), ("endpoint", string.IsNullOrWhiteSpace(_endpoint) ? null : _endpoint.Trim())];
        var body = JsonBody<TunnelSettings>.Of(Tunnel is null ? [.. members, ("mtu", Number(_mtu))] : members);
        Outcome<TunnelResponse> saved;
        if (Tunnel is not null) saved = await Service.UpdateAsync(Tunnel.Name, body, ETags.Of(Tunnel.Revision), CancellationToken.None);
        else if (body.Read().Succeeded(out var settings, out var malformed))
            saved = await Service.CreateAsync(settings with { Name = _name?.Trim(), Transport = _transport, Layer = _layer }, CancellationToken.None);
        else saved = malformed;
        _busy = false;
        if (saved.Succeeded(out var tunnel, out var failure)) Dialog.Close(tunnel);
        else _errors.Take(failure);
    }

    /// <summary>What is no number goes to the service as it is, which says so.</summary>
    private static object? Number(string? text) => string.IsNullOrWhiteSpace(text) ? null : int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : text;

    private static string[] Words(string? text) => (text ?? "").Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
