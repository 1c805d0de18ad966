using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Gateway.Contracts.Client;

/// <summary>
/// The API as methods. The <see cref="HttpClient"/> knows the gateway's address and the token. What the API refuses comes back as an
/// <see cref="ApiResult{T}"/> with its problem; only a gateway that cannot be reached is an exception (<see cref="HttpRequestException"/>).
/// </summary>
public sealed class GatewayClient
{
    /// <summary>The most items that one page has.</summary>
    public const int MaxPage = 1000;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private readonly HttpClient _http;

    /// <summary>Talks to the gateway at the client's base address.</summary>
    public GatewayClient(HttpClient http)
    {
        _http = http;
        Tunnels = new TunnelsClient(this);
        Peers = new PeersClient(this);
        Routes = new RoutesClient(this);
        Interfaces = new InterfacesClient(this);
        Traffic = new TrafficClient(this);
        Recordings = new RecordingsClient(this);
        Backup = new BackupClient(this);
        Accounts = new AccountsClient(this);
        Transfer = new TransferClient(this);
        Lab = new LabClient(this);
    }

    /// <summary>Tunnels.</summary>
    public TunnelsClient Tunnels { get; }

    /// <summary>Peers and their configs.</summary>
    public PeersClient Peers { get; }

    /// <summary>Routes.</summary>
    public RoutesClient Routes { get; }

    /// <summary>Kernel devices.</summary>
    public InterfacesClient Interfaces { get; }

    /// <summary>Flows, drops and packets.</summary>
    public TrafficClient Traffic { get; }

    /// <summary>What the flight recorder froze.</summary>
    public RecordingsClient Recordings { get; }

    /// <summary>Backup and restore.</summary>
    public BackupClient Backup { get; }

    /// <summary>Import and export.</summary>
    public TransferClient Transfer { get; }

    /// <summary>The lab's experiments.</summary>
    public LabClient Lab { get; }

    /// <summary>Users, tokens, the audit, and who is calling.</summary>
    public AccountsClient Accounts { get; }

    /// <summary>The whole at a glance.</summary>
    public Task<ApiResult<StatusResponse>> GetStatusAsync(CancellationToken cancellationToken = default) => GetAsync<StatusResponse>("status", cancellationToken);

    /// <summary>Why a packet passes, or why it does not.</summary>
    public Task<ApiResult<Explanation>> ExplainAsync(ExplainRequest request, CancellationToken cancellationToken = default) =>
        SendAsync<Explanation>(HttpMethod.Post, "explain", request, null, cancellationToken);

    /// <summary>Handshakes that were refused or led to nothing, by outer address and by peer.</summary>
    public Task<ApiResult<Page<HandshakeRow>>> ListHandshakesAsync(string? tunnel = null, PageQuery? page = null, CancellationToken cancellationToken = default) =>
        GetAsync<Page<HandshakeRow>>(Paths.With("handshakes", page, ("tunnel", tunnel)), cancellationToken);

    /// <summary>Sends a real packet as a peer would, and says what came back or where it died.</summary>
    public Task<ApiResult<ProbeResult>> SendProbeAsync(ExplainRequest request, CancellationToken cancellationToken = default) =>
        SendAsync<ProbeResult>(HttpMethod.Post, "probes", request, null, cancellationToken);

    /// <summary>The pages of a list put together, up to so many items; the first page that fails is the answer.</summary>
    public static async Task<ApiResult<Page<T>>> ReadAllAsync<T>(Func<PageQuery, Task<ApiResult<Page<T>>>> read, int? limit = null)
    {
        ArgumentNullException.ThrowIfNull(read);
        var items = new List<T>();
        var bodies = new JsonArray();
        string? cursor = null;
        while (true)
        {
            var answer = await read(new PageQuery(Math.Min(MaxPage, limit - items.Count ?? MaxPage), cursor)).ConfigureAwait(false);
            if (answer.Value is not { } page) return answer;
            items.AddRange(page.Items);
            foreach (var item in JsonNode.Parse(answer.Body)!["items"]!.AsArray()) bodies.Add(item?.DeepClone());
            cursor = page.NextCursor;
            if (cursor is not null && (limit is null || items.Count < limit)) continue;
            var body = new JsonObject { ["items"] = bodies, ["nextCursor"] = cursor };
            return new ApiResult<Page<T>> { Status = answer.Status, Value = new Page<T>(items, cursor), Body = body.ToJsonString(JsonSerializerOptions.Web) };
        }
    }

    /// <summary>Opens an answer that is read as it comes: a capture, a backup. The caller disposes of it.</summary>
    internal async Task<ApiResult<HttpResponseMessage>> OpenAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, "api/v1/" + path);
        if (body is not null) request.Content = JsonContent.Create(body, body.GetType(), null, s_json);
        var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (answer.IsSuccessStatusCode) return new ApiResult<HttpResponseMessage> { Status = (int)answer.StatusCode, Value = answer, Body = "" };
        using (answer) return await ReadAsync<HttpResponseMessage>(answer, cancellationToken).ConfigureAwait(false);
    }

    internal Task<ApiResult<T>> GetAsync<T>(string path, CancellationToken cancellationToken) => SendAsync<T>(HttpMethod.Get, path, null, null, cancellationToken);

    internal async Task<ApiResult<T>> SendAsync<T>(HttpMethod method, string path, object? body, ChangeOptions? change, CancellationToken cancellationToken)
    {
        if (change is { DryRun: true }) path += "?dryRun=true";
        using var request = new HttpRequestMessage(method, "api/v1/" + path);
        if (body is HttpContent content) request.Content = content;
        else if (body is not null) request.Content = JsonContent.Create(body, body.GetType(), method == HttpMethod.Patch ? new MediaTypeHeaderValue("application/merge-patch+json") : null, s_json);
        if (change?.IfMatch is { } etag) request.Headers.TryAddWithoutValidation("If-Match", etag);
        foreach (var (name, value) in change?.Headers ?? []) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return await ReadAsync<T>(answer, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<ApiResult<T>> ReadAsync<T>(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        var text = await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        var result = new ApiResult<T> { Status = (int)answer.StatusCode, Body = text, ETag = answer.Headers.ETag?.ToString() };
        var type = answer.Content.Headers.ContentType?.MediaType ?? "";
        try
        {
            if (!answer.IsSuccessStatusCode)
                return result with { Problem = (type.EndsWith("json", StringComparison.Ordinal) ? JsonSerializer.Deserialize<ApiProblem>(text, s_json) : null) ?? Foreign(answer) };
            if (typeof(T) == typeof(string)) return result with { Value = (T)(object)text };
            if (text.Length == 0) return result;
            if (JsonNode.Parse(text) is JsonObject document && document.ContainsKey("dryRun")) return result with { Plan = document.Deserialize<PlanResponse>(s_json) };
            return result with { Value = JsonSerializer.Deserialize<T>(text, s_json) };
        }
        catch (JsonException)
        {
            return result with { Problem = Foreign(answer) };
        }
    }

    // Something else answers there, or a proxy in front of the gateway does.
    private static ApiProblem Foreign(HttpResponseMessage answer) => new()
    {
        Status = (int)answer.StatusCode,
        Detail = $"The answer was {(int)answer.StatusCode} {answer.ReasonPhrase}, and not in the words of a gateway's API.",
    };
}

/// <summary>A piece of a list.</summary>
/// <param name="Limit">The most items; null = what the API takes.</param>
/// <param name="Cursor">Where the page before ended; null = the beginning.</param>
public sealed record PageQuery(int? Limit = null, string? Cursor = null);

/// <summary>How a change is made.</summary>
public sealed record ChangeOptions
{
    /// <summary>Change nothing, answer what would change (<see cref="ApiResult{T}.Plan"/>).</summary>
    public bool DryRun { get; init; }

    /// <summary>The ETag that was read: the change is refused (412) if somebody else changed it meanwhile.</summary>
    public string? IfMatch { get; init; }

    internal IReadOnlyList<(string Name, string Value)>? Headers { get; init; }
}

/// <summary>What the API answered.</summary>
/// <typeparam name="T">What it is about.</typeparam>
public sealed record ApiResult<T>
{
    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What was asked for; null where it was refused, where there is nothing to show, and after a dry run.</summary>
    public T? Value { get; init; }

    /// <summary>What a dry run found.</summary>
    public PlanResponse? Plan { get; init; }

    /// <summary>Why it was refused; null where it was not.</summary>
    public ApiProblem? Problem { get; init; }

    /// <summary>Sent back as If-Match, it guards a change.</summary>
    public string? ETag { get; init; }

    /// <summary>The answer's text as it came.</summary>
    public required string Body { get; init; }
}
