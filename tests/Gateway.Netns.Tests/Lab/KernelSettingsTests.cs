using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>Kernel settings of the gateway's host, against the real kernel.</summary>
public sealed class KernelSettingsTests
{
    [Fact]
    public async Task Enforced_ChangedByHand_IsPutBackAtOnce_AndAllIsPutBackAtTheEnd()
    {
        await using var lab = await ThreeHosts.WithGateway();
        var before = await Sysctls(lab);
        await lab.Api.Patch("interfaces/eth1", new { rpFilter = "loose", enforce = true });
        await lab.Api.Patch("host", new { ipv4Forwarding = true, enforce = true });

        await lab.GatewayHost.SetSysctl("net.ipv4.conf.eth1.rp_filter", "1");
        await Eventually.True(async () => await lab.GatewayHost.Sysctl("net.ipv4.conf.eth1.rp_filter") == "2", "rp_filter being put back");
        await lab.GatewayHost.SetSysctl("net.ipv4.ip_forward", "0");
        await Eventually.True(async () => await lab.GatewayHost.Sysctl("net.ipv4.ip_forward") == "1", "ip_forward being put back");

        // Not enforced: shown, and left alone.
        await lab.Api.Patch("interfaces/eth1", new { enforce = false });
        await lab.GatewayHost.SetSysctl("net.ipv4.conf.eth1.rp_filter", "1");
        Assert.True((await lab.Api.Get("interfaces/eth1"))["drift"]!.GetValue<bool>());

        await LabTunnel.Make(lab, LabClient.ConnectConf);
        await lab.Api.Patch("tunnels/wg0", new { clampMss = true });
        await lab.Gateway.Stop();
        Assert.Contains("gateway", await lab.GatewayHost.Run("nft", "list", "tables"), StringComparison.Ordinal);
        var said = await lab.GatewayHost.Run(lab.Gateway.Executable, "--restore-kernel", "--Gateway:DataDirectory", lab.Gateway.DataDirectory);
        Assert.Contains("net.ipv4.conf.eth1.rp_filter = 0", said, StringComparison.Ordinal);
        Assert.Equal(before, await Sysctls(lab));
        Assert.Equal("", await lab.GatewayHost.Run("nft", "list", "ruleset"));
    }

    [Fact]
    public async Task Ipv6Forwarding_WithADefaultRouteFromARouter_KeepsIt()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await lab.GatewayHost.SetSysctl("net.ipv6.conf.eth0.accept_ra", "1");
        // U is the router: one real advertisement.
        await Eventually.True(async () =>
        {
            await lab.U.Try("/usr/bin/python3", "-c",
                "from scapy.all import *; sendp(Ether(dst='33:33:00:00:00:01')/IPv6(src=[a for a,p,i in in6_getifaddr() if i=='eth0' and p==0x20][0],dst='ff02::1',hlim=255)/ICMPv6ND_RA(routerlifetime=1800), iface='eth0', verbose=0)");
            return (await LearnedRoute(lab)).Length > 0;
        }, "a default route from the advertisement");

        await lab.Api.Patch("host", new { ipv6Forwarding = true });

        Assert.Equal("1", await lab.GatewayHost.Sysctl("net.ipv6.conf.all.forwarding"));
        Assert.Equal("2", await lab.GatewayHost.Sysctl("net.ipv6.conf.eth0.accept_ra"));
        Assert.NotEmpty(await LearnedRoute(lab));

        await lab.Api.Post("host/restore", new { });
        Assert.Equal("0", await lab.GatewayHost.Sysctl("net.ipv6.conf.all.forwarding"));
        Assert.Equal("1", await lab.GatewayHost.Sysctl("net.ipv6.conf.eth0.accept_ra"));
        Assert.NotEmpty(await LearnedRoute(lab));
    }

    private static async Task<string> LearnedRoute(ThreeHosts lab) => (await lab.GatewayHost.Ip("-6 route show default proto ra")).Trim();

    private static Task<string> Sysctls(ThreeHosts lab) => lab.GatewayHost.Run("sh", "-c", "sysctl -a 2>/dev/null | grep -E 'rp_filter|forward|accept_ra |src_valid' | sort");
}
