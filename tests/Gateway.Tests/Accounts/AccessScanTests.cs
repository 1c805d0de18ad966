using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>Every route of the OpenAPI document, called by everybody: each gets exactly what the rules below say, and a route that they do not foresee is an admin's.</summary>
public sealed class AccessScanTests
{
    private const Permission Anybody = Permission.None;

    // Viewer reads all but configs, users, tokens, audit and backups; operator also changes peers and routes, reads configs, explains and probes; admin does
    // all; packets are apart. The first that fits counts.
    private static readonly (string Method, string Path, Permission Needed)[] Rules =
    [
        ("*", "/profile", Anybody),
        ("*", "/users", Permission.Administer), ("*", "/tokens", Permission.Administer), ("*", "/audit", Permission.Administer), ("*", "/backup", Permission.Administer), ("get", "/export", Permission.Administer),
        ("get", "/peers/{id}/config", Permission.ReadConfigs), ("get", "/peers/{id}/links", Permission.ReadConfigs),
        ("get", "/packets", Permission.SeePackets), ("get", "/recordings/{id}", Permission.SeePackets), ("get", "/lab/packets", Permission.SeePackets),
        ("*", "/explain", Permission.Explain), ("*", "/probes", Permission.Explain),
        ("get", "", Permission.Read),
        ("post", "/tunnels/{name}/peers", Permission.ChangePeers), ("*", "/peers", Permission.ChangePeers), ("*", "/routes", Permission.ChangePeers),
        ("*", "", Permission.Administer),
    ];

    [Fact]
    public async Task EveryRoute_AnswersEachCallerAsTheRoleAllows()
    {
        await using var host = await TestHost.StartInLabAsync();
        var routes = await RoutesAsync(host);
        Assert.True(routes.Count > 40);

        var wrong = new List<string>();
        await ScanAsync(host, "anonymous", null, routes, _ => HttpStatusCode.Unauthorized, wrong);
        await ScanAsync(host, "expired token", await ExpiredTokenAsync(host), routes, _ => HttpStatusCode.Unauthorized, wrong);
        foreach (var (role, packets) in new[] { (Roles.Viewer, false), (Roles.Operator, false), (Roles.Admin, false), (Roles.Viewer, true) })
        {
            var may = Permissions.OfRole(role) | (packets ? Permission.SeePackets : Permission.None);
            var (_, browser) = await host.SignedInUser($"{role}-{packets}", role, packets);
            using (browser)
            {
                var header = new KeyValuePair<string, string>("Cookie", browser.CookieHeader);
                await ScanAsync(host, $"{role}'s session", header, routes, route => (may & route.Needed) == route.Needed ? null : HttpStatusCode.Forbidden, wrong);
                var token = await TokenAsync(host, browser, may);
                await ScanAsync(host, $"{role}'s token", token, routes, route => (may & Needed(route)) == Needed(route) ? null : HttpStatusCode.Forbidden, wrong);
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        // What is signed in manages its own tokens and sessions; a token only with the scope admin, and no sessions.
        static Permission Needed(Route route) => route.Path.StartsWith("/api/v1/profile/tokens", StringComparison.Ordinal) ? Permission.Administer
            : route.Path.StartsWith("/api/v1/profile/sessions", StringComparison.Ordinal) ? Permission.SeePackets | Permission.Administer : route.Needed;
    }

    private static async Task<List<Route>> RoutesAsync(TestHost host)
    {
        var document = JsonNode.Parse(await host.Client.GetStringAsync("/swagger/v1/swagger.json"))!;
        // What a connected client asks for itself is authorised by the tunnel that it comes through, and refused to everybody here.
        return [.. document["paths"]!.AsObject().Where(p => p.Key != "/api/v1/self/config").SelectMany(p => p.Value!.AsObject().Select(o => Route.Of(p.Key, o.Key, o.Value!)))];
    }

    private static async Task ScanAsync(
        TestHost host, string who, KeyValuePair<string, string>? header, List<Route> routes, Func<Route, HttpStatusCode?> expected, List<string> wrong)
    {
        using var client = new HttpClient(new HttpClientHandler { UseCookies = false }) { BaseAddress = host.Address };
        foreach (var route in routes)
        {
            using var request = new HttpRequestMessage(new HttpMethod(route.Method.ToUpperInvariant()), route.Concrete);
            if (header is { } credential) request.Headers.Add(credential.Key, credential.Value);
            if (route.MediaType is not null) request.Content = new ByteArrayContent("{}"u8.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue(route.MediaType) } };
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var refused = answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden;
            if (expected(route) is { } status ? answer.StatusCode != status : refused || (int)answer.StatusCode >= 500)
                wrong.Add($"{who}: {route.Method} {route.Path} answered {(int)answer.StatusCode} instead of {(expected(route) is { } right ? (int)right : "letting them in")}");
        }
    }

    private static async Task<KeyValuePair<string, string>> ExpiredTokenAsync(TestHost host)
    {
        var token = await host.Post("tokens", new { name = "short-lived", scopes = Permissions.ByScope.Keys, expiresAt = TimeProvider.System.GetUtcNow().AddHours(1) });
        var header = Bearer(token);
        using var client = new HttpClient { BaseAddress = host.Address, DefaultRequestHeaders = { { header.Key, header.Value } } };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/status")).StatusCode);
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        var now = TimeProvider.System.GetUtcNow().UtcTicks;
        await db.ApiTokens.Where(t => t.Name == "short-lived").ExecuteUpdateAsync(set => set.SetProperty(t => t.ExpiresAt, now));
        return header;
    }

    private static async Task<KeyValuePair<string, string>> TokenAsync(TestHost host, Browser browser, Permission scopes)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/profile/tokens") { Content = JsonContent.Create(new { name = "mine", scopes = Permissions.ToScopes(scopes) }) };
        var made = await browser.Send(request);
        Assert.True(made.Status == HttpStatusCode.Created, made.Html);
        return Bearer(JsonNode.Parse(made.Html)!);
    }

    private static KeyValuePair<string, string> Bearer(JsonNode token) => new("Authorization", $"Bearer {token["token"]}");

    private sealed record Route(string Method, string Path, string Concrete, string? MediaType, Permission Needed)
    {
        public static Route Of(string path, string method, JsonNode operation)
        {
            var concrete = path;
            var query = "";
            foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
            {
                var name = parameter!["name"]!.GetValue<string>();
                if (parameter["in"]!.GetValue<string>() == "path")
                    concrete = concrete.Replace($"{{{name}}}", parameter["schema"]?["format"]?.GetValue<string>() == "uuid" ? Guid.Empty.ToString() : "x", StringComparison.Ordinal);
                else if (parameter["in"]!.GetValue<string>() == "query" && parameter["required"]?.GetValue<bool>() is true) query += $"{(query.Length == 0 ? '?' : '&')}{name}=x";
            }

            var resource = path["/api/v1".Length..];
            var needed = Rules.First(r => (r.Method == "*" || r.Method == method) && resource.StartsWith(r.Path, StringComparison.Ordinal)).Needed;
            return new Route(method, path, concrete + query, operation["requestBody"]?["content"]?.AsObject().First().Key, needed);
        }
    }
}
