using System.Net.Http.Headers;

namespace Gateway.Contracts.Client;

/// <summary>/api/v1/backup and /api/v1/restore.</summary>
public sealed class BackupClient
{
    private readonly GatewayClient _api;

    internal BackupClient(GatewayClient api) => _api = api;

    /// <summary>Everything as one encrypted file. The caller disposes of the answer, whose content is the file.</summary>
    public Task<ApiResult<HttpResponseMessage>> CreateAsync(BackupRequest request, CancellationToken cancellationToken = default) =>
        _api.OpenAsync(HttpMethod.Post, "backup", request, cancellationToken);

    /// <summary>Replaces everything by what the file holds.</summary>
    public Task<ApiResult<RestoreResponse>> RestoreAsync(Stream file, string passphrase, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        var content = new StreamContent(file) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        // A header is ASCII, so the passphrase goes percent-encoded.
        return _api.SendAsync<RestoreResponse>(HttpMethod.Post, "restore", content, new ChangeOptions { Headers = [("Gateway-Passphrase", Uri.EscapeDataString(passphrase))] }, cancellationToken);
    }
}
