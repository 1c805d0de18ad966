using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>A browser without script: keeps cookies, opens pages, fills forms in. Redirects are answered, not followed.</summary>
internal sealed partial class Browser : IDisposable
{
    private readonly HttpClientHandler _handler;
    private readonly HttpClient _client;

    public Browser(Uri address)
    {
        _handler = new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = Cookies, ServerCertificateCustomValidationCallback = (_, _, _, _) => true };
        _client = new HttpClient(_handler) { BaseAddress = address };
        _client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("TestBrowser/1.0");
    }

    public CookieContainer Cookies { get; } = new();

    /// <summary>The cookies as a header, for clients of another kind.</summary>
    public string CookieHeader => Cookies.GetCookieHeader(_client.BaseAddress!);

    /// <summary>Opens a page.</summary>
    public async Task<Answer> Open(string path) => await Answer.Of(await _client.GetAsync(path));

    /// <summary>Opens a page, fills its form in and sends it.</summary>
    public Task<Answer> Submit(string path, params (string Name, string Value)[] fields) => SubmitTo(path, path, fields);

    /// <summary>Opens a page, fills one of its forms in and sends it to where it says.</summary>
    public async Task<Answer> SubmitTo(string action, string path, params (string Name, string Value)[] fields)
    {
        var page = await Open(path);
        Assert.Equal(HttpStatusCode.OK, page.Status);
        var values = Hidden().Matches(page.Html).Select(m => (Name: m.Groups["name"].Value, Value: WebUtility.HtmlDecode(m.Groups["value"].Value))).DistinctBy(f => f.Name).ToDictionary(f => f.Name, f => f.Value);
        foreach (var (name, value) in fields) values[name] = value;
        return await Post(action, values);
    }

    public async Task<Answer> Post(string path, IEnumerable<KeyValuePair<string, string>> fields)
    {
        using var content = new FormUrlEncodedContent(fields);
        return await Answer.Of(await _client.PostAsync(path, content));
    }

    public async Task<Answer> Send(HttpRequestMessage request) => await Answer.Of(await _client.SendAsync(request));

    public Task<Answer> SignIn(string name, string password) => Submit("/account/sign-in", ("Name", name), ("Password", password));

    public void Dispose()
    {
        _client.Dispose();
        _handler.Dispose();
    }

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]+)" value="(?<value>[^"]*)" />""")]
    private static partial Regex Hidden();

    internal sealed record Answer(HttpStatusCode Status, string? Location, string Html, HttpResponseMessage Message)
    {
        public static async Task<Answer> Of(HttpResponseMessage message) =>
            new(message.StatusCode, Shown(message), await message.Content.ReadAsStringAsync(), message);

        // A redirect within the gateway as its path, any other as it is.
        private static string? Shown(HttpResponseMessage message) => message.Headers.Location is not { } location ? null
            : !location.IsAbsoluteUri ? location.OriginalString
            : location.Authority == message.RequestMessage!.RequestUri!.Authority ? location.PathAndQuery : location.AbsoluteUri;

        /// <summary>What the page says went wrong; null if it says nothing.</summary>
        public string? Problem => Problems().Match(Html) is { Success: true } match ? WebUtility.HtmlDecode(match.Groups[1].Value) : null;
    }

    [GeneratedRegex("""<p class="error" role="alert">(.*?)</p>""")]
    private static partial Regex Problems();
}

/// <summary>What the tests of accounts do again and again.</summary>
internal static class AccountSteps
{
    public const string Password = "correct horse battery";

    /// <summary>Makes a user and follows the invitation, as they would.</summary>
    public static async Task<(Guid Id, Browser Browser)> SignedInUser(this TestHost host, string name, string role, bool seesPackets = false)
    {
        var user = await host.Post("users", new { name, role, seesPackets });
        var browser = new Browser(host.Address);
        var accepted = await browser.Submit(new Uri(user["invitationLink"]!.GetValue<string>()).AbsolutePath, ("Password", Password), ("Repeated", Password));
        Assert.True(accepted.Status == HttpStatusCode.Redirect, accepted.Problem ?? accepted.Html);
        return (user["id"]!.GetValue<Guid>(), browser);
    }

    /// <summary>The API as a browser session calls it.</summary>
    public static async Task<HttpStatusCode> Call(this Browser browser, HttpMethod method, string path, object? body = null, string? origin = null)
    {
        using var request = new HttpRequestMessage(method, path.StartsWith('/') ? path : $"/api/v1/{path}");
        if (body is not null) request.Content = System.Net.Http.Json.JsonContent.Create(body);
        if (origin is not null) request.Headers.Add("Origin", origin);
        return (await browser.Send(request)).Status;
    }
}
