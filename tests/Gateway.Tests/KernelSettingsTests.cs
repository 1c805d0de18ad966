using System.Net;
using System.Text.Json.Nodes;
using Gateway.Data;
using Gateway.Engine.Ports;
using Gateway.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests;

/// <summary>Setting, enforcing, leaving and putting back kernel settings; what the kernel makes of them is in the namespace tests.</summary>
public sealed class KernelSettingsTests
{
    [Fact]
    public async Task Setting_SomebodyElseChangesIt_IsShownAndLeftAlone()
    {
        await using var host = await TestHost.StartAsync();
        var set = Setting(await host.Patch("interfaces/eth0", new { rpFilter = "loose" }), "rpFilter");
        Assert.Equal((2, 2, 1, false, "bootstrap"), (Number(set, "value"), Number(set, "desired"), Number(set, "original"), Flag(set, "drift"), set["changedBy"]!.GetValue<string>()));
        Assert.Equal("net.ipv4.conf.eth0.rp_filter", set["sysctl"]!.GetValue<string>());

        host.Kernel.Change("ipv4/conf/eth0/rp_filter", 0);
        // A change of another setting of the same device does not set this one.
        var shown = Setting(await host.Patch("interfaces/eth0", new { srcValidMark = true }), "rpFilter");
        Assert.Equal((0, true, "somebody else"), (Number(shown, "value"), Flag(shown, "drift"), shown["changedBy"]!.GetValue<string>()));
        Assert.Equal(1, host.Kernel.Others["ipv4/conf/eth0/src_valid_mark"]);

        await host.Patch("interfaces/eth0", new { rpFilter = "loose" });
        Assert.Equal(2, host.Kernel.RpFilters["eth0"]);
    }

    [Fact]
    public async Task Setting_Enforced_IsPutBackWhenSomebodyElseChangesIt()
    {
        await using var host = await TestHost.StartAsync();
        var set = await host.Patch("interfaces/eth0", new { rpFilter = "loose", enforce = true });
        Assert.True(Flag(Setting(set, "rpFilter"), "enforced"));
        host.Kernel.Change("ipv4/conf/eth0/rp_filter", 1);
        await Eventually.True(() => Task.FromResult(host.Kernel.RpFilters["eth0"] == 2), "rp_filter being put back");
        Assert.Contains(host.Log.Lines, l => l.Contains("net.ipv4.conf.eth0.rp_filter", StringComparison.Ordinal) && l.Contains("enforced", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Host_ForwardingSwitchedAndLeft_FollowsAndIsPutBack()
    {
        await using var host = await TestHost.StartAsync(prepare: h => h.Kernel.Forwards = false);
        var set = await host.Patch("host", new { ipv4Forwarding = true });
        Assert.Equal(1, Number(Setting(set, "ipv4Forwarding"), "value"));
        Assert.Null(Setting(set, "ipv6Forwarding")["desired"]);
        await host.Patch("host", new { ipv4Forwarding = (bool?)null });
        Assert.Equal(0, host.Kernel.Others["ipv4/ip_forward"]);
    }

    [Fact]
    public async Task Host_Ipv6Forwarding_NeverCostsTheDefaultRoute()
    {
        await using var host = await TestHost.StartAsync(prepare: h =>
        {
            h.Kernel.Forwards = false;
            h.Kernel.LearnedDefaultRoutes.Add("eth0");
        });
        // Wanted otherwise by a person: refused.
        await host.Patch("interfaces/eth0", new { acceptRa = 1 });
        Assert.Equal(["ipv6Forwarding"], await host.Fields(HttpMethod.Patch, "host", new { ipv6Forwarding = true }, HttpStatusCode.UnprocessableEntity));
        await host.Patch("interfaces/eth0", new { acceptRa = (int?)null });
        host.Kernel.Written.Clear();

        await host.Patch("host", new { ipv6Forwarding = true });
        Assert.Equal(["ipv6/conf/eth0/accept_ra=2", "ipv6/conf/all/forwarding=1"], host.Kernel.Written);

        host.Kernel.Written.Clear();
        await host.Post("host/restore", new { }, HttpStatusCode.OK);
        Assert.Equal(["ipv6/conf/all/forwarding=0", "ipv6/conf/eth0/accept_ra=1"], host.Kernel.Written);
        Assert.All((await host.Get("interfaces/eth0"))["settings"]!.AsArray(), s => Assert.Null(s!["desired"]));
    }

    [Fact]
    public async Task Host_Ipv6ForwardingWhereAcceptRaIsRefused_IsNotSwitched()
    {
        await using var host = await TestHost.StartAsync(prepare: h =>
        {
            h.Kernel.Forwards = false;
            h.Kernel.LearnedDefaultRoutes.Add("eth0");
            h.Kernel.Refusal = new PortException("/proc/sys is mounted read-only (EROFS).", "Start the container with --sysctl.");
        });
        var set = Setting(await host.Patch("host", new { ipv6Forwarding = true }), "ipv6Forwarding");
        Assert.Contains("would lose it", set["problem"]!["cause"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(0, host.Kernel.Others["ipv6/conf/all/forwarding"]);
        var ra = Setting(await host.Get("interfaces/eth0"), "acceptRa");
        Assert.Contains("EROFS", ra["problem"]!["cause"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("interfaces/eth0", """{"acceptRa":3,"rpFilter":"on"}""", "rpFilter", "acceptRa")]
    [InlineData("interfaces/all", """{"ipv6Forwarding":true}""", "ipv6Forwarding")]
    [InlineData("interfaces/lo", """{"acceptRa":2}""", "acceptRa")]
    public async Task Setting_RulesBroken_AreNamedAtOnce(string path, string body, params string[] fields)
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal(fields, await host.Fields(HttpMethod.Patch, path, body, HttpStatusCode.UnprocessableEntity));
    }

    [Fact]
    public async Task RestoreKernel_AtUninstall_PutsEverythingBackAndKeepsTheDatabase()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        await host.Patch("tunnels/wg0", new { clampMss = true });
        await host.Patch("interfaces/eth0", new { rpFilter = "off" });
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        using var output = new StringWriter();
        Assert.Equal(0, await KernelRestore.RestoreAsync(db, host.Kernel, host.Rules, output));
        Assert.Equal(1, host.Kernel.RpFilters["eth0"]);
        Assert.Contains("net.ipv4.conf.eth0.rp_filter = 1", output.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await db.KernelSettings.CountAsync());
    }

    [Fact]
    public async Task Upgrade_OfADatabaseWithInterfaceSettings_KeepsThem()
    {
        using var directory = new TemporaryDirectory();
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
            await db.GetService<IMigrator>().MigrateAsync(db.Database.GetMigrations().First());
            await db.Database.ExecuteSqlRawAsync("INSERT INTO InterfaceSettings (Name, RpFilter, OriginalRpFilter, Revision) VALUES ('eth0', 2, 0, 7)");
        }

        await using var again = await TestHost.StartAsync(directory.Path);
        var setting = Setting(await again.Get("interfaces/eth0"), "rpFilter");
        Assert.Equal((2, 2, 0), (Number(setting, "value"), Number(setting, "desired"), Number(setting, "original")));
    }

    private static JsonNode Setting(JsonNode resource, string name) => resource["settings"]!.AsArray().Single(s => s!["name"]!.GetValue<string>() == name)!;

    private static int Number(JsonNode setting, string member) => setting[member]!.GetValue<int>();

    private static bool Flag(JsonNode setting, string member) => setting[member]!.GetValue<bool>();
}
