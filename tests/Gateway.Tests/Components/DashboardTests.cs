using System.Net;
using System.Net.Http.Headers;
using Xunit;

namespace Gateway.Tests.Components;

/// <summary>The dashboard as plain requests and answers see it.</summary>
public sealed class DashboardTests
{
    [Fact]
    public async Task FirstAnswer_HasTheFrameAndNoInlineScript()
    {
        await using var host = await TestHost.StartAsync();
        using var answer = await GetPage(host.Client, "/");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var html = await answer.Content.ReadAsStringAsync();
        Assert.Contains("<h1", html, StringComparison.Ordinal);
        Assert.Contains("<nav", html, StringComparison.Ordinal);
        foreach (var script in html.Split("<script").Skip(1)) Assert.StartsWith(" src=\"", script, StringComparison.Ordinal);
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownPage_Is404WithAPage_AndAProblemForPrograms()
    {
        await using var host = await TestHost.StartAsync();
        using var page = await GetPage(host.Client, "/no/such/page");
        Assert.Equal(HttpStatusCode.NotFound, page.StatusCode);
        Assert.Contains("There is nothing here", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var problem = await host.Client.GetAsync("/api/v1/nothing");
        Assert.Equal(HttpStatusCode.NotFound, problem.StatusCode);
        Assert.Equal("application/problem+json", problem.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task Assets_AreCompressed()
    {
        await using var host = await TestHost.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/_content/MudBlazor/MudBlazor.min.css");
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        using var answer = await host.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.InRange(answer.Content.Headers.ContentLength!.Value, 1, 100_000);
    }

    private static async Task<HttpResponseMessage> GetPage(HttpClient client, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/html");
        return await client.SendAsync(request);
    }
}
