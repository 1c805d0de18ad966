using Gateway.Components.Controls;
using Gateway.Components.Dialogs;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Features.Peers;
using Gateway.Features.Status;
using Gateway.Live;
using Gateway.Reconcile;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web.Virtualization;
using MudBlazor;

namespace Gateway.Components.Pages;

/// <summary>All peers, however many: pieces are read as they are scrolled to, and what is seen is live.</summary>
public sealed partial class Peers : DashboardPage
{
    private const int MostRates = 30;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly HashSet<Guid> _selected = [];
    private readonly Dictionary<Guid, PeerRow> _live = [];
    private readonly Dictionary<Guid, Queue<double>> _rates = [];
    private IReadOnlyList<TunnelResponse>? _tunnels;
    private IReadOnlyList<string> _tags = [];
    private HashSet<Guid> _seen = [];
    private Virtualize<PeerResponse>? _list;
    private PeerTableQuery? _shown;
    private string? _read;
    private Failure? _failure;
    private int? _total;
    private bool _busy;

    /// <summary>A piece of a name or a tag, or the beginning of an address, a route or a key.</summary>
    [SupplyParameterFromQuery]
    public string? Search { get; set; }

    /// <summary>Only those in this state.</summary>
    [SupplyParameterFromQuery]
    public string? State { get; set; }

    /// <summary>Only those of this tunnel.</summary>
    [SupplyParameterFromQuery]
    public string? Tunnel { get; set; }

    /// <summary>Only those with this tag.</summary>
    [SupplyParameterFromQuery]
    public string? Tag { get; set; }

    /// <summary>What they are sorted by.</summary>
    [SupplyParameterFromQuery(Name = "sort")]
    public string? Sort { get; set; }

    /// <summary>Whether the form to make one opens at once.</summary>
    [SupplyParameterFromQuery]
    public bool Create { get; set; }

    /// <summary>Which are chosen, see <see cref="PeerSelection"/>.</summary>
    [SupplyParameterFromQuery]
    public string? Selected { get; set; }

    [Inject]
    private PeerTable Table { get; set; } = default!;

    [Inject]
    private PeerService Service { get; set; } = default!;

    [Inject]
    private PeerBulk Bulk { get; set; } = default!;

    [Inject]
    private StatusService Status { get; set; } = default!;

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    [Inject]
    private ChangePlans Plans { get; set; } = default!;

    [Inject]
    private IDialogService Dialogs { get; set; } = default!;

    [Inject]
    private ISnackbar Messages { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayChange => Caller.May(Permission.ChangePeers);

    private bool MayExplain => Caller.May(Permission.Explain);

    private bool IsFiltered => Search is not null || State is not null || Tunnel is not null || Tag is not null;

    private string Order => Sort is not null && PeerTable.Orders.Contains(Sort.TrimStart('-')) ? Sort : PeerTable.Name;

    private PeerTableQuery Query => new(new PeerFilter { Search = Search, Tunnel = Tunnel, Tag = Tag }, State, Order);

    private (string, string)[] States =>
        [("", L["AnyState"]), .. new[] { PeerStates.Working, PeerStates.ReceiveOnly, PeerStates.SendOnly, PeerStates.HandshakeOnly, PeerStates.Idle, PeerStates.Never }.Select(s => (s, L[$"state.{s}"].Value))];

    private (string, string)[] Tunnels_ => [("", L["AllTunnels"]), .. (_tunnels ?? []).Select(t => (t.Name, t.Name))];

    private (string, string)[] Tags_ => [("", L["AnyTag"]), .. _tags.Select(t => (t, t))];

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        _tunnels = (await Status.GetAsync(Leaving)).Succeeded(out var status, out _failure) ? status.Tunnels : [];
        await ReadTagsAsync();
        _failure ??= Watch(Feed.Peers, ShowAsync, Pause);
        if (Create && MayChange && _tunnels.Count > 0) await CreateAsync();
    }

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        if (Selected != _read) await ReadSelectionAsync();
        if (_shown is null || _shown == Query) return;
        Select([]);
        await RefreshAsync();
    }

    private async Task ReadTagsAsync()
    {
        if ((await Service.ListTagsAsync(Leaving)).Succeeded(out var tags, out _)) _tags = tags;
    }

    private async ValueTask<ItemsProviderResult<PeerResponse>> ReadAsync(ItemsProviderRequest request)
    {
        _shown = Query;
        if (!RendererInfo.IsInteractive) return new ItemsProviderResult<PeerResponse>([], 0);
        if (!(await Table.ReadAsync(_shown, request.StartIndex, request.Count, request.CancellationToken)).Succeeded(out var slice, out _failure)) slice = new PeerSlice([], 0);
        _seen = [.. slice.Peers.Select(p => p.Id)];
        if (_total != slice.Total)
        {
            _total = slice.Total;
            StateHasChanged();
        }

        return new ItemsProviderResult<PeerResponse>(slice.Peers, slice.Total);
    }

    private async Task RefreshAsync()
    {
        // Behind an empty list there is no table yet.
        _total = _total == 0 ? null : _total;
        StateHasChanged();
        if (_list is not null) await _list.RefreshDataAsync();
        StateHasChanged();
    }

    // Only what is on the screen is looked at.
    private Task ShowAsync(PeersUpdate update)
    {
        foreach (var row in update.Peers)
        {
            if (!_seen.Contains(row.Id)) continue;
            _live[row.Id] = row;
            if (!_rates.TryGetValue(row.Id, out var rates)) _rates.Add(row.Id, rates = new Queue<double>(MostRates));
            if (rates.Count == MostRates) rates.Dequeue();
            rates.Enqueue(row.ReceivedRate + row.SentRate);
        }

        if (_live.Count > 4 * Math.Max(50, _seen.Count))
        {
            foreach (var id in _live.Keys.Where(id => !_seen.Contains(id)).ToList())
            {
                _live.Remove(id);
                _rates.Remove(id);
            }
        }

        return Task.CompletedTask;
    }

    private Queue<double> RatesOf(Guid id) => _rates.GetValueOrDefault(id) ?? new Queue<double>();

    private static string Rate(PeerRow? live) => live is null || live.ReceivedRate + live.SentRate < 1 ? "" : Format.BitRate(live.ReceivedRate + live.SentRate);

    private void SetOrder(string order) => SetQuery("sort", order == PeerTable.Name ? null : order);

    private void Toggle(Guid id) => Select(_selected.Contains(id) ? [.. _selected.Where(other => other != id)] : [.. _selected, id]);

    private async Task SelectAllAsync(ChangeEventArgs e)
    {
        if (e.Value is not true) Select([]);
        else if ((await Table.FindAsync(Query, Leaving)).Succeeded(out var ids, out _failure)) Select(ids);
    }

    private void Select(IReadOnlyCollection<Guid> ids)
    {
        _selected.Clear();
        _selected.UnionWith(ids);
        _read = PeerSelection.Write(_selected, _total);
        if (Selected != _read) SetQuery("selected", _read);
    }

    // The address says something else than what was chosen here: a link, a reload, the browser's way back.
    private async Task ReadSelectionAsync()
    {
        _read = Selected;
        if (!RendererInfo.IsInteractive || !MayChange) return;
        _selected.Clear();
        if (Selected != PeerSelection.All) _selected.UnionWith(PeerSelection.Read(Selected));
        else if ((await Table.FindAsync(Query, Leaving)).Succeeded(out var ids, out _failure)) _selected.UnionWith(ids);
    }

    private async Task CreateAsync()
    {
        var dialog = await Dialogs.ShowAsync<PeerDialog>(null, new DialogParameters<PeerDialog> { { d => d.Tunnels, _tunnels }, { d => d.Tunnel, Tunnel } });
        await dialog.Result;
        await ReadTagsAsync();
        await RefreshAsync();
    }

    private async Task TagAsync()
    {
        var dialog = await Dialogs.ShowAsync<TagDialog>();
        if (await dialog.Result is { Canceled: false, Data: IReadOnlyList<string> tags }) await BulkAsync(BulkActions.Tag, tags);
        await ReadTagsAsync();
    }

    private async Task BulkAsync(string action, IReadOnlyList<string>? tags = null)
    {
        var request = new BulkRequest { Action = action, Ids = [.. _selected], Tags = tags };
        if (action is BulkActions.Delete or BulkActions.Disable)
        {
            if (!(await Plans.TryAsync(services => services.GetRequiredService<PeerBulk>().RunAsync(request, Leaving))).Succeeded(out var plan, out _failure)) return;
            var isDelete = action == BulkActions.Delete;
            if ((isDelete || plan.Breaks is { Flows: > 0 }) && !await Dialogs.ConfirmAsync(
                L.Many(isDelete ? "DeleteTitle" : "DisableTitle", _selected.Count), L[isDelete ? "DeleteText" : "DisableText"], isDelete ? S["Delete"] : L["Disable"], plan)) return;
        }

        _busy = true;
        var done = await Bulk.RunAsync(request, CancellationToken.None);
        _busy = false;
        if (!done.Succeeded(out var result, out _failure)) return;
        Messages.Add(L.Many("Changed", result.Changed), Severity.Success);
        Select([]);
        await RefreshAsync();
    }
}
