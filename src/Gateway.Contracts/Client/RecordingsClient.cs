namespace Gateway.Contracts.Client;

/// <summary>What the flight recorder froze.</summary>
public sealed class RecordingsClient
{
    private readonly GatewayClient _api;

    internal RecordingsClient(GatewayClient api) => _api = api;

    /// <summary>Recordings, newest first; of one peer (id or name), or of all.</summary>
    public Task<ApiResult<Page<RecordingSummary>>> ListAsync(string? peer = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Page<RecordingSummary>>(Paths.With("recordings", page, ("peer", peer)), cancellationToken);

    /// <summary>One recording with its packets.</summary>
    public Task<ApiResult<RecordingResponse>> GetAsync(long id, CancellationToken cancellationToken = default) => _api.GetAsync<RecordingResponse>($"recordings/{id}", cancellationToken);

    /// <summary>Its packets as a pcapng file. The caller disposes of the answer.</summary>
    public Task<ApiResult<HttpResponseMessage>> DownloadAsync(long id, CancellationToken cancellationToken = default) =>
        _api.OpenAsync(HttpMethod.Get, $"recordings/{id}/pcapng", null, cancellationToken);
}
