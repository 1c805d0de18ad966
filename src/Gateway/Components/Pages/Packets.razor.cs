using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Features.Packets.Capture;
using Gateway.Features.Status;
using Gateway.Live;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web.Virtualization;
using Microsoft.JSInterop;

namespace Gateway.Components.Pages;

/// <summary>Decrypted packets as they pass, newest first. Choosing one holds the list still; what comes meanwhile waits.</summary>
public sealed partial class Packets : DashboardPage
{
    /// <summary>What the page remembers; the oldest go first.</summary>
    private const int MostRows = 5_000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly List<PacketRow> _rows = [];
    private readonly List<PacketRow> _waiting = [];
    private IReadOnlyList<TunnelResponse> _tunnels = [];
    private Virtualize<PacketRow>? _list;
    private PacketRow? _chosen;
    private PacketsQuery? _watched;
    private Failure? _failure;
    private long _skipped;
    private bool _paused;

    /// <summary>In tcpdump's language.</summary>
    [SupplyParameterFromQuery]
    public string? Filter { get; set; }

    /// <summary>Only of this tunnel.</summary>
    [SupplyParameterFromQuery]
    public string? Tunnel { get; set; }

    /// <summary>Only of this peer.</summary>
    [SupplyParameterFromQuery]
    public string? Peer { get; set; }

    /// <summary>Only those passed, or not.</summary>
    [SupplyParameterFromQuery]
    public string? Verdict { get; set; }

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    [Inject]
    private StatusService Status { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    [Inject]
    private IJSRuntime Script { get; set; } = default!;

    private bool MaySee => Caller.May(Permission.SeePackets);

    private (string, string)[] Tunnels_ => [("", L["AllTunnels"]), .. _tunnels.Select(t => (t.Name, t.Name))];

    private (string, string)[] Verdicts => [("", L["AnyVerdict"]), (PacketVerdicts.Passed, L["Passed"]), (PacketVerdicts.Dropped, L["Dropped"])];

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        if ((await Status.GetAsync(Leaving)).Succeeded(out var status, out _)) _tunnels = status.Tunnels;
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var query = new PacketsQuery { Filter = Filter, Tunnel = Tunnel, Peer = Peer, Verdict = Verdict };
        if (!RendererInfo.IsInteractive || !MaySee || query == _watched) return;
        _watched = query;
        Forget();
        _failure = Watch(cancellation => Feed.Packets(query, cancellation), ShowAsync, Pause);
    }

    private ValueTask<ItemsProviderResult<PacketRow>> Rows(ItemsProviderRequest request)
    {
        var newest = _rows.Count - 1 - request.StartIndex;
        return ValueTask.FromResult(new ItemsProviderResult<PacketRow>(
            Enumerable.Range(0, Math.Max(0, Math.Min(request.Count, newest + 1))).Select(i => _rows[newest - i]).ToList(), _rows.Count));
    }

    private async Task ShowAsync(PacketsUpdate update)
    {
        _skipped += update.Skipped;
        var target = _paused || _chosen is not null ? _waiting : _rows;
        target.AddRange(update.Packets);
        if (target.Count > MostRows) target.RemoveRange(0, target.Count - MostRows);
        if (ReferenceEquals(target, _rows) && update.Packets.Count > 0) await RefreshAsync();
    }

    private async Task RefreshAsync()
    {
        if (_list is not null) await _list.RefreshDataAsync();
    }

    private async Task TogglePause()
    {
        _paused = !_paused;
        if (_paused) return;
        _chosen = null;
        _rows.AddRange(_waiting);
        _waiting.Clear();
        if (_rows.Count > MostRows) _rows.RemoveRange(0, _rows.Count - MostRows);
        await RefreshAsync();
    }

    private void Choose(PacketRow row) => (_chosen, _paused) = (row, true);

    private async Task ClearAsync()
    {
        Forget();
        await RefreshAsync();
    }

    private void Forget()
    {
        _rows.Clear();
        _waiting.Clear();
        (_chosen, _skipped) = (null, 0);
    }

    private async Task DownloadAsync()
    {
        using var stream = new DotNetStreamReference(new MemoryStream(PcapNgFile.Of(_rows)));
        await Script.InvokeVoidAsync("gateway.download", "gateway.pcapng", "application/x-pcapng", stream);
    }
}
