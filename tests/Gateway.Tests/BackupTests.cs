using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Gateway.Data;
using Gateway.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests;

public sealed class BackupTests
{
    private const string Passphrase = "correct horse battery staple";

    [Fact]
    public async Task Restore_OnAnEmptyMachine_GivesTheSameConfigsByteForByte()
    {
        byte[] file;
        string before;
        await using (var host = await TestHost.StartAsync())
        {
            await Fill(host);
            before = await State(host);
            file = await Backup(host);
            var text = System.Text.Encoding.Latin1.GetString(file);
            Assert.DoesNotContain("host-u", text, StringComparison.Ordinal);
            Assert.DoesNotContain("SQLite", text, StringComparison.Ordinal);
            Assert.All(Directory.EnumerateFiles(host.Directory), f => Assert.DoesNotContain("gwbackup", f, StringComparison.Ordinal));
        }

        // Into a gateway that runs and has other things.
        await using (var other = await TestHost.StartAsync())
        {
            await other.Post("tunnels", new { name = "old0", listenPort = 51999, addresses = new[] { "10.9.0.1/24" } });
            var restored = await Restore(other, file, Passphrase, HttpStatusCode.OK);
            Assert.Equal((1, 2), (restored["tunnels"]!.GetValue<int>(), restored["peers"]!.GetValue<int>()));
            Assert.Equal(before, await State(other));
            await Eventually.True(() => Task.FromResult(other.Ports.Device is { Name: "wg0", Settings.Addresses.Length: 1 }), "the restored tunnel's device");
            Assert.Equal(restored["revision"]!.GetValue<long>(), (await other.Get("status"))["revision"]!["applied"]!.GetValue<long>());
            Assert.True(File.Exists(Path.Combine(other.Directory, restored["safetyCopy"]!.GetValue<string>())));
            await using var db = await other.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
            // The audit of both, and the restore itself.
            Assert.Contains(await db.Audit.ToListAsync(), e => e.Action == "tunnel.create" && e.Subject == "old0");
            Assert.Contains(await db.Audit.ToListAsync(), e => e.Action == "tunnel.create" && e.Subject == "wg0");
            Assert.Contains(await db.Audit.ToListAsync(), e => e.Action == "backup.restore");
            // And it goes on from there.
            await other.Post("tunnels/wg0/peers", new { name = "third" });
            // The safety copy brings the other one back.
            await Restore(other, await File.ReadAllBytesAsync(Path.Combine(other.Directory, restored["safetyCopy"]!.GetValue<string>())), Passphrase, HttpStatusCode.OK);
            await other.Get("tunnels/old0");
            await other.Get("tunnels/wg0", HttpStatusCode.NotFound);
        }

        // At the first start of a new one; the second start ignores it.
        using var directory = new TemporaryDirectory();
        using var elsewhere = new TemporaryDirectory();
        var path = Path.Combine(elsewhere.Path, "backup");
        await File.WriteAllBytesAsync(path, file);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            await using var fresh = await TestHost.StartAsync(directory.Path, TestHost.Token, null, "--Gateway:Restore:File", path, "--Gateway:Restore:Passphrase", Passphrase);
            Assert.Equal(before, await State(fresh));
            await fresh.Client.DeleteAsync($"/api/v1/peers/{(await fresh.Get("peers"))["items"]![0]!["id"]}");
            before = await State(fresh);
        }

        Assert.All(Directory.EnumerateFiles(directory.Path, "*", SearchOption.AllDirectories), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
    }

    [Fact]
    public async Task Restore_WrongPassphraseDamagedOrNewer_SaysSoAndChangesNothing()
    {
        await using var host = await TestHost.StartAsync();
        await Fill(host);
        var file = await Backup(host);
        var before = await State(host);

        Assert.Contains("does not open", await Refused(file, "another passphrase"), StringComparison.Ordinal);
        Assert.Contains("no backup", await Refused([.. "hello"u8]), StringComparison.Ordinal);
        Assert.Contains("no backup", await Refused([]), StringComparison.Ordinal);
        Assert.Contains("damaged", await Refused(file[..^1]), StringComparison.Ordinal);
        Assert.Contains("damaged", await Refused(file[..(56 + 65536 + 16)]), StringComparison.Ordinal);
        Assert.Contains("damaged", await Refused([.. file, 0]), StringComparison.Ordinal);
        foreach (var at in new[] { 60, file.Length / 2, file.Length - 1 })
        {
            var changed = file.ToArray();
            changed[at] ^= 1;
            Assert.Contains("damaged", await Refused(changed), StringComparison.Ordinal);
        }

        var newer = file.ToArray();
        newer[8] = 9;
        Assert.Contains("newer gateway", await Refused(newer), StringComparison.Ordinal);
        await host.Post("backup", new { passphrase = "short" }, HttpStatusCode.UnprocessableEntity);
        Assert.Equal(before, await State(host));
        Assert.Empty(Directory.EnumerateFileSystemEntries(host.Directory, ".*"));

        // A backup whose database a newer version has migrated.
        await using (var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync())
            await db.Database.ExecuteSqlRawAsync("INSERT INTO __EFMigrationsHistory VALUES ('29990101000000_Future', '99.0')");
        var future = await Backup(host);
        Assert.Contains("29990101000000_Future", await Refused(future), StringComparison.Ordinal);

        async Task<string> Refused(byte[] bytes, string passphrase = Passphrase) => (await Restore(host, bytes, passphrase, HttpStatusCode.UnprocessableEntity))["detail"]!.GetValue<string>();
    }

    [Fact]
    public async Task Start_OnADatabaseOfANewerVersion_SaysSo()
    {
        using var directory = new TemporaryDirectory();
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
            await db.Database.ExecuteSqlRawAsync("INSERT INTO __EFMigrationsHistory VALUES ('29990101000000_Future', '99.0')");
        }

        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(directory.Path));
        Assert.Contains("29990101000000_Future", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithMigrationsToDo_CopiesTheDatabaseBefore()
    {
        using var directory = new TemporaryDirectory();
        string last;
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            await host.Wg0();
            await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
            last = db.Database.GetMigrations().First();
            await db.GetService<IMigrator>().MigrateAsync(last);
        }

        Assert.Empty(Directory.EnumerateFiles(Path.Combine(directory.Path, "backups")));
        await using var again = await TestHost.StartAsync(directory.Path);
        var copy = Assert.Single(Directory.EnumerateFiles(Path.Combine(directory.Path, "backups")));
        Assert.EndsWith($"{last}.db", copy, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
        Assert.Equal("wg0", (await again.Get("tunnels/wg0"))["name"]!.GetValue<string>());
        Assert.Empty((await again.Get("tunnels/wg0"))["nat"]!.AsArray());
    }

    private static async Task Fill(TestHost host)
    {
        await host.Wg0();
        await host.Patch("tunnels/wg0", new { nat = new[] { new { prefix = "0.0.0.0/0", to = "masquerade" } } });
        foreach (var name in new[] { "host-u", "host-w" })
        {
            var peer = await host.Post("tunnels/wg0/peers", new { name });
            await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24" });
        }
    }

    private static async Task<string> State(TestHost host)
    {
        var state = new System.Text.StringBuilder();
        foreach (var peer in (await host.Get("peers"))["items"]!.AsArray()) state.Append(await host.Client.GetStringAsync($"/api/v1/peers/{peer!["id"]}/config"));
        state.Append(await host.Get("routes"));
        var tunnel = await host.Get("tunnels/wg0");
        return state.Append(tunnel["publicKey"]).Append(tunnel["nat"]).ToString();
    }

    private static async Task<byte[]> Backup(TestHost host)
    {
        using var answer = await host.Client.PostAsJsonAsync("/api/v1/backup", new { passphrase = Passphrase });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.EndsWith(".gwbackup", answer.Content.Headers.ContentDisposition!.FileName, StringComparison.Ordinal);
        return await answer.Content.ReadAsByteArrayAsync();
    }

    private static async Task<JsonNode> Restore(TestHost host, byte[] file, string passphrase, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/restore") { Content = new ByteArrayContent(file) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        request.Headers.Add("Gateway-Passphrase", Uri.EscapeDataString(passphrase));
        using var answer = await host.Client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == expected, $"{(int)answer.StatusCode}: {text} {string.Join('\n', host.Log.Lines.Where(l => l.StartsWith("Error", StringComparison.Ordinal)))}");
        return JsonNode.Parse(text)!;
    }
}
