using System.Text.Json.Nodes;

namespace Gateway.Contracts.Client;

/// <summary>/api/v1/tunnels.</summary>
public sealed class TunnelsClient
{
    private readonly GatewayClient _api;

    internal TunnelsClient(GatewayClient api) => _api = api;

    /// <summary>Tunnels, oldest first.</summary>
    public Task<ApiResult<Page<TunnelResponse>>> ListAsync(PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<TunnelResponse>>(Paths.With("tunnels", page), cancellationToken);

    /// <summary>A tunnel and how it runs.</summary>
    public Task<ApiResult<TunnelResponse>> GetAsync(string name, CancellationToken cancellationToken = default) =>
        _api.GetAsync<TunnelResponse>($"tunnels/{Paths.Escape(name)}", cancellationToken);

    /// <summary>Makes a tunnel.</summary>
    public Task<ApiResult<TunnelResponse>> CreateAsync(TunnelSettings settings, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<TunnelResponse>(HttpMethod.Post, "tunnels", settings, change, cancellationToken);

    /// <summary>Merges a patch into a tunnel's settings (RFC 7396).</summary>
    public Task<ApiResult<TunnelResponse>> UpdateAsync(string name, JsonObject patch, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<TunnelResponse>(HttpMethod.Patch, $"tunnels/{Paths.Escape(name)}", patch, change, cancellationToken);

    /// <summary>Deletes a tunnel with its peers and routes.</summary>
    public Task<ApiResult<TunnelResponse>> DeleteAsync(string name, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<TunnelResponse>(HttpMethod.Delete, $"tunnels/{Paths.Escape(name)}", null, change, cancellationToken);

    /// <summary>Writes one crafted packet.</summary>
    public Task<ApiResult<PacketResponse>> WritePacketAsync(string name, PacketRequest packet, CancellationToken cancellationToken = default) =>
        _api.SendAsync<PacketResponse>(HttpMethod.Post, $"tunnels/{Paths.Escape(name)}/packets", packet, null, cancellationToken);
}
