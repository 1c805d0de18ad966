using System.Text.Json.Nodes;

namespace Gateway.Contracts.Client;

/// <summary>/api/v1/interfaces and /api/v1/host.</summary>
public sealed class InterfacesClient
{
    private readonly GatewayClient _api;

    internal InterfacesClient(GatewayClient api) => _api = api;

    /// <summary>Kernel devices with their settings.</summary>
    public Task<ApiResult<Page<InterfaceResponse>>> ListAsync(PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<InterfaceResponse>>(Paths.With("interfaces", page), cancellationToken);

    /// <summary>One kernel device.</summary>
    public Task<ApiResult<InterfaceResponse>> GetAsync(string name, CancellationToken cancellationToken = default) =>
        _api.GetAsync<InterfaceResponse>($"interfaces/{Paths.Escape(name)}", cancellationToken);

    /// <summary>Merges a patch into what is wanted of a device (RFC 7396); null leaves it to the host again.</summary>
    public Task<ApiResult<InterfaceResponse>> UpdateAsync(string name, JsonObject patch, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<InterfaceResponse>(HttpMethod.Patch, $"interfaces/{Paths.Escape(name)}", patch, change, cancellationToken);

    /// <summary>The host-wide settings.</summary>
    public Task<ApiResult<HostResponse>> GetHostAsync(CancellationToken cancellationToken = default) => _api.GetAsync<HostResponse>("host", cancellationToken);

    /// <summary>Merges a patch into what is wanted of the whole host (RFC 7396); null leaves it to others again.</summary>
    public Task<ApiResult<HostResponse>> UpdateHostAsync(JsonObject patch, ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<HostResponse>(HttpMethod.Patch, "host", patch, change, cancellationToken);

    /// <summary>Puts back everything that was found before it was set here.</summary>
    public Task<ApiResult<HostResponse>> RestoreHostAsync(ChangeOptions? change = null, CancellationToken cancellationToken = default) =>
        _api.SendAsync<HostResponse>(HttpMethod.Post, "host/restore", null, change, cancellationToken);
}
