using System.Globalization;
using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Explain;
using Gateway.Features.Explain.Probes;
using Gateway.Features.Explain.Questions;
using Gateway.Features.Explain.Remedies;
using Gateway.Features.Peers;
using Gateway.Security;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>The way of a packet and of its answer, hop by hop, with what mends it; and a real packet on the same way.</summary>
public sealed partial class Explain : DashboardPage
{
    private readonly FormErrors _errors = new();
    private readonly List<AppliedRemedy> _applied = [];
    private IReadOnlyList<RecentQuestion> _recent = [];
    private string? _peer, _source, _destination, _port;
    private string _protocol = ExplainProtocols.Icmp;
    private ExplainRequest? _asked;
    private Explanation? _explanation;
    private ProbeResult? _probe;
    private bool _busy, _probing;

    /// <summary>The peer that sends: its id, its name, or tunnel/name.</summary>
    [SupplyParameterFromQuery(Name = "peer")]
    public string? AskedPeer { get; set; }

    /// <summary>The inner source.</summary>
    [SupplyParameterFromQuery(Name = "source")]
    public string? AskedSource { get; set; }

    /// <summary>The inner destination.</summary>
    [SupplyParameterFromQuery(Name = "destination")]
    public string? AskedDestination { get; set; }

    /// <summary>icmp, tcp or udp.</summary>
    [SupplyParameterFromQuery(Name = "protocol")]
    public string? AskedProtocol { get; set; }

    /// <summary>The destination port.</summary>
    [SupplyParameterFromQuery(Name = "port")]
    public string? AskedPort { get; set; }

    [Inject]
    private ExplainService Service { get; set; } = default!;

    [Inject]
    private ProbeService Probes { get; set; } = default!;

    [Inject]
    private RecentQuestions Questions { get; set; } = default!;

    [Inject]
    private PeerTable Peers { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayExplain => Caller.May(Permission.Explain);

    private bool HasPort => _protocol != ExplainProtocols.Icmp;

    private (string, string)[] Protocols => [(ExplainProtocols.Icmp, L["Icmp"]), (ExplainProtocols.Tcp, "TCP"), (ExplainProtocols.Udp, "UDP")];

    private ExplainedHop? Culprit => _explanation?.Hops.FirstOrDefault(hop => hop.Id == _explanation.Culprit);

    /// <inheritdoc/>
    protected override Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    protected override async Task OnParametersSetAsync()
    {
        var asked = new ExplainRequest { Peer = AskedPeer, Source = AskedSource, Destination = AskedDestination, Protocol = AskedProtocol, Port = ReadPort(AskedPort) };
        if (!RendererInfo.IsInteractive || !MayExplain || asked == _asked) return;
        _asked = asked;
        (_peer, _source, _destination, _port) = (AskedPeer, AskedSource, AskedDestination, AskedPort);
        _protocol = AskedProtocol ?? ExplainProtocols.Icmp;
        (_explanation, _probe) = (null, null);
        _errors.Take(null);
        _errors.ShowsItself("peer");
        if (AskedPeer is null) return;
        await ReadRecentAsync(AskedPeer);
        if (AskedDestination is not null) await ExplainAsync();
        // Asked about a peer as a whole: about what it tried, then.
        else if (_recent is [var first, ..] && Text(_destination) is null) Navigation.NavigateTo(ExplainLink.Of(first.Request), replace: true);
    }

    private async Task ReadRecentAsync(string peer)
    {
        if ((await Questions.FindAsync(peer, Leaving)).Succeeded(out var found, out var failure)) _recent = found;
        else _errors.Take(failure);
    }

    private async Task<IEnumerable<string>> SearchAsync(string? text, CancellationToken cancellationToken)
    {
        var name = text is null ? null : text[(text.IndexOf('/', StringComparison.Ordinal) + 1)..];
        var query = new PeerTableQuery(new PeerFilter { Search = string.IsNullOrWhiteSpace(name) ? null : name }, null, PeerTable.Name);
        return (await Peers.ReadAsync(query, 0, 20, cancellationToken)).Succeeded(out var slice, out _) ? slice.Peers.Select(peer => $"{peer.Tunnel}/{peer.Name}") : [];
    }

    private async Task AskAsync()
    {
        if (_busy) return;
        var request = Written();
        if (request == _asked) await ExplainAsync();
        else Navigation.NavigateTo(ExplainLink.Of(request));
    }

    // What is no number goes to the service as one that is none, which says so.
    private ExplainRequest Written() => new()
    {
        Peer = Text(_peer),
        Source = Text(_source),
        Destination = Text(_destination),
        Protocol = _protocol,
        Port = HasPort ? ReadPort(_port) : null,
    };

    private async Task ExplainAsync()
    {
        _busy = true;
        var explained = await Service.ExplainAsync(_asked!, Leaving);
        _busy = false;
        if (explained.Succeeded(out _explanation, out var failure)) Fill(_explanation.Packet);
        _errors.Take(failure);
    }

    private async Task ProbeAsync()
    {
        if (_probing || _asked is null) return;
        (_probing, _probe) = (true, null);
        var sent = await Probes.SendAsync(_asked, Leaving);
        _probing = false;
        if (sent.Succeeded(out _probe, out var failure)) _explanation = _probe.Explanation;
        _errors.Take(failure);
    }

    private async Task AppliedAsync(AppliedRemedy applied)
    {
        _applied.Add(applied);
        _probe = null;
        await ExplainAsync();
    }

    private async Task UndoneAsync(AppliedRemedy applied)
    {
        _applied.Remove(applied);
        _probe = null;
        await ExplainAsync();
    }

    // What was left out stands in the form as it was taken; what a person has typed meanwhile stays.
    private void Fill(ExplainedPacket packet)
    {
        if (Text(_source) is null) _source = packet.Source;
        if (_peer == _asked!.Peer) _peer = $"{packet.Tunnel}/{packet.PeerName}";
    }

    private string Words(ExplainRequest request) => request.Protocol == ExplainProtocols.Icmp ? L["Ping", request.Destination!] : $"{request.Protocol} {request.Destination} {request.Port}";

    private static int? ReadPort(string? text) => string.IsNullOrWhiteSpace(text) ? null : int.TryParse(text.Trim(), CultureInfo.InvariantCulture, out var port) ? port : -1;

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
