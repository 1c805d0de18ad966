using System.Globalization;
using Gateway.Contracts;
using Gateway.Features.Tunnels;
using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Controls;

/// <summary>What becomes of a tunnel's packets behind it and what its clients are told: NAT, segment size, MTU, names. Changed in place, with what follows shown before it is saved.</summary>
public sealed partial class TunnelNetwork : ComponentBase, IDisposable
{
    private const string Address = "address";
    private static readonly TimeSpan TypingPause = TimeSpan.FromMilliseconds(400);
    private static readonly char[] Separators = [',', ' ', '\n'];

    private readonly FormErrors _errors = new();
    private readonly List<Rule> _nat = [];
    private string? _mtu, _keepalive, _dns, _search;
    private bool _clampMss, _editing, _busy;
    private long _revision;
    private PlanResponse? _plan;
    private CancellationTokenSource? _typing;

    /// <summary>The tunnel.</summary>
    [Parameter, EditorRequired]
    public required TunnelResponse Tunnel { get; set; }

    /// <summary>Whether the person may change it.</summary>
    [Parameter]
    public bool MayChange { get; set; }

    /// <summary>Called with the tunnel as it is after a change.</summary>
    [Parameter]
    public EventCallback<TunnelResponse> Changed { get; set; }

    [Inject]
    private TunnelService Service { get; set; } = default!;

    [Inject]
    private ChangePreview Preview { get; set; } = default!;

    private (string, string)[] Kinds => [(NatTargets.Masquerade, L["Masquerade"]), (NatTargets.None, L["Unchanged"]), (Address, L["ToAddress"])];

    /// <inheritdoc/>
    public void Dispose()
    {
        _typing?.Cancel();
        _typing?.Dispose();
    }

    private void Edit()
    {
        _nat.Clear();
        _nat.AddRange(Tunnel.Nat.Select(rule => new Rule
        {
            Prefix = rule.Prefix,
            Kind = rule.To is null or NatTargets.Masquerade ? NatTargets.Masquerade : rule.To == NatTargets.None ? NatTargets.None : Address,
            To = rule.To is null or NatTargets.Masquerade or NatTargets.None ? null : rule.To,
        }));
        (_clampMss, _mtu) = (Tunnel.ClampMss, Tunnel.MtuAutomatic ? null : Tunnel.Mtu.ToString(CultureInfo.InvariantCulture));
        _keepalive = Tunnel.KeepaliveSeconds == 0 ? null : Tunnel.KeepaliveSeconds.ToString(CultureInfo.InvariantCulture);
        (_dns, _search) = (string.Join(", ", Tunnel.DnsServers), string.Join(", ", Tunnel.SearchDomains));
        _errors.Take(null);
        (_editing, _plan, _revision) = (true, new PlanResponse([]), Tunnel.Revision);
    }

    private void Leave()
    {
        _typing?.Cancel();
        _editing = false;
    }

    private Task AddAsync()
    {
        _nat.Add(new Rule { Prefix = _nat.Count == 0 ? "0.0.0.0/0" : null });
        return LookAheadAsync();
    }

    private Task RemoveAsync(Rule rule)
    {
        _nat.Remove(rule);
        return LookAheadAsync();
    }

    // A moment after the last key, so that half an address is not complained of.
    private async Task LookAheadAsync()
    {
        _typing?.Cancel();
        _typing?.Dispose();
        _typing = new CancellationTokenSource();
        var typing = _typing.Token;
        await Task.Delay(TypingPause, Clock, typing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (typing.IsCancellationRequested) return;
        var body = Body();
        var tried = await Preview.TryAsync<TunnelService>(async service => (await service.UpdateAsync(Tunnel.Name, body, null, typing)).Failure);
        if (typing.IsCancellationRequested) return;
        tried.Succeeded(out _plan, out var failure);
        _errors.Take(failure);
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _typing?.Cancel();
        _busy = true;
        var saved = await Service.UpdateAsync(Tunnel.Name, Body(), ETags.Of(_revision), CancellationToken.None);
        _busy = false;
        _errors.Take(saved.Failure);
        if (!saved.Succeeded(out var changed, out _)) return;
        _editing = false;
        await Changed.InvokeAsync(changed);
    }

    private JsonBody<TunnelSettings> Body() => JsonBody<TunnelSettings>.Of(
        ("nat", _nat.ConvertAll(rule => new NatRule { Prefix = rule.Prefix?.Trim(), To = rule.Kind == Address ? rule.To?.Trim() ?? "" : rule.Kind })),
        ("clampMss", _clampMss), ("mtu", Number(_mtu)), ("keepaliveSeconds", Number(_keepalive)), ("dnsServers", Split(_dns)), ("searchDomains", Split(_search)));

    private string Words(NatRule rule) => rule.To switch
    {
        null or NatTargets.Masquerade => L["MasqueradeWords"],
        NatTargets.None => L["UnchangedWords"],
        _ => L["ToAddressWords", rule.To],
    };

    // What is no number goes to the service as it is, which says so.
    private static object? Number(string? text) => string.IsNullOrWhiteSpace(text) ? null : int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : text;

    private static string[] Split(string? text) => (text ?? "").Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>A NAT rule being written.</summary>
    private sealed class Rule
    {
        public string? Prefix { get; set; }

        public string Kind { get; set; } = NatTargets.Masquerade;

        public string? To { get; set; }
    }
}
