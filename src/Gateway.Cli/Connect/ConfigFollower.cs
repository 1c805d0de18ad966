using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Gateway.Contracts;

namespace Gateway.Cli.Connect;

/// <summary>
/// Asks the gateway, through the tunnel, what this client should look like, and waits there for changes. Errors are no news: the tunnel may be down, or
/// the gateway may start again; it is asked anew with growing pauses.
/// </summary>
internal sealed class ConfigFollower : IDisposable
{
    private const int WaitSeconds = 60;
    private const int MaxAnswerBytes = 4 << 20;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Uri _url;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
        Timeout = TimeSpan.FromSeconds(WaitSeconds + 15),
        MaxResponseContentBufferSize = MaxAnswerBytes,
    };

    public ConfigFollower(Uri url)
    {
        _url = url;
    }

    /// <summary>What the gateway says, at first and whenever it changes, until cancelled.</summary>
    public async IAsyncEnumerable<SelfConfigResponse> FollowAsync([EnumeratorCancellation] CancellationToken stop)
    {
        EntityTagHeaderValue? known = null;
        for (var pause = FirstPause; !stop.IsCancellationRequested;)
        {
            var (config, tag) = await AskAsync(known, stop);
            if (tag is null)
            {
                await Task.Delay(pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
                continue;
            }

            (known, pause) = (tag, FirstPause);
            if (config is not null) yield return config;
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>The answer and its tag; no answer where nothing changed, no tag where there was no answer to be had.</summary>
    private async Task<(SelfConfigResponse? Config, EntityTagHeaderValue? Tag)> AskAsync(EntityTagHeaderValue? known, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _url);
        if (known is not null) request.Headers.IfNoneMatch.Add(known);
        request.Headers.TryAddWithoutValidation("Prefer", $"wait={WaitSeconds}");
        try
        {
            using var answer = await _client.SendAsync(request, stop);
            if (answer.StatusCode == HttpStatusCode.NotModified) return (null, known);
            if (answer.StatusCode != HttpStatusCode.OK || answer.Headers.ETag is not { } tag) return (null, null);
            return (await answer.Content.ReadFromJsonAsync<SelfConfigResponse>(stop), tag);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or JsonException or IOException)
        {
            return (null, null);
        }
    }
}
