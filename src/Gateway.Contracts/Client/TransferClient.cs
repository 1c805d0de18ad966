namespace Gateway.Contracts.Client;

/// <summary>/api/v1/import and /api/v1/export.</summary>
public sealed class TransferClient
{
    private readonly GatewayClient _api;

    internal TransferClient(GatewayClient api) => _api = api;

    /// <summary>Takes wg-quick files over, all of them or none; as a preview it only tells what that would make.</summary>
    public Task<ApiResult<ImportResponse>> ImportAsync(ImportRequest request, bool preview, CancellationToken cancellationToken = default) =>
        _api.SendAsync<ImportResponse>(HttpMethod.Post, preview ? "import/preview" : "import", request, null, cancellationToken);

    /// <summary>Tunnels as wg-quick files in a zip. The caller disposes of the answer, whose content is the file.</summary>
    public Task<ApiResult<HttpResponseMessage>> ExportAsync(string? tunnel = null, CancellationToken cancellationToken = default) =>
        _api.OpenAsync(HttpMethod.Get, Paths.With("export", null, ("tunnel", tunnel)), null, cancellationToken);
}
