using System.Net;
using Gateway.Contracts;
using Gateway.Contracts.Lab;
using Gateway.Data;
using Gateway.Tests.Accounts;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Lab;

/// <summary>The lab is there only where the setting names one, runs one thing at a time, and puts on record what was run.</summary>
public sealed class LabApiTests
{
    [Fact]
    public async Task Lab_WithoutTheSetting_IsNotThere()
    {
        await using var host = await TestHost.StartAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await host.Ask(HttpMethod.Get, "lab")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Ask(HttpMethod.Post, "lab/reset", new { })).StatusCode);
        Assert.DoesNotContain("/api/v1/lab", await host.Client.GetStringAsync("/swagger/v1/swagger.json"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Ask(HttpMethod.Get, "/lab", accept: "text/html")).StatusCode);
        Assert.DoesNotContain("href=\"/lab\"", await Page(host, "/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lab_WithTheSetting_HasItsPageAndMenuEntry()
    {
        await using var host = await TestHost.StartInLabAsync();
        Assert.Contains("href=\"/lab\"", await Page(host, "/lab"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lab/experiments/10/run", "no experiment '10'")]
    [InlineData("lab/experiments/x/run", "no experiment 'x'")]
    [InlineData("lab/breaks/everything", "client-stopped, no-way-back, moved-address, tap")]
    public async Task Run_OfWhatIsNotThere_Is404AndSaysWhatIs(string path, string words)
    {
        await using var host = await TestHost.StartInLabAsync();
        var problem = await host.Post(path, new { }, HttpStatusCode.NotFound);
        Assert.Contains(words, problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WithUnknownVariants_NamesAllOfThem()
    {
        await using var host = await TestHost.StartInLabAsync();
        Assert.Equal(["rpFilter", "on"], await host.Fields(HttpMethod.Post, "lab/experiments/8/run", new { rpFilter = "firm", on = "eth7" }, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(["rpFilter"], await host.Fields(HttpMethod.Post, "lab/experiments/1/run", new { rpFilter = "off" }, HttpStatusCode.UnprocessableEntity));
        Assert.Empty(host.Lab.Asked);
    }

    [Fact]
    public async Task Run_WhileSomethingIsBroken_IsRefusedAndResetMendsIt()
    {
        await using var host = await TestHost.StartInLabAsync();
        host.Lab.Client = null;

        var refused = await host.Post("lab/experiments/1/run", new { }, HttpStatusCode.Conflict);
        Assert.Contains("No client runs on U.", refused["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        var lab = await host.Get("lab");
        Assert.False(lab["isAsSetUp"]!.GetValue<bool>());
        Assert.True(lab["breaks"]!.AsArray().Single(one => one!["name"]!.GetValue<string>() == LabBreaks.ClientStopped)!["isActive"]!.GetValue<bool>());

        await host.Post("lab/reset", new { }, HttpStatusCode.OK);

        Assert.Equal(LabClients.WireGuard, host.Lab.Client);
        Assert.True((await host.Get("lab"))["isAsSetUp"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Run_ThatDoesNotSeeWhatItExpects_FailsAndPutsEverythingBackAndIsOnRecord()
    {
        await using var host = await TestHost.StartInLabAsync();

        // Here every ping is answered, that of V without a tunnel too.
        var run = await host.Post("lab/experiments/1/run", new { }, HttpStatusCode.OK);

        Assert.False(run["passed"]!.GetValue<bool>());
        Assert.Empty(run["left"]!.AsArray());
        Assert.Equal(LabClients.WireGuard, host.Lab.Client);
        Assert.Equal(run["at"]!.ToString(), (await host.Get("lab/experiments/1/run"))["at"]!.ToString());
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        var entry = Assert.Single(await db.Audit.AsNoTracking().Where(e => e.Action == "lab.run").ToListAsync());
        Assert.Equal("experiment 1", entry.Subject);
    }

    [Fact]
    public async Task Viewer_LooksAndDoesNotRun()
    {
        await using var host = await TestHost.StartInLabAsync();
        var (_, browser) = await host.SignedInUser("eve", Roles.Viewer, false);
        using (browser)
        {
            using var look = new HttpRequestMessage(HttpMethod.Get, "/api/v1/lab");
            Assert.Equal(HttpStatusCode.OK, (await browser.Send(look)).Status);
            using var run = new HttpRequestMessage(HttpMethod.Post, "/api/v1/lab/reset");
            Assert.Equal(HttpStatusCode.Forbidden, (await browser.Send(run)).Status);
        }

        Assert.DoesNotContain(host.Lab.Asked, asked => asked.Request.Action != LabActions.State);
    }

    private static async Task<string> Page(TestHost host, string path)
    {
        using var answer = await host.Ask(HttpMethod.Get, path, accept: "text/html");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }
}
