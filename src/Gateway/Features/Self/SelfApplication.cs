using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Gateway.Web;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Features.Self;

/// <summary>
/// The one thing that a tunnel's own address serves: <c>GET /api/v1/self/config</c>. Who asks is the peer that owns the inner source address. With
/// <c>If-None-Match</c> and <c>Prefer: wait=60</c> (RFC 7240 §4.3) the answer waits for a change.
/// </summary>
internal sealed class SelfApplication(Guid tunnelId, SelfConfigs configs, Followers followers, TimeProvider time) : IHttpApplication<HttpContext>
{
    public const string Path = "/api/v1/self/config";
    private const int MaxWaitSeconds = 120;

    /// <summary>Requests of one client at a time: one waits, one more may have lost its answer on the way.</summary>
    private const int MaxAtOnce = 4;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly ConcurrentDictionary<IPAddress, int> _asking = new();

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
        // Nothing is kept of a request.
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        var source = context.Connection.RemoteIpAddress;
        if (source is { IsIPv4MappedToIPv6: true }) source = source.MapToIPv4();
        context.Response.Headers.CacheControl = "no-store";
        if (context.Request.Path != SelfApplication.Path) await RefuseAsync(context, 404, $"There is only {Path} here.");
        else if (!HttpMethods.IsGet(context.Request.Method)) await RefuseAsync(context, 405, "Only GET is allowed here.");
        else if (source is null) await RefuseAsync(context, 403, "Nobody knows where this comes from.");
        else if (_asking.AddOrUpdate(source, 1, static (_, count) => count + 1) > MaxAtOnce)
        {
            Leave(source);
            await RefuseAsync(context, 429, $"{MaxAtOnce} requests at a time are enough for one client.");
        }
        else
        {
            try
            {
                await AnswerAsync(context, source);
            }
            catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
            {
                // The client has left.
            }
            finally
            {
                Leave(source);
            }
        }
    }

    private async Task AnswerAsync(HttpContext context, IPAddress source)
    {
        var left = context.RequestAborted;
        var known = context.Request.Headers.IfNoneMatch.ToString();
        using var patience = new CancellationTokenSource(Wait(context.Request), time);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(left, patience.Token);
        while (true)
        {
            // Asked anew each time: the address may have become another peer's while this one waited.
            if (await configs.FindPeerAsync(tunnelId, source, left) is not { } peerId)
            {
                await RefuseAsync(context, 403, $"{source} is no peer's own address in this tunnel.");
                return;
            }

            var change = followers.NextChange(tunnelId, peerId);
            if (await configs.ReadAsync(peerId, left) is not { } config)
            {
                await RefuseAsync(context, 403, "The peer is gone.");
                return;
            }

            var body = JsonSerializer.SerializeToUtf8Bytes(config, Json);
            var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16))}\"";
            var isKnown = known.Length > 0 && known.Split(',', StringSplitOptions.TrimEntries).Contains(tag);
            if (isKnown && !patience.IsCancellationRequested)
            {
                await change.WaitAsync(waiting.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                left.ThrowIfCancellationRequested();
                continue;
            }

            context.Response.Headers.ETag = tag;
            if (isKnown)
            {
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }

            context.Response.ContentType = "application/json; charset=utf-8";
            await context.Response.Body.WriteAsync(body, left);
            return;
        }
    }

    private void Leave(IPAddress source)
    {
        if (_asking.AddOrUpdate(source, 0, static (_, count) => count - 1) == 0) _asking.TryRemove(new KeyValuePair<IPAddress, int>(source, 0));
    }

    private static TimeSpan Wait(HttpRequest request)
    {
        foreach (var part in request.Headers["Prefer"].ToString().Split([',', ';'], StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("wait=", StringComparison.OrdinalIgnoreCase) && int.TryParse(part.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
                return TimeSpan.FromSeconds(Math.Min(seconds, MaxWaitSeconds));
        }

        return TimeSpan.Zero;
    }

    private static Task RefuseAsync(HttpContext context, int status, string detail)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/problem+json";
        return context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(Problems.Of(status, detail), Json)).AsTask();
    }
}
