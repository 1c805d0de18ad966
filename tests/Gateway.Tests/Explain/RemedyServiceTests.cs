using Gateway.Contracts;
using Gateway.Features.Explain;
using Gateway.Features.Explain.Questions;
using Gateway.Features.Explain.Remedies;
using Gateway.Security;
using Gateway.Web;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Explain;

/// <summary>A remedy that is a change, applied and taken back as a page does it.</summary>
public sealed class RemedyServiceTests
{
    [Fact]
    public async Task Change_IsToldBefore_Applied_AndTakenBack()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "alice", addresses = new[] { "192.168.53.99/32" } });
        await using var page = Page(host, CallerIdentity.System);
        var remedies = page.ServiceProvider.GetRequiredService<RemedyService>();
        var remedy = await Offered(page, HopIds.Destination);

        Assert.True((await remedies.PlanAsync(remedy, default)).Succeeded(out var plan, out _));
        Assert.StartsWith("Peer 'alice' may reach 192.168.60.", plan.Effects[0], StringComparison.Ordinal);
        Assert.Empty((await host.Get("routes"))["items"]!.AsArray());

        Assert.True((await remedies.ApplyAsync(remedy, default)).Succeeded(out var applied, out _));
        Assert.Equal("client", Assert.Single((await host.Get("routes"))["items"]!.AsArray())!["installOn"]!.GetValue<string>());
        Assert.Equal(Verdicts.Passes, (await Hop(page, HopIds.Destination)).Verdict);
        Assert.Contains("route.create", await Audited(host));

        Assert.True((await remedies.ApplyAsync(applied.Back, default)).Succeeded(out _, out _));
        Assert.Empty((await host.Get("routes"))["items"]!.AsArray());
        Assert.Equal(Verdicts.Drops, (await Hop(page, HopIds.Destination)).Verdict);
    }

    [Fact]
    public async Task ChangeOfSeveralRequests_IsOneRevision_AllOrNothing()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = (await host.Post("tunnels/wg0/peers", new { name = "site" }))["id"]!.GetValue<string>();
        var route = (await host.Post($"peers/{peer}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway", kernelRoute = false }))["id"]!.GetValue<string>();
        var before = (await host.Get("status"))["revision"]!["wanted"]!.GetValue<long>();
        await using var page = Page(host, CallerIdentity.System);
        var remedies = page.ServiceProvider.GetRequiredService<RemedyService>();
        var add = new ApiCall("POST", $"peers/{peer}/routes", """{"prefix":"192.168.70.0/24","installOn":"gateway"}""");
        var remedy = new Remedy
        {
            Kind = RemedyKinds.Change,
            Text = "Let the kernel know.",
            Apply = [new ApiCall("DELETE", $"routes/{route}", null), add],
            Undo = [new ApiCall("DELETE", "routes/{id}", null), add with { Body = """{"prefix":"192.168.70.0/24","installOn":"gateway","kernelRoute":false}""" }],
        };
        Assert.True((await remedies.PlanAsync(remedy, default)).Succeeded(out var plan, out _));
        Assert.Equal(["route.delete", "route.create"], plan.Changes.Select(c => c.Action));
        Assert.True((await remedies.ApplyAsync(remedy, default)).Succeeded(out var applied, out _));
        Assert.Equal(before + 1, (await host.Get("status"))["revision"]!["wanted"]!.GetValue<long>());
        Assert.True((await host.Get("routes"))["items"]![0]!["kernelRoute"]!.GetValue<bool>());
        Assert.True((await remedies.ApplyAsync(applied.Back, default)).Succeeded(out _, out _));
        Assert.False((await host.Get("routes"))["items"]![0]!["kernelRoute"]!.GetValue<bool>());

        // The second part is refused: the first was not made either.
        Assert.False((await remedies.ApplyAsync(remedy with { Apply = [new ApiCall("PATCH", $"peers/{peer}", """{"notes":"half"}"""), new ApiCall("PATCH", "interfaces/nowhere", """{"rpFilter":"off"}""")] }, default)).Succeeded(out _, out var failure));
        Assert.Equal(FailureKind.NotFound, failure.Kind);
        Assert.Equal("", (await host.Get($"peers/{peer}"))["notes"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("PATCH", "tunnels/wg0", """{"mtu":1280}""")]
    [InlineData("PATCH", "host", """{"ipv4Forwarding":true}""")]
    [InlineData("PATCH", "interfaces/all", """{"rpFilter":"off"}""")]
    public async Task EachKindOfRequest_IsCarriedOut_AndNeedsItsPermission(string method, string path, string body)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var remedy = new Remedy { Kind = RemedyKinds.Change, Text = "It.", Apply = [new ApiCall(method, path, body)], Undo = [] };
        await using (var page = Page(host, CallerIdentity.System with { Permissions = Permission.Read | Permission.ChangePeers | Permission.Explain }))
        {
            var operators = page.ServiceProvider.GetRequiredService<RemedyService>();
            Assert.False(operators.May(remedy));
            Assert.Equal(FailureKind.Forbidden, (await operators.ApplyAsync(remedy, default)).Failure!.Kind);
        }

        await using var administrators = Page(host, CallerIdentity.System);
        Assert.Null((await administrators.ServiceProvider.GetRequiredService<RemedyService>().ApplyAsync(remedy, default)).Failure);
        Assert.Equal(FailureKind.Malformed, (await administrators.ServiceProvider.GetRequiredService<RemedyService>().ApplyAsync(remedy with { Apply = [new ApiCall("POST", "users", "{}")] }, default)).Failure!.Kind);
    }

    [Fact]
    public async Task RecentQuestions_OfAPeerThatSentNothing_AreNone_AndOfNobodyAnError()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "alice" });
        await using var page = Page(host, CallerIdentity.System);
        var questions = page.ServiceProvider.GetRequiredService<RecentQuestions>();
        Assert.Empty((await questions.FindAsync("wg0/alice", default)).Value!);
        Assert.Equal("peer", Assert.Single((await questions.FindAsync("nobody", default)).Failure!.Errors).Field);
    }

    [Fact]
    public void QuestionOfADrop_IsTheConversationFromThePeersSide()
    {
        // UDP 192.168.60.101:53 → 192.168.53.99:4000, dropped on its way to the peer: the answer of a question to port 53.
        var packet = Convert.FromHexString("4500001c00004000401100" + "00c0a83c65c0a83563" + "00350fa000080000");
        Assert.Equal(new ExplainRequest { Peer = "wg0/alice", Source = "192.168.53.99", Destination = "192.168.60.101", Protocol = "udp", Port = 53 }, RecentQuestions.Of("wg0/alice", "out", packet));
        Assert.Equal(4000, RecentQuestions.Of("wg0/alice", "in", packet)!.Port);
        Assert.Null(RecentQuestions.Of("wg0/alice", "in", []));
    }

    private static AsyncServiceScope Page(TestHost host, CallerIdentity identity)
    {
        var scope = host.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(identity);
        return scope;
    }

    private static async Task<Remedy> Offered(AsyncServiceScope page, string hop) => (await Hop(page, hop)).Remedies[0];

    private static async Task<ExplainedHop> Hop(AsyncServiceScope page, string id)
    {
        var request = new ExplainRequest { Peer = "alice", Destination = "192.168.60.101" };
        return (await page.ServiceProvider.GetRequiredService<ExplainService>().ExplainAsync(request, default)).Value!.Hops.Single(hop => hop.Id == id);
    }

    private static async Task<string[]> Audited(TestHost host) =>
        [.. (await host.Get("audit"))["items"]!.AsArray().Select(entry => entry!["action"]!.GetValue<string>())];
}
