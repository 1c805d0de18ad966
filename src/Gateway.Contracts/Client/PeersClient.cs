using System.Text.Json.Nodes;

namespace Gateway.Contracts.Client;

/// <summary>/api/v1/peers and /api/v1/tunnels/{name}/peers.</summary>
public sealed class PeersClient
{
    private readonly GatewayClient _api;

    internal PeersClient(GatewayClient api) => _api = api;

    /// <summary>Peers, of all tunnels or of one, in an order of <see cref="PeerOrders"/>.</summary>
    public Task<ApiResult<Page<PeerResponse>>> ListAsync(PeerFilter? filter = null, string? sort = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<PeerResponse>>(
            Paths.With(filter?.Tunnel is { } tunnel ? $"tunnels/{Paths.Escape(tunnel)}/peers" : "peers", page,
                ("search", filter?.Search), ("tag", filter?.Tag), ("enabled", filter?.Enabled), ("sort", sort)), cancellationToken);

    /// <summary>The tags in use.</summary>
    public Task<ApiResult<IReadOnlyList<string>>> ListTagsAsync(CancellationToken cancellationToken = default) => _api.GetAsync<IReadOnlyList<string>>("peers/tags", cancellationToken);

    /// <summary>A peer and how it does.</summary>
    public Task<ApiResult<PeerResponse>> GetAsync(Guid id, CancellationToken cancellationToken = default) => _api.GetAsync<PeerResponse>($"peers/{id}", cancellationToken);

    /// <summary>Makes a peer.</summary>
    public Task<ApiResult<PeerResponse>> CreateAsync(string tunnel, PeerSettings settings, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<PeerResponse>(HttpMethod.Post, $"tunnels/{Paths.Escape(tunnel)}/peers", settings, change, cancellationToken);

    /// <summary>Merges a patch into a peer's settings (RFC 7396).</summary>
    public Task<ApiResult<PeerResponse>> UpdateAsync(Guid id, JsonObject patch, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<PeerResponse>(HttpMethod.Patch, $"peers/{id}", patch, change, cancellationToken);

    /// <summary>Deletes a peer with its routes.</summary>
    public Task<ApiResult<PeerResponse>> DeleteAsync(Guid id, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<PeerResponse>(HttpMethod.Delete, $"peers/{id}", null, change, cancellationToken);

    /// <summary>Changes many peers: all of them or none.</summary>
    public Task<ApiResult<BulkResponse>> ChangeManyAsync(BulkRequest request, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<BulkResponse>(HttpMethod.Post, "peers/bulk", request, change, cancellationToken);

    /// <summary>Gives a peer a new key; the one in use works on for a while.</summary>
    public Task<ApiResult<PeerResponse>> RotateKeysAsync(Guid id, RotateKeysRequest request, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<PeerResponse>(HttpMethod.Post, $"peers/{id}/keys", request, change, cancellationToken);

    /// <summary>The peer's wg-quick file, with its keys.</summary>
    public Task<ApiResult<string>> GetConfigAsync(Guid id, CancellationToken cancellationToken = default) => _api.GetAsync<string>($"peers/{id}/config", cancellationToken);

    /// <summary>The one-time links to a peer's config that can still be used.</summary>
    public Task<ApiResult<IReadOnlyList<ConfigLinkResponse>>> ListLinksAsync(Guid id, CancellationToken cancellationToken = default) =>
        _api.GetAsync<IReadOnlyList<ConfigLinkResponse>>($"peers/{id}/links", cancellationToken);

    /// <summary>Makes a link that gives the peer's config once, to whoever has it.</summary>
    public Task<ApiResult<ConfigLinkResponse>> CreateLinkAsync(Guid id, ConfigLinkSettings settings, CancellationToken cancellationToken = default) =>
        _api.SendAsync<ConfigLinkResponse>(HttpMethod.Post, $"peers/{id}/links", settings, null, cancellationToken);

    /// <summary>Makes a one-time link useless.</summary>
    public Task<ApiResult<ConfigLinkResponse>> DeleteLinkAsync(Guid id, Guid link, CancellationToken cancellationToken = default) =>
        _api.SendAsync<ConfigLinkResponse>(HttpMethod.Delete, $"peers/{id}/links/{link}", null, null, cancellationToken);
}
