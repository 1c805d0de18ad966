using Gateway.Contracts;
using Gateway.Features.Peers;
using Gateway.Features.Routes;
using Gateway.Security;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Components;

/// <summary>What the dashboard's tables read.</summary>
public sealed class TableTests
{
    [Fact]
    public async Task PeerTable_GivesAnyPieceInOrder_AndFindsByStateAndText()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        foreach (var name in new[] { "carol", "Alice", "bob" }) await host.Post("tunnels/wg0/peers", new { name });
        await using var scope = Signed(host, Permission.Read);
        var table = scope.ServiceProvider.GetRequiredService<PeerTable>();
        Assert.Equal(["Alice", "bob", "carol"], await Names(table, "name"));
        Assert.Equal(["carol", "bob", "Alice"], await Names(table, "-name"));
        Assert.Equal(["bob"], await Names(table, "name", skip: 1, take: 1));
        Assert.Equal(["Alice", "bob", "carol"], await Names(table, "name", state: PeerStates.Never));
        Assert.Empty(await Names(table, "name", state: PeerStates.Working));
        Assert.Equal(["carol"], await Names(table, "-received", search: "car"));
    }

    [Fact]
    public async Task PeerTable_WithoutPermission_IsRefused()
    {
        await using var host = await TestHost.StartAsync();
        await using var scope = Signed(host, Permission.None);
        var read = await scope.ServiceProvider.GetRequiredService<PeerTable>().ReadAsync(new PeerTableQuery(new PeerFilter(), null, "name"), 0, 10, CancellationToken.None);
        Assert.NotNull(read.Failure);
    }

    [Fact]
    public async Task RouteTable_TellsBothKinds_AndWhoTakesAPart()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var alice = (await host.Post("tunnels/wg0/peers", new { name = "alice" }))["id"]!.GetValue<string>();
        var bob = (await host.Post("tunnels/wg0/peers", new { name = "bob" }))["id"]!.GetValue<string>();
        await host.Post($"peers/{alice}/routes", new { prefix = "10.20.0.0/16", installOn = "gateway", kernelRoute = false });
        await host.Post($"peers/{bob}/routes", new { prefix = "10.20.30.0/24", installOn = "gateway" });
        await host.Post($"peers/{bob}/routes", new { prefix = "192.168.60.0/24" });
        await using var scope = Signed(host, Permission.Read);
        var lines = (await scope.ServiceProvider.GetRequiredService<RouteTable>().ReadAsync(CancellationToken.None)).Value!.ToDictionary(l => l.Route.Prefix);
        Assert.Equal(("bob", "10.20.30.0/24"), (lines["10.20.0.0/16"].TakenBy, lines["10.20.0.0/16"].Part));
        Assert.Equal(KernelPlace.NotWanted, lines["10.20.0.0/16"].Kernel);
        Assert.Equal(KernelPlace.Missing, lines["10.20.30.0/24"].Kernel);
        Assert.Equal(KernelPlace.None, lines["192.168.60.0/24"].Kernel);
    }

    private static AsyncServiceScope Signed(TestHost host, Permission permissions)
    {
        var scope = host.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.System with { Permissions = permissions });
        return scope;
    }

    private static async Task<IEnumerable<string>> Names(PeerTable table, string sort, string? state = null, string? search = null, int skip = 0, int take = 10) =>
        (await table.ReadAsync(new PeerTableQuery(new PeerFilter { Search = search }, state, sort), skip, take, CancellationToken.None)).Value!.Peers.Select(p => p.Name);
}
