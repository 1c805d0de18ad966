using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>Tags, notes, the enabled flag; search, order, and changes to many at once.</summary>
public sealed class PeerListTests
{
    private const string Key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

    [Fact]
    public async Task Peer_Disabled_IsNotLetInUntilEnabled()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u", tags = new[] { "office", "berlin", "office" }, notes = "Third floor\nleft" });
        Assert.Equal(["berlin", "office"], Texts(peer["tags"]!));
        Assert.Equal("Third floor\nleft", peer["notes"]!.GetValue<string>());
        Assert.True(peer["enabled"]!.GetValue<bool>());
        Assert.Equal(1, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        peer = await host.Patch($"peers/{peer["id"]}", new { enabled = false, tags = new[] { "office", "paris" } });
        Assert.False(peer["enabled"]!.GetValue<bool>());
        Assert.Equal(["office", "paris"], Texts(peer["tags"]!));
        Assert.Equal(0, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        await host.Patch($"peers/{peer["id"]}", new { enabled = true });
        Assert.Equal(1, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        Assert.Equal(["office", "paris"], Texts(await host.Get("peers/tags")));
    }

    [Theory]
    [InlineData("search=BOB", "bob")]
    [InlineData("search=offi", "anna,bob")]
    [InlineData("search=192.168.53.7", "dora")]
    [InlineData("search=192.168.70", "bob")]
    [InlineData("search=xTIBA5", "carl")]
    [InlineData("search=xtiba5", "")]
    [InlineData("search=%25", "")]
    [InlineData("search=_", "")]
    [InlineData("search=100%25", "")]
    [InlineData("tag=office", "anna,bob")]
    [InlineData("tag=offic", "")]
    [InlineData("tag=office&search=ann", "anna")]
    [InlineData("enabled=false", "carl")]
    [InlineData("sort=name", "anna,bob,carl,dora")]
    [InlineData("sort=-name", "dora,carl,bob,anna")]
    [InlineData("sort=-created", "dora,carl,bob,anna")]
    [InlineData("sort=expires", "carl,anna,bob,dora")]
    public async Task List_SearchedAndSorted_HasThosePeersInThatOrder(string query, string expected)
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Post("tunnels/wg0/peers", new { name = "anna", tags = new[] { "office" }, expiresAt = "2101-01-01T00:00:00Z" });
        var bob = await host.Post("tunnels/wg0/peers", new { name = "bob", tags = new[] { "Office supplies", "office" } });
        await host.Post($"peers/{bob["id"]}/routes", new { prefix = "192.168.70.0/24", installOn = "gateway" });
        await host.Post("tunnels/wg0/peers", new { name = "carl", publicKey = Key, enabled = false, expiresAt = "2100-01-01T00:00:00Z" });
        await host.Post("tunnels/wg0/peers", new { name = "dora", addresses = new[] { "192.168.53.77/32" } });

        Assert.Equal(expected, string.Join(',', Names(await host.Get($"peers?{query}"))));
        // Page by page it is the same.
        var paged = new List<string>();
        for (string? cursor = null; ;)
        {
            var page = await host.Get($"tunnels/wg0/peers?{query}&limit=1{(cursor is null ? "" : $"&cursor={cursor}")}");
            paged.AddRange(Names(page));
            cursor = page["nextCursor"]?.GetValue<string>();
            if (cursor is null) break;
        }

        Assert.Equal(expected, string.Join(',', paged));
    }

    [Theory]
    [InlineData("sort=size", "sort")]
    [InlineData("cursor=!!", "cursor")]
    [InlineData("limit=0", "limit")]
    public async Task List_UnreadableQuery_Is400NamingTheParameter(string query, string field)
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal([field], await host.Fields(HttpMethod.Get, $"peers?{query}", null, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Bulk_ByFilter_ChangesThoseAndOneRevision()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await Make(host, ("a", "office"), ("b", "office"), ("c", "home"));
        var revision = await Revision(host);

        var done = await host.Post("peers/bulk", new { action = "disable", filter = new { tag = "office" } }, HttpStatusCode.OK);

        Assert.Equal((2, 2, revision + 1), (done["matched"]!.GetValue<int>(), done["changed"]!.GetValue<int>(), done["revision"]!.GetValue<long>()));
        Assert.Equal(["c"], Names(await host.Get("peers?enabled=true")));
        Assert.Equal(1, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
        done = await host.Post("peers/bulk", new { action = "disable", filter = new { } }, HttpStatusCode.OK);
        Assert.Equal((3, 1), (done["matched"]!.GetValue<int>(), done["changed"]!.GetValue<int>()));
        await host.Post("peers/bulk", new { action = "enable", filter = new { } }, HttpStatusCode.OK);
        Assert.Equal(3, (await host.Get("tunnels/wg0"))["peerCount"]!.GetValue<int>());
    }

    [Fact]
    public async Task Bulk_TagUntagExpireDelete_DoWhatTheySay()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var ids = await Make(host, ("a", "x"), ("b", "x"), ("c", "y"));
        var two = new[] { ids[0], ids[2] };
        await host.Post("peers/bulk", new { action = "tag", ids = two, tags = new[] { "new", "x" } }, HttpStatusCode.OK);
        Assert.Equal(["new", "x"], Texts((await host.Get($"peers/{ids[0]}"))["tags"]!));
        Assert.Equal(["new", "x", "y"], Texts((await host.Get($"peers/{ids[2]}"))["tags"]!));
        await host.Post("peers/bulk", new { action = "untag", ids, tags = new[] { "x" } }, HttpStatusCode.OK);
        Assert.Equal(["new", "y"], Texts((await host.Get($"peers/{ids[2]}"))["tags"]!));
        await host.Post("peers/bulk", new { action = "expire", ids = two, expiresAt = "2100-01-01T00:00:00Z" }, HttpStatusCode.OK);
        Assert.Equal(["b"], Names(await host.Get("peers?sort=-expires&limit=1")));
        var plan = await host.Post("peers/bulk?dryRun=true", new { action = "delete", ids }, HttpStatusCode.OK);
        Assert.Equal(3, plan["changes"]!.AsArray().Count);
        Assert.Equal(3, Names(await host.Get("peers")).Length);
        await host.Post("peers/bulk", new { action = "delete", ids = two }, HttpStatusCode.OK);
        Assert.Equal(["b"], Names(await host.Get("peers")));
    }

    [Fact]
    public async Task Bulk_OneUnknownPeer_ChangesNoneAndNamesIt()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var ids = await Make(host, ("a", "x"));
        var fields = await host.Fields(HttpMethod.Post, "peers/bulk", new { action = "disable", ids = new[] { ids[0], Guid.NewGuid().ToString() } }, HttpStatusCode.Conflict);
        Assert.Equal(["ids[1]"], fields);
        Assert.Equal(["a"], Names(await host.Get("peers?enabled=true")));
    }

    [Theory]
    [InlineData("""{"action":"sing","filter":{}}""", "action", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"action":"enable"}""", "ids", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"action":"enable","ids":[],"filter":{}}""", "ids", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"action":"tag","filter":{}}""", "tags", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"action":"tag","filter":{},"tags":["a,b"]}""", "tags[0]", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"action":"expire","filter":{},"expiresAt":"2001-01-01T00:00:00Z"}""", "expiresAt", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"action":"enable","filter":{"tags":["x"]}}""", "filter", HttpStatusCode.BadRequest)]
    [InlineData("""{"action":"enable","ids":["x"]}""", "ids", HttpStatusCode.BadRequest)]
    public async Task Bulk_BrokenRequest_NamesTheField(string body, string field, HttpStatusCode status)
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal([field], await host.Fields(HttpMethod.Post, "peers/bulk", body, status));
    }

    private static async Task<string[]> Make(TestHost host, params (string Name, string Tag)[] peers)
    {
        var ids = new List<string>();
        foreach (var (name, tag) in peers) ids.Add((await host.Post("tunnels/wg0/peers", new { name, tags = new[] { tag } }))["id"]!.GetValue<string>());
        return [.. ids];
    }

    private static async Task<long> Revision(TestHost host) => (await host.Get("status"))["revision"]!["wanted"]!.GetValue<long>();

    private static string[] Names(JsonNode page) => [.. page["items"]!.AsArray().Select(p => p!["name"]!.GetValue<string>())];

    private static string[] Texts(JsonNode array) => [.. array.AsArray().Select(t => t!.GetValue<string>())];
}
