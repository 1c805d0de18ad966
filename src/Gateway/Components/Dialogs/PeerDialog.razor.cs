using System.Globalization;
using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Peers;
using Gateway.Features.Routes;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Gateway.Components.Dialogs;

/// <summary>Makes a peer and ends with its QR code, or changes one. Only a name has to be given.</summary>
public sealed partial class PeerDialog : ComponentBase
{
    private static readonly char[] Separators = [',', ' ', '\n'];

    private readonly FormErrors _errors = new();
    private string? _name, _tunnel, _routes, _addresses, _publicKey, _endpoint, _keepalive, _expires, _tags, _notes;
    private PeerResponse? _made;
    private bool _more, _busy, _dropKey;

    /// <summary>The one to change; null = make one.</summary>
    [Parameter]
    public PeerResponse? Peer { get; set; }

    /// <summary>Where one can be made.</summary>
    [Parameter]
    public IReadOnlyList<TunnelResponse> Tunnels { get; set; } = [];

    /// <summary>The tunnel to begin with.</summary>
    [Parameter]
    public string? Tunnel { get; set; }

    [CascadingParameter]
    private IMudDialogInstance Dialog { get; set; } = default!;

    [Inject]
    private PeerService Service { get; set; } = default!;

    [Inject]
    private RouteService Routes { get; set; } = default!;

    private (string, string)[] Tunnels_ => [.. Tunnels.Select(t => (t.Name, t.Name))];

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        _tunnel = Tunnel ?? (Tunnels is [var first, ..] ? first.Name : null);
        if (Peer is null) return;
        (_more, _dropKey) = (true, Peer.DropKeyAfterDownload);
        (_name, _publicKey, _endpoint, _notes) = (Peer.Name, Peer.PublicKey, Peer.Endpoint, Peer.Notes);
        _addresses = string.Join(", ", Peer.Addresses);
        _tags = string.Join(", ", Peer.Tags);
        _keepalive = Peer.KeepaliveSeconds == 0 ? null : Peer.KeepaliveSeconds.ToString(CultureInfo.InvariantCulture);
        _expires = Peer.ExpiresAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture);
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        _errors.Take(Peer is null ? await CreateAsync() : await ChangeAsync(Peer));
        _busy = false;
    }

    private async Task<Failure?> ChangeAsync(PeerResponse peer)
    {
        var body = JsonBody<PeerSettings>.Of([.. Members(), ("name", _name?.Trim()), ("addresses", Words(_addresses))]);
        if ((await Service.UpdateAsync(peer.Id, body, ETags.Of(peer.Revision), CancellationToken.None)).Succeeded(out var changed, out var failure)) Dialog.Close(changed);
        return failure;
    }

    private async Task<Failure?> CreateAsync()
    {
        if (!JsonBody<PeerSettings>.Of([.. Members(), ("name", _name?.Trim())]).Read().Succeeded(out var settings, out var malformed)) return malformed;
        if (Words(_addresses) is { Length: > 0 } addresses) settings = settings with { Addresses = addresses };
        if (string.IsNullOrWhiteSpace(_keepalive)) settings = settings with { KeepaliveSeconds = null };
        if (!(await Service.CreateAsync(_tunnel ?? "", settings, CancellationToken.None)).Succeeded(out var made, out var failure)) return failure;
        // The peer is there: a route that is refused is told beside its config.
        _made = made;
        var refused = new List<FieldError>();
        foreach (var prefix in Words(_routes))
        {
            if (!(await Routes.CreateAsync(made.Id, new RouteSettings { Prefix = prefix, InstallOn = InstallOn.Client }, CancellationToken.None)).Succeeded(out _, out var wrong))
                refused.AddRange(wrong.Errors.Select(e => e with { Field = "route" }));
        }

        return refused.Count == 0 ? null : Failure.Of(FailureKind.Rule, refused);
    }

    private (string, object?)[] Members() =>
    [
        ("publicKey", Text(_publicKey)), ("endpoint", Text(_endpoint)), ("notes", _notes ?? ""), ("dropKeyAfterDownload", _dropKey),
        ("keepaliveSeconds", string.IsNullOrWhiteSpace(_keepalive) ? 0 : int.TryParse(_keepalive, CultureInfo.InvariantCulture, out var seconds) ? seconds : _keepalive),
        ("expiresAt", string.IsNullOrWhiteSpace(_expires) ? null
            : DateTimeOffset.TryParse(_expires, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : _expires),
        ("tags", (_tags ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
    ];

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static string[] Words(string? text) => (text ?? "").Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
