using System.Text.Json.Nodes;

namespace Gateway.Contracts.Client;

/// <summary>/api/v1/routes and /api/v1/peers/{id}/routes.</summary>
public sealed class RoutesClient
{
    private readonly GatewayClient _api;

    internal RoutesClient(GatewayClient api) => _api = api;

    /// <summary>The routes of all peers, oldest first.</summary>
    public Task<ApiResult<Page<RouteResponse>>> ListAsync(PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<RouteResponse>>(Paths.With("routes", page), cancellationToken);

    /// <summary>The routes of one peer.</summary>
    public Task<ApiResult<Page<RouteResponse>>> ListOfPeerAsync(Guid peer, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<RouteResponse>>(Paths.With($"peers/{peer}/routes", page), cancellationToken);

    /// <summary>One route.</summary>
    public Task<ApiResult<RouteResponse>> GetAsync(Guid id, CancellationToken cancellationToken = default) => _api.GetAsync<RouteResponse>($"routes/{id}", cancellationToken);

    /// <summary>Merges a patch into a route's settings (RFC 7396).</summary>
    public Task<ApiResult<RouteResponse>> UpdateAsync(Guid id, JsonObject patch, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<RouteResponse>(HttpMethod.Patch, $"routes/{id}", patch, change, cancellationToken);

    /// <summary>Binds a prefix to a peer.</summary>
    public Task<ApiResult<RouteResponse>> CreateAsync(Guid peer, RouteSettings settings, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<RouteResponse>(HttpMethod.Post, $"peers/{peer}/routes", settings, change, cancellationToken);

    /// <summary>Takes a prefix from its peer.</summary>
    public Task<ApiResult<RouteResponse>> DeleteAsync(Guid id, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<RouteResponse>(HttpMethod.Delete, $"routes/{id}", null, change, cancellationToken);
}
