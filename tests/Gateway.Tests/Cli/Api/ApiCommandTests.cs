using Gateway.Cli;
using Gateway.Contracts;
using Gateway.Contracts.Client;
using Xunit;

namespace Gateway.Tests.Cli.Api;

/// <summary>Commands against the whole host: what they do, what they print, and what they end with.</summary>
public sealed class ApiCommandTests
{
    private static readonly string[] Wg0 = ["tunnel", "add", "wg0", "--listen-port", "51820", "--address", "192.168.53.1/24", "--endpoint", "10.0.2.8:51820"];

    [Fact]
    public async Task PeerAdd_WithRouteQrAndFile_MakesAllAndShowsTheConfig()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);

        var text = await cli.TextAsync("peer", "add", "alice", "--tunnel", "wg0", "--route", "192.168.60.0/24", "--gateway-route", "192.168.70.0/24", "--tag", "staff", "--expires", "30d", "--qr", "--output", cli.Path("alice.conf"));

        Assert.Contains("Made peer alice with 192.168.60.0/24, 192.168.70.0/24.", text, StringComparison.Ordinal);
        Assert.Contains("█ ▄▄▄▄▄ █", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[", text, StringComparison.Ordinal);
        Assert.Contains("AllowedIPs = 192.168.53.0/24, 192.168.60.0/24", await File.ReadAllTextAsync(cli.Path("alice.conf")), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(cli.Path("alice.conf")));
        var peer = Assert.Single((await cli.Api.Peers.ListAsync()).Value!.Items);
        Assert.Equal(["staff"], peer.Tags);
        Assert.InRange(peer.ExpiresAt!.Value, TimeProvider.System.GetUtcNow().AddDays(29), TimeProvider.System.GetUtcNow().AddDays(31));
        Assert.Equal(["client", "gateway"], (await cli.Api.Routes.ListAsync()).Value!.Items.Select(r => r.InstallOn));
    }

    [Fact]
    public async Task PeerAdd_WhoseRouteIsRefused_LeavesNoPeer()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        var said = await cli.RefusedAsync(ExitCodes.Usage, "peer", "add", "alice", "--route", "192.168.60.1/24");
        Assert.Contains("prefix", said, StringComparison.Ordinal);
        Assert.Contains("taken back", said, StringComparison.Ordinal);
        Assert.Empty((await cli.Api.Peers.ListAsync()).Value!.Items);
    }

    [Fact]
    public async Task List_AsText_HasHeadingsAndRowsAndAsJsonTheApisOwn()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        var lines = (await cli.TextAsync("tunnel", "list")).Split('\n');
        Assert.Matches("^NAME +STATE +TRANSPORT", lines[0]);
        Assert.Matches("^wg0 +up +wireguard +ip +51820 +192.168.53.1/24 +0 +0 B +0 B", lines[1]);
        var json = await cli.JsonAsync("tunnel", "list");
        Assert.Equal(51820, json["items"]![0]!["listenPort"]!.GetValue<int>());
        Assert.Equal((await cli.Host.Get("tunnels"))["items"]![0]!["id"]!.GetValue<string>(), json["items"]![0]!["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task List_OfMoreThanOnePage_IsWholeOrAsLongAsAsked()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync("tunnel", "add", "wg0", "--address", "10.1.0.1/16");
        foreach (var i in Enumerable.Range(0, 12)) Assert.Null((await cli.Api.Peers.CreateAsync("wg0", new PeerSettings { Name = $"p{i}" })).Problem);
        var all = await GatewayClient.ReadAllAsync<PeerResponse>(page => cli.Api.Peers.ListAsync(page: page with { Limit = 5 }));
        Assert.Equal(12, all.Value!.Items.Select(p => p.Name).Distinct().Count());
        Assert.Contains("there are more", await cli.TextAsync("peer", "list", "--limit", "3"), StringComparison.Ordinal);
        Assert.Equal(12, (await cli.JsonAsync("peer", "list"))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Names_StandForIdsAndAreRefusedWhereTheyAreAmbiguous()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        await cli.TextAsync("tunnel", "add", "wg1", "--listen-port", "51821", "--address", "192.168.54.1/24");
        await cli.RefusedAsync(ExitCodes.Usage, "peer", "add", "alice");
        await cli.TextAsync("peer", "add", "alice", "--tunnel", "wg0");
        await cli.TextAsync("peer", "add", "alice", "--tunnel", "wg1");
        await cli.TextAsync("peer", "add", "alice2", "--tunnel", "wg1");

        var ambiguous = await cli.RefusedAsync(ExitCodes.Usage, "peer", "show", "alice");
        Assert.Contains("wg0/alice", ambiguous, StringComparison.Ordinal);
        Assert.Contains("wg1/alice", ambiguous, StringComparison.Ordinal);
        var peer = await cli.JsonAsync("peer", "show", "wg1/alice");
        Assert.Equal("wg1", peer["tunnel"]!.GetValue<string>());
        Assert.Equal("alice", (await cli.JsonAsync("peer", "show", peer["id"]!.GetValue<string>()))["name"]!.GetValue<string>());
        Assert.Contains("no peer 'bob'", await cli.RefusedAsync(ExitCodes.NotFound, "peer", "show", "bob"), StringComparison.Ordinal);

        await cli.TextAsync("peer", "set", "alice2", "--name", "carol", "--notes", "hers", "--keepalive", "25");
        await cli.TextAsync("peer", "disable", "carol");
        await cli.TextAsync("peer", "set", "carol", "--clear", "notes");
        var carol = await cli.JsonAsync("peer", "show", "carol");
        Assert.False(carol["enabled"]!.GetValue<bool>());
        Assert.Equal("", carol["notes"]!.GetValue<string>());
        Assert.Equal(25, carol["keepaliveSeconds"]!.GetValue<int>());
        await cli.TextAsync("peer", "bulk", "enable", "carol");
        Assert.True((await cli.JsonAsync("peer", "show", "carol"))["enabled"]!.GetValue<bool>());
        await cli.RefusedAsync(ExitCodes.Usage, "peer", "bulk", "delete");
        Assert.Contains("Changed 2 of 2", await cli.TextAsync("peer", "bulk", "tag", "--tunnel", "wg1", "--add-tag", "away"), StringComparison.Ordinal);
        Assert.Equal("away\n", await cli.TextAsync("peer", "tags"));
    }

    [Fact]
    public async Task Route_IsDeletedByPeerAndPrefix()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        await cli.TextAsync("peer", "add", "alice");
        await cli.TextAsync("route", "add", "alice", "192.168.60.0/24");
        await cli.TextAsync("route", "set", "alice", "192.168.60.0/24", "--prefix", "192.168.61.0/24");
        Assert.Matches("wg0 +alice +192.168.61.0/24 +client", await cli.TextAsync("route", "list", "--peer", "alice"));
        await cli.RefusedAsync(ExitCodes.NotFound, "route", "delete", "alice", "192.168.60.0/24");
        await cli.TextAsync("route", "delete", "alice", "192.168.61.0/24");
        Assert.Empty((await cli.JsonAsync("route", "list"))["items"]!.AsArray());
    }

    [Fact]
    public async Task DryRun_ShowsThePlanAndChangesNothing()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        var text = await cli.TextAsync("tunnel", "set", "wg0", "--mtu", "1380", "--nat", "0.0.0.0/0=masquerade", "--dry-run");
        Assert.Contains("Nothing was changed", text, StringComparison.Ordinal);
        Assert.Matches("mtu +(1420 +)?1380", text);
        Assert.True((await cli.JsonAsync("peer", "add", "alice", "--dry-run"))["dryRun"]!.GetValue<bool>());
        Assert.NotEqual(1380, (await cli.JsonAsync("tunnel", "show", "wg0"))["mtu"]!.GetValue<int>());
        Assert.Empty((await cli.Api.Peers.ListAsync()).Value!.Items);
        await cli.TextAsync("tunnel", "set", "wg0", "--mtu", "1380", "--nat", "0.0.0.0/0=masquerade", "--clamp-mss");
        Assert.Contains("0.0.0.0/0 masquerade", await cli.TextAsync("tunnel", "show", "wg0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_NameTheFieldsAndEndWithTheirCodes()
    {
        await using var cli = await CliSession.StartAsync();
        var said = await cli.RefusedAsync(ExitCodes.Usage, "tunnel", "add", "wg0", "--listen-port", "70000", "--address", "nonsense");
        Assert.Contains("  listenPort: ", said, StringComparison.Ordinal);
        Assert.Contains("  addresses[0]: ", said, StringComparison.Ordinal);
        await cli.TextAsync(Wg0);
        await cli.RefusedAsync(ExitCodes.Conflict, Wg0);
        await cli.RefusedAsync(ExitCodes.NotFound, "tunnel", "show", "wg7");
        await cli.RefusedAsync(ExitCodes.Conflict, "tunnel", "set", "wg0", "--mtu", "1300", "--if-match", "12345");
        Assert.Contains("\"soon\"", await cli.RefusedAsync(ExitCodes.Usage, "peer", "add", "a", "--expires", "soon"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(cli.TokenFile, "not-the-token-at-all");
        await cli.RefusedAsync(ExitCodes.NotAllowed, "status");
        await File.WriteAllTextAsync(cli.TokenFile, "two words");
        await cli.RefusedAsync(ExitCodes.Usage, "status");
    }

    [Fact]
    public async Task Gateway_ThatDoesNotAnswer_Is6()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.Host.StopAsync();
        using var errors = new StringWriter();
        Assert.Equal(ExitCodes.Unreachable, await Program.RunAsync(["status", "--url", "http://127.0.0.1:1", "--token-file", cli.TokenFile], errors));
        Assert.Contains("http://127.0.0.1:1", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnixSocket_IsAsGoodAsAnAddress()
    {
        using var directory = new TemporaryDirectory();
        var socket = Path.Combine(directory.Path, "api.sock");
        await using var cli = await CliSession.StartAsync("--urls", $"http://127.0.0.1:0;http://unix:{socket}");
        using var output = new StringWriter();
        Assert.Equal(0, await Program.RunAsync(["status", "--url", $"http://unix:{socket}", "--token-file", cli.TokenFile], TextWriter.Null, output));
        Assert.Contains("Revision", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reading_Commands_Answer()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        await cli.TextAsync("peer", "add", "alice");
        Assert.Contains("Revision", await cli.TextAsync("status"), StringComparison.Ordinal);
        Assert.Equal("0.1.0", (await cli.JsonAsync("status"))["version"]!.GetValue<string>());
        Assert.NotNull((await cli.JsonAsync("interface", "list"))["items"]);
        Assert.NotNull((await cli.JsonAsync("flow", "list", "proto=tcp", "--sort=-bytes"))["items"]);
        Assert.NotNull((await cli.JsonAsync("drop", "list"))["items"]);
        await cli.RefusedAsync(ExitCodes.Usage, "flow", "list", "nonsense ==");
        Assert.NotNull((await cli.JsonAsync("event", "list", "severity=info"))["items"]);
        Assert.Equal("hour", (await cli.JsonAsync("history", "list", "--peer", "alice", "--from", "2d", "--step", "hour"))["step"]!.GetValue<string>());
        await cli.TextAsync("history", "list", "--tunnel", "wg0");
        Assert.Contains("[Interface]", await cli.TextAsync("peer", "config", "alice"), StringComparison.Ordinal);
        var link = await cli.JsonAsync("peer", "link", "add", "alice", "--expires-in", "600");
        Assert.Contains("/links/", link["url"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains(link["id"]!.GetValue<string>(), await cli.TextAsync("peer", "link", "list", "alice"), StringComparison.Ordinal);
        await cli.TextAsync("peer", "link", "delete", "alice", link["id"]!.GetValue<string>());
        Assert.Contains("Wrote 28 bytes", await cli.TextAsync("packet", "send", "wg0", "4500001c000100004001ef2dc0a83563c0a83c650800f7fe00010000"), StringComparison.Ordinal);
        Assert.Equal("", await cli.TextAsync("packet", "watch", "icmp", "--seconds", "1", "--tunnel", "wg0"));
        await cli.TextAsync("packet", "capture", "--seconds", "1", "--tunnel", "wg0", "--output", cli.Path("c.pcapng"));
        Assert.Equal([0x0a, 0x0d, 0x0d, 0x0a], (await File.ReadAllBytesAsync(cli.Path("c.pcapng"))).Take(4));
    }

    [Fact]
    public async Task Token_WithAScope_MayDoThatAndNoMore()
    {
        await using var cli = await CliSession.StartAsync();
        await cli.TextAsync(Wg0);
        var made = await cli.JsonAsync("token", "add", "monitoring", "--scope", "read", "--expires", "30d");
        await File.WriteAllTextAsync(cli.Path("monitoring"), made["token"]!.GetValue<string>());
        using var errors = new StringWriter();
        Assert.Equal(0, await Program.RunAsync(["status", "--url", cli.Url, "--token-file", cli.Path("monitoring")], errors, TextWriter.Null));
        Assert.Equal(ExitCodes.NotAllowed, await Program.RunAsync(["tunnel", "delete", "wg0", "--url", cli.Url, "--token-file", cli.Path("monitoring")], errors, TextWriter.Null));
        Assert.Contains("monitoring", await cli.TextAsync("token", "list"), StringComparison.Ordinal);
        Assert.Contains("token.create", await cli.TextAsync("audit", "list", "--action", "token", "--since", "1h"), StringComparison.Ordinal);
        await cli.TextAsync("token", "revoke", "monitoring");
        Assert.Equal(ExitCodes.NotAllowed, await Program.RunAsync(["status", "--url", cli.Url, "--token-file", cli.Path("monitoring")], errors, TextWriter.Null));
        Assert.Contains("token", await cli.TextAsync("profile", "show"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task User_IsMadeChangedAndDeletedByName()
    {
        await using var cli = await CliSession.StartAsync();
        Assert.Contains("http", (await cli.JsonAsync("user", "add", "dora", "--role", "operator"))["invitationLink"]!.GetValue<string>(), StringComparison.Ordinal);
        await cli.TextAsync("user", "set", "dora", "--role", "viewer", "--sees-packets");
        Assert.Matches("dora +viewer +yes +no", await cli.TextAsync("user", "list"));
        await cli.RefusedAsync(ExitCodes.Usage, "user", "set", "dora", "--role", "emperor");
        await cli.TextAsync("user", "invite", "dora");
        await cli.TextAsync("user", "sign-out", "dora");
        await cli.TextAsync("user", "delete", "dora");
        await cli.RefusedAsync(ExitCodes.NotFound, "user", "show", "dora");
    }

    [Fact]
    public async Task Backup_Restored_BringsBackWhatWasThere()
    {
        await using var cli = await CliSession.StartAsync();
        await File.WriteAllTextAsync(cli.Path("secret"), "correct horse battery staple\n");
        await cli.TextAsync(Wg0);
        Assert.Contains("is in", await cli.TextAsync("backup", cli.Path("b"), "--passphrase-file", cli.Path("secret")), StringComparison.Ordinal);
        await cli.TextAsync("tunnel", "delete", "wg0");
        await cli.RefusedAsync(ExitCodes.Usage, "restore", cli.Path("b"), "--passphrase-file", cli.Path("secret"));
        Assert.Contains("1 tunnels", await cli.TextAsync("restore", cli.Path("b"), "--passphrase-file", cli.Path("secret"), "--yes"), StringComparison.Ordinal);
        Assert.Equal("wg0", (await cli.JsonAsync("tunnel", "show", "wg0"))["name"]!.GetValue<string>());
    }
}
