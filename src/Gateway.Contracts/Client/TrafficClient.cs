using Gateway.Contracts.Live;

namespace Gateway.Contracts.Client;

/// <summary>What goes through the tunnels: flows, drops, packets, and what was: events and history.</summary>
public sealed class TrafficClient
{
    private readonly GatewayClient _api;

    internal TrafficClient(GatewayClient api) => _api = api;

    /// <summary>Conversations inside the tunnels. The filter is an expression of docs/live.md.</summary>
    public Task<ApiResult<Page<FlowRow>>> ListFlowsAsync(string? filter = null, string? sort = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<FlowRow>>(Paths.With("flows", page, ("filter", filter), ("sort", sort)), cancellationToken);

    /// <summary>What was not passed on. The filter is an expression of docs/live.md.</summary>
    public Task<ApiResult<Page<DropRow>>> ListDropsAsync(string? filter = null, string? sort = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<DropRow>>(Paths.With("drops", page, ("filter", filter), ("sort", sort)), cancellationToken);

    /// <summary>What happened, newest first. The filter is an expression of docs/live.md.</summary>
    public Task<ApiResult<Page<EventRow>>> ListEventsAsync(string? filter = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<EventRow>>(Paths.With("events", page, ("filter", filter)), cancellationToken);

    /// <summary>What passed over time: of a tunnel, of a peer (id or name), or of all; the last hour by minute where nothing is said. Steps are <see cref="HistorySteps"/>.</summary>
    public Task<ApiResult<HistoryResponse>> GetHistoryAsync(
        string? tunnel = null, string? peer = null, DateTimeOffset? from = null, DateTimeOffset? to = null, string? step = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<HistoryResponse>(Paths.With("history", null, ("tunnel", tunnel), ("peer", peer), ("from", from?.ToString("O")), ("to", to?.ToString("O")), ("step", step)), cancellationToken);

    /// <summary>Packets as they pass, as a pcapng file. The caller disposes of the answer, which ends the capture.</summary>
    public Task<ApiResult<HttpResponseMessage>> CaptureAsync(PacketsQuery query, int? count = null, int? seconds = null, CancellationToken cancellationToken = default) =>
        OpenAsync("packets.pcapng", query, count, seconds, cancellationToken);

    /// <summary>Packets as they pass, a <see cref="PacketRow"/> in JSON a line. The caller disposes of the answer, which ends the stream.</summary>
    public Task<ApiResult<HttpResponseMessage>> StreamAsync(PacketsQuery query, int? count = null, int? seconds = null, CancellationToken cancellationToken = default) =>
        OpenAsync("packets", query, count, seconds, cancellationToken);

    private Task<ApiResult<HttpResponseMessage>> OpenAsync(string path, PacketsQuery query, int? count, int? seconds, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        return _api.OpenAsync(HttpMethod.Get, Paths.With(path, null, ("filter", query.Filter), ("tunnel", query.Tunnel), ("peer", query.Peer), ("verdict", query.Verdict), ("count", count), ("seconds", seconds)), null, cancellationToken);
    }
}
