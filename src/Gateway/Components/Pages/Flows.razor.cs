using Gateway.Components.Controls;
using Gateway.Contracts.Live;
using Gateway.Features.Flows;
using Gateway.Live;
using Gateway.Security;
using Gateway.Web;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>Who talks to what, live.</summary>
public sealed partial class Flows : DashboardPage
{
    private const string DefaultOrder = "-rate";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(400);

    private FlowsUpdate? _now;
    private Failure? _failure;
    private FlowsQuery? _watched;
    private bool _paused;

    /// <summary>An expression of the filter language.</summary>
    [SupplyParameterFromQuery]
    public string? Filter { get; set; }

    /// <summary>What the rows are sorted by.</summary>
    [SupplyParameterFromQuery(Name = "sort")]
    public string? Sort { get; set; }

    /// <summary>picture = who talks to whom; else the table.</summary>
    [SupplyParameterFromQuery]
    public string? View { get; set; }

    [Inject]
    private LiveFeed Feed { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool IsPicture => View == "picture";

    private string Order => Sort ?? DefaultOrder;

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var query = new FlowsQuery { Filter = Filter, Sort = Order, Limit = IsPicture ? FlowsQuery.MaxLimit : null };
        if (!RendererInfo.IsInteractive || query == _watched) return;
        _watched = query;
        _failure = Watch(cancellation => Feed.Flows(query, cancellation), ShowAsync, Pause);
    }

    private Task ShowAsync(FlowsUpdate update)
    {
        if (!_paused || _now is null) _now = update;
        return Task.CompletedTask;
    }

    private void SetOrder(string order) => SetQuery("sort", order == DefaultOrder ? null : order);

    private (int, IReadOnlyList<string>) Complete(string text)
    {
        var completion = FlowFields.Language.Complete(text, text.Length, Known);
        return (completion.Start, completion.Words);
    }

    // Names that are on the page already.
    private IEnumerable<string> Known(string field) => (_now?.Flows ?? []).Select(f => field switch
    {
        "peer" => f.Peer,
        "tunnel" => f.Tunnel,
        "src" => f.Source,
        "dst" => f.Destination,
        _ => null,
    }).OfType<string>().Distinct();

    internal static string End(string address, int port, string protocol) =>
        port == 0 || protocol.StartsWith("icmp", StringComparison.Ordinal) ? address : address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";

    private string Exact(long bytes, long packets) => L["Exact", Format.Count(bytes), Format.Count(packets)];

    private static string RoundTrip(FlowRow flow) => (flow.RoundTripToPeerMs, flow.RoundTripToOtherMs) switch
    {
        (null, null) => "",
        ({ } peer, { } other) => $"{Format.Milliseconds(peer)} + {Format.Milliseconds(other)}",
        var (peer, other) => Format.Milliseconds((peer ?? other)!.Value),
    };

    // One packet may just have been sent.
    private string? WhyOf(FlowRow flow) => flow.PacketsToPeer == 0 && flow.PacketsFromPeer > 1 && Caller.May(Permission.Explain) ? ExplainLink.Of(flow) : null;

    internal static string PacketsOf(FlowRow flow) => $"/packets?tunnel={Uri.EscapeDataString(flow.Tunnel)}&filter={Uri.EscapeDataString(Conversation.Filter(flow))}";
}
