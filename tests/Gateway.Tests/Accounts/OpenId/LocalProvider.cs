using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Accounts.OpenId;

/// <summary>
/// An OpenID provider on a loopback port: discovery, keys, authorize, token and userinfo, with the checks that a provider makes. Whoever comes is
/// <see cref="Subject"/>; nobody has to type a password.
/// </summary>
internal sealed class LocalProvider : IAsyncDisposable
{
    public const string ClientId = "gateway-under-test";
    public const string ClientSecret = "a-secret-between-two";
    private readonly WebApplication _app;
    private readonly RSA _key = RSA.Create(2048);
    private readonly RSA _strangersKey = RSA.Create(2048);
    private readonly ConcurrentDictionary<string, (string Challenge, string Nonce, string RedirectUri)> _codes = new();

    private LocalProvider(WebApplication app) => _app = app;

    public string Address { get; private set; } = "";

    public string Subject { get; set; } = "248289761001";

    public string Name { get; set; } = "jane";

    public IReadOnlyList<string> Groups { get; set; } = [];

    /// <summary>What the next tokens get wrong: nonce, signature, issuer, audience, expired; null: nothing.</summary>
    public string? Fault { get; set; }

    /// <summary>All that no log may hold.</summary>
    public ConcurrentBag<string> Secrets { get; } = [ClientSecret];

    public static async Task<LocalProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var provider = new LocalProvider(app);
        app.MapGet("/.well-known/openid-configuration", provider.Describe);
        app.MapGet("/keys", provider.Keys);
        app.MapGet("/authorize", provider.Authorize);
        app.MapPost("/token", provider.TokenAsync);
        app.MapGet("/userinfo", () => Results.Json(new { sub = provider.Subject, groups = provider.Groups }));
        await app.StartAsync();
        provider.Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return provider;
    }

    /// <summary>The settings of a gateway that uses it.</summary>
    public string[] Settings(params string[] more) =>
        ["--Gateway:Oidc:Authority", Address, "--Gateway:Oidc:ClientId", ClientId, "--Gateway:Oidc:ClientSecret", ClientSecret, "--Gateway:Oidc:Name", "Example ID", .. more];

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
        _strangersKey.Dispose();
    }

    private IResult Describe() => Results.Json(new
    {
        issuer = Address,
        authorization_endpoint = $"{Address}/authorize",
        token_endpoint = $"{Address}/token",
        userinfo_endpoint = $"{Address}/userinfo",
        jwks_uri = $"{Address}/keys",
        response_types_supported = new[] { "code" },
        subject_types_supported = new[] { "public" },
        id_token_signing_alg_values_supported = new[] { "RS256" },
        code_challenge_methods_supported = new[] { "S256" },
    });

    private IResult Keys()
    {
        var key = _key.ExportParameters(false);
        return Results.Json(new { keys = new[] { new { kty = "RSA", use = "sig", alg = "RS256", kid = "1", n = WebEncoders.Base64UrlEncode(key.Modulus!), e = WebEncoders.Base64UrlEncode(key.Exponent!) } } });
    }

    private IResult Authorize(HttpRequest request)
    {
        var query = request.Query;
        if (query["client_id"] != ClientId || query["response_type"] != "code" || query["code_challenge_method"] != "S256" || query["code_challenge"].ToString().Length < 43
            || !query["scope"].ToString().Split(' ').Contains("openid") || query["state"].Count == 0 || query["nonce"].Count == 0) return Results.BadRequest("not a request of the authorization code flow with PKCE");
        var code = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        Secrets.Add(code);
        _codes[code] = (query["code_challenge"]!, query["nonce"]!, query["redirect_uri"]!);
        return Results.Redirect(QueryHelpers.AddQueryString(query["redirect_uri"]!, new Dictionary<string, string?> { ["code"] = code, ["state"] = query["state"] }));
    }

    private async Task<IResult> TokenAsync(HttpRequest request)
    {
        var form = await request.ReadFormAsync();
        if (form["client_id"] != ClientId || form["client_secret"] != ClientSecret) return Results.Json(new { error = "invalid_client" }, statusCode: 401);
        if (!_codes.TryRemove(form["code"].ToString(), out var asked) || form["redirect_uri"] != asked.RedirectUri
            || WebEncoders.Base64UrlEncode(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()))) != asked.Challenge) return Results.Json(new { error = "invalid_grant" }, statusCode: 400);
        var token = Sign(asked.Nonce);
        Secrets.Add(token);
        return Results.Json(new { access_token = "opaque-access-token", token_type = "Bearer", expires_in = 300, id_token = token });
    }

    private string Sign(string nonce)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var age = Fault == "expired" ? TimeSpan.FromHours(-2) : TimeSpan.Zero;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Fault == "issuer" ? "http://127.0.0.1:1" : Address,
            Audience = Fault == "audience" ? "somebody-else" : ClientId,
            IssuedAt = now + age,
            Expires = now + age + TimeSpan.FromMinutes(5),
            Claims = new Dictionary<string, object> { ["sub"] = Subject, ["nonce"] = Fault == "nonce" ? "another" : nonce, ["preferred_username"] = Name },
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(Fault == "signature" ? _strangersKey : _key) { KeyId = "1" }, SecurityAlgorithms.RsaSha256),
        });
    }
}
