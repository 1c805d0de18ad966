using System.Text;
using Gateway.Components.Links;
using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace Gateway.Features.Peers;

/// <summary>/api/v1/peers/{id}/config and …/links, and /links/{secret} for everybody who has one.</summary>
internal static class ConfigsEndpoints
{
    // In this order: what a caller takes either of gets the first.
    private static readonly (string MediaType, ConfigForm Form)[] Forms =
        [("text/plain", ConfigForm.Text), ("image/svg+xml", ConfigForm.Svg), ("image/png", ConfigForm.Png)];

    public static void MapConfigs(this RouteGroupBuilder peers)
    {
        peers.MapGet("/peers/{id:guid}/config", GetConfigAsync).WithName("GetPeerConfig").WithSummary("The peer's wg-quick file with its secrets, or its QR code")
            .Produces<string>(200, "text/plain", "image/svg+xml", "image/png").ProducesProblem(404).ProducesProblem(406).ProducesProblem(409);
        peers.MapGet("/peers/{id:guid}/links", ListLinksAsync).WithName("ListConfigLinks").WithSummary("Lists the peer's one-time links that can still be used").ProducesProblem(404);
        peers.MapPost("/peers/{id:guid}/links", CreateLinkAsync).WithName("CreateConfigLink").WithSummary("Makes a link that gives the peer's config once, to whoever has it")
            .Accepts<ConfigLinkSettings>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);
        peers.MapDelete("/peers/{id:guid}/links/{linkId:guid}", DeleteLinkAsync).WithName("DeleteConfigLink").WithSummary("Makes a one-time link useless").ProducesProblem(404);
    }

    /// <summary>GET only looks, so that mail scanners and link previews do not use a link up; POST takes the config.</summary>
    public static void MapConfigLinks(this WebApplication app)
    {
        var links = app.MapGroup("/links/{secret}").AllowAnonymous().DisableAntiforgery().ExcludeFromDescription();
        links.MapGet("", LookAsync);
        links.MapPost("", TakeAsync);
    }

    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> GetConfigAsync(Guid id, PeerConfigs configs, HttpContext context, CancellationToken cancellationToken)
    {
        if (Wanted(context.Request) is not { } form)
            return Failure.Of(FailureKind.NotAcceptable, "Accept", "The config is to be had in none of these types.", $"Send one of {string.Join(", ", Forms.Select(f => f.MediaType))}.").ToProblem();
        return (await configs.TakeAsync(id, form, cancellationToken)).Succeeded(out var file, out var failure) ? Send(file, context) : failure.ToProblem();
    }

    private static async Task<Results<Ok<IReadOnlyList<ConfigLinkResponse>>, ProblemHttpResult>> ListLinksAsync(Guid id, PeerConfigs configs, CancellationToken cancellationToken) =>
        (await configs.ListLinksAsync(id, cancellationToken)).Succeeded(out var links, out var failure) ? TypedResults.Ok(links) : failure.ToProblem();

    private static async Task<Results<Created<ConfigLinkResponse>, ProblemHttpResult>> CreateLinkAsync(
        Guid id, JsonBody<ConfigLinkSettings> body, PeerConfigs configs, HttpRequest request, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var settings, out var malformed)) return malformed.ToProblem();
        if (!(await configs.CreateLinkAsync(id, settings, cancellationToken)).Succeeded(out var made, out var failure)) return failure.ToProblem();
        var url = $"{request.Scheme}://{request.Host}/links/{made.Secret}";
        return TypedResults.Created($"/api/v1/peers/{id}/links", made.Link with { Url = url });
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteLinkAsync(Guid id, Guid linkId, PeerConfigs configs, CancellationToken cancellationToken) =>
        (await configs.DeleteLinkAsync(id, linkId, cancellationToken)).Succeeded(out _, out var failure) ? TypedResults.NoContent() : failure.ToProblem();

    private static async Task<IResult> LookAsync(string secret, PeerConfigs configs, HttpContext context, CancellationToken cancellationToken)
    {
        KeepToOneself(context);
        var found = await configs.LookAtLinkAsync(secret, cancellationToken);
        if (IsBrowser(context.Request)) return Page(new LinkState { Peer = found?.Peer, ExpiresAt = found?.ExpiresAt });
        return found is null ? TypedResults.NotFound() : TypedResults.Text("POST to this address gives the configuration, once.\n");
    }

    private static async Task<IResult> TakeAsync(string secret, PeerConfigs configs, HttpContext context, CancellationToken cancellationToken)
    {
        KeepToOneself(context);
        var browser = IsBrowser(context.Request);
        var form = browser ? ConfigForm.Text : Wanted(context.Request);
        if (form is null) return TypedResults.StatusCode(StatusCodes.Status406NotAcceptable);
        if (!(await configs.TakeByLinkAsync(secret, form.Value, cancellationToken)).Succeeded(out var file, out var failure)) return browser ? Page(new LinkState()) : failure.ToProblem();
        return browser ? Page(LinkState.Taken(file)) : Send(file, context);
    }

    private static RazorComponentResult<LinkDocument> Page(LinkState state) => new(new Dictionary<string, object?> { [nameof(LinkDocument.State)] = state })
    {
        PreventStreamingRendering = true,
        StatusCode = state.IsDead ? StatusCodes.Status404NotFound : StatusCodes.Status200OK,
    };

    private static FileContentHttpResult Send(ConfigFile file, HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Vary = HeaderNames.Accept;
        return TypedResults.File(file.Content, file.MediaType == "text/plain" ? $"{file.MediaType}; charset={Encoding.UTF8.WebName}" : file.MediaType, file.FileName);
    }

    private static void KeepToOneself(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Robots-Tag"] = "noindex";
    }

    private static bool IsBrowser(HttpRequest request) => request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>The form with the greatest quality in Accept (RFC 9110 §12.5.1); the file without that header.</summary>
    private static ConfigForm? Wanted(HttpRequest request)
    {
        if (request.Headers.Accept.Count == 0) return ConfigForm.Text;
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept!, out var accepted)) return null;
        var best = Forms.Select(f => (f.Form, Quality: Quality(f.MediaType, accepted))).MaxBy(f => f.Quality);
        return best.Quality > 0 ? best.Form : null;
    }

    // The most specific range decides: text/plain before text/* before */*.
    private static double Quality(string mediaType, IList<MediaTypeHeaderValue> accepted)
    {
        var type = new MediaTypeHeaderValue(mediaType);
        return accepted.Where(type.IsSubsetOf).OrderBy(a => a.MatchesAllTypes).ThenBy(a => a.MatchesAllSubTypes).Select(a => a.Quality ?? 1).FirstOrDefault();
    }
}
