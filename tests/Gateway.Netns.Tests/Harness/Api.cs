using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Gateway.Netns.Tests.Harness;

/// <summary>An answer of the API.</summary>
internal sealed record ApiAnswer(HttpStatusCode Status, string Text)
{
    public JsonNode Json => JsonNode.Parse(Text) ?? throw new InvalidOperationException($"null instead of JSON ({Status})");
}

/// <summary>
/// The gateway's REST API, over a Unix socket: that leads into the gateway's namespace without an address of ours being in the way.
/// Bodies are anonymous objects on purpose: what is tested is the JSON that people send.
/// </summary>
internal sealed class Api : IDisposable
{
    private readonly HttpClient _client;

    public Api(string socketPath, string token)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _client = new HttpClient(handler) { BaseAddress = new Uri("http://localhost/"), Timeout = TimeSpan.FromSeconds(20) };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>One request; any status is an answer.</summary>
    public async Task<ApiAnswer> Ask(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path.StartsWith('/') ? path : $"/api/v1/{path}");
        if (body is not null) request.Content = JsonContent.Create(body, mediaType: method == HttpMethod.Patch ? new MediaTypeHeaderValue("application/merge-patch+json") : null);
        using var response = await _client.SendAsync(request);
        return new ApiAnswer(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public Task<JsonNode> Get(string path) => Succeed(HttpMethod.Get, path, null);

    public Task<JsonNode> Post(string path, object body) => Succeed(HttpMethod.Post, path, body);

    public Task<JsonNode> Patch(string path, object body) => Succeed(HttpMethod.Patch, path, body);

    public async Task Delete(string path) => _ = Require(await Ask(HttpMethod.Delete, path), $"DELETE {path}");

    /// <summary>A peer's wg-quick configuration.</summary>
    public async Task<string> Config(string peerId) => Require(await Ask(HttpMethod.Get, $"peers/{peerId}/config"), "the configuration").Text;

    public void Dispose() => _client.Dispose();

    private async Task<JsonNode> Succeed(HttpMethod method, string path, object? body) => Require(await Ask(method, path, body), $"{method} {path}").Json;

    private static ApiAnswer Require(ApiAnswer answer, string what) =>
        (int)answer.Status is >= 200 and < 300 ? answer : throw new InvalidOperationException($"{what}: {(int)answer.Status} {answer.Text}");
}
