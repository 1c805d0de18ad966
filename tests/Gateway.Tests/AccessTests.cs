using System.Net;
using System.Text.Json.Nodes;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Features.Peers;
using Gateway.Features.Tunnels;
using Gateway.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests;

/// <summary>Who may do what, what a dry run leaves behind, and what the audit keeps.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task Service_CallerLacksPermission_IsForbiddenAndChangesNothing()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await using var scope = host.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(new CallerIdentity("user", Guid.Empty, "eve", Permissions.OfRole(Roles.Viewer), IPAddress.Loopback));

        var read = await scope.ServiceProvider.GetRequiredService<TunnelService>().ListAsync(null, null, CancellationToken.None);
        var changed = await scope.ServiceProvider.GetRequiredService<PeerService>().CreateAsync("wg0", new PeerSettings { Name = "u" }, CancellationToken.None);

        Assert.Null(read.Failure);
        Assert.Equal(HttpStatusCode.Forbidden, (HttpStatusCode)changed.Failure!.Kind);
        Assert.Contains("'eve'", changed.Failure.Detail, StringComparison.Ordinal);
        Assert.Empty((await host.Get("peers"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Service_NobodySaidWhoCalls_IsForbidden()
    {
        await using var host = await TestHost.StartAsync();
        await using var scope = host.Services.CreateAsyncScope();
        Assert.NotNull((await scope.ServiceProvider.GetRequiredService<TunnelService>().ListAsync(null, null, CancellationToken.None)).Failure);
    }

    [Fact]
    public async Task DryRun_Create_TellsWhatWouldBeAndChangesNothing()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var revision = (await host.Get("status"))["revision"]!["wanted"]!.GetValue<long>();

        var plan = await host.Post("tunnels/wg0/peers?dryRun=true", new { name = "u", presharedKey = Convert.ToBase64String(new byte[32]) }, HttpStatusCode.OK);

        Assert.True(plan["dryRun"]!.GetValue<bool>());
        var change = Assert.Single(plan["changes"]!.AsArray())!;
        Assert.Equal("peer.create", change["action"]!.GetValue<string>());
        Assert.Equal("192.168.53.2/32", change["after"]!["addresses"]![0]!.GetValue<string>());
        Assert.Equal("(set)", change["after"]!["presharedKey"]!.GetValue<string>());
        Assert.Empty((await host.Get("peers"))["items"]!.AsArray());
        Assert.Equal(revision, (await host.Get("status"))["revision"]!["wanted"]!.GetValue<long>());
        Assert.DoesNotContain(await Audit(host), e => e.Action == "peer.create");
    }

    [Fact]
    public async Task DryRun_BrokenRule_AnswersAsTheChangeWould()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        Assert.Equal(["name"], await host.Fields(HttpMethod.Post, "tunnels/wg0/peers?dryRun=true", new { name = "" }, HttpStatusCode.UnprocessableEntity));
    }

    [Theory]
    [InlineData("tunnels/wg0/packets?dryRun=true")]
    [InlineData("tunnels?dryRun=perhaps")]
    public async Task DryRun_NotToBeHadOrUnreadable_IsRefused(string path)
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(["dryRun"], await host.Fields(HttpMethod.Post, path, new { }, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Audit_PeerUpdated_HasWhoWhatWhereAndOnlyWhatChanged()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var secret = Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray());
        await host.Patch($"peers/{peer["id"]}", new { keepaliveSeconds = 25, presharedKey = secret });

        var entry = Assert.Single(await Audit(host), e => e.Action == "peer.update");

        Assert.Equal(("token", "bootstrap", "127.0.0.1", "u"), (entry.ActorKind, entry.Actor, entry.From, entry.Subject));
        Assert.Equal(["keepaliveSeconds", "presharedKey"], JsonNode.Parse(entry.After!)!.AsObject().Select(p => p.Key).Order());
        Assert.Equal("(set)", JsonNode.Parse(entry.Before!)!["presharedKey"]!.GetValue<string>());
        Assert.DoesNotContain(secret, entry.After + entry.Before, StringComparison.Ordinal);
        Assert.Equal((await host.Get($"peers/{peer["id"]}"))["revision"]!.GetValue<long>(), entry.Revision);
    }

    private static async Task<List<AuditEntry>> Audit(TestHost host)
    {
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        return await db.Audit.AsNoTracking().OrderBy(e => e.Id).ToListAsync();
    }
}
