using System.Runtime.InteropServices;
using Gateway.Engine.Ports;
using Gateway.Linux.Settings;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Linux;

/// <summary>One namespace <c>a</c> with eth0 and eth0.5 (a name with a dot) in it.</summary>
public sealed partial class KernelSettingsTests : IAsyncLifetime
{
    private Host _a = null!;

    public async ValueTask InitializeAsync()
    {
        _a = await Host.Create("a");
        await _a.Ip("link add eth0 type veth peer name eth0.5");
        await _a.Run("sh", "-c", "for d in all default eth0 eth0.5; do echo 0 > /proc/sys/net/ipv4/conf/$d/rp_filter; done");
    }

    public ValueTask DisposeAsync() => _a.DisposeAsync();

    [Fact]
    public async Task SetRpFilter_OneDevice_IsReadBackAndTheOthersStay()
    {
        var interfaces = _a.In(() =>
        {
            KernelSettings.SetRpFilter("eth0.5", ReversePathFilter.Strict);
            return KernelSettings.ReadInterfaces();
        });

        Assert.Equal("1", (await _a.Run("cat", "/proc/sys/net/ipv4/conf/eth0.5/rp_filter")).Trim());
        Assert.Equal(["all", "default"], interfaces.Take(2).Select(i => i.Name));
        var changed = interfaces.Single(i => i.Name == "eth0.5");
        Assert.Equal((ReversePathFilter.Strict, ReversePathFilter.Off, ReversePathFilter.Strict), (changed.RpFilterOwn, changed.RpFilterAll, changed.RpFilterEffective));
        Assert.False(changed.Up);
        Assert.Equal(1500, changed.Mtu);
        Assert.NotEqual(0, changed.Index);
        Assert.Equal(ReversePathFilter.Off, interfaces.Single(i => i.Name == "eth0").RpFilterEffective);
        Assert.True(interfaces.Single(i => i.Name == "lo").Up);
    }

    [Fact]
    public void SetRpFilter_All_RaisesWhatApplies()
    {
        var eth0 = _a.In(() =>
        {
            KernelSettings.SetRpFilter("all", ReversePathFilter.Loose);
            KernelSettings.SetRpFilter("eth0", ReversePathFilter.Strict);
            return KernelSettings.ReadInterfaces().Single(i => i.Name == "eth0");
        });
        Assert.Equal((ReversePathFilter.Strict, ReversePathFilter.Loose, ReversePathFilter.Loose), (eth0.RpFilterOwn, eth0.RpFilterAll, eth0.RpFilterEffective));
    }

    [Theory]
    [InlineData("eth7")]
    [InlineData("..")]
    [InlineData("../all")]
    [InlineData("")]
    public void SetRpFilter_NoSuchDevice_SaysSo(string name)
    {
        var error = Assert.Throws<PortException>(() => _a.In(() =>
        {
            KernelSettings.SetRpFilter(name, ReversePathFilter.Off);
            return 0;
        }));
        Assert.Contains($"no device {name}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SetRpFilter_ReadOnlyProcSys_NamesTheOptionAndTheCommand()
    {
        var error = Assert.Throws<PortException>(() => _a.In(() =>
        {
            MakeProcSysReadOnly();
            KernelSettings.SetRpFilter("eth0", ReversePathFilter.Loose);
            return 0;
        }));
        Assert.Contains("read-only", error.Message, StringComparison.Ordinal);
        Assert.Contains("--sysctl net.ipv4.conf.eth0.rp_filter=2", error.Remedy, StringComparison.Ordinal);
        Assert.Contains("sysctl -w net.ipv4.conf.eth0.rp_filter=2", error.Remedy, StringComparison.Ordinal);
        Assert.Equal(30, error.ErrorCode);

        var dotted = Assert.Throws<PortException>(() => _a.In(() =>
        {
            MakeProcSysReadOnly();
            KernelSettings.SetRpFilter("eth0.5", ReversePathFilter.Loose);
            return 0;
        }));
        Assert.Contains("sysctl -w net/ipv4/conf/eth0.5/rp_filter=2", dotted.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forwarding_SetOnAndOff_FollowsInTheKernel()
    {
        _a.In(() =>
        {
            KernelSettings.SetIpv4Forwarding(true);
            KernelSettings.SetIpv6Forwarding(true);
            Assert.True(KernelSettings.ReadIpv4Forwarding());
            Assert.True(KernelSettings.ReadIpv6Forwarding());
            KernelSettings.SetIpv6Forwarding(false);
            return 0;
        });
        Assert.Equal("1", await _a.Sysctl("net.ipv4.ip_forward"));
        Assert.Equal("0", await _a.Sysctl("net.ipv6.conf.all.forwarding"));
    }

    [Fact]
    public void Capabilities_AsRoot_MissNothing()
    {
        var capabilities = LinuxCapabilities.Read();
        Assert.True(capabilities.HasNetAdmin);
        Assert.True(capabilities.CanOpenTun);
        Assert.Empty(capabilities.Missing);
    }

    [Fact]
    public void Capabilities_OfAnUnprivilegedThread_SayWhatIsMissing()
    {
        var capabilities = _a.In(() =>
        {
            // By the raw call: the C library's setuid would change every thread of this process.
            Assert.Equal(0, SystemCall(SetResUid, 65534, 65534, 65534));
            return LinuxCapabilities.Read();
        });
        Assert.False(capabilities.HasNetAdmin);
        Assert.Contains(capabilities.Missing, m => m.Message.Contains("CAP_NET_ADMIN", StringComparison.Ordinal) && m.Remedy.Contains("--cap-add NET_ADMIN", StringComparison.Ordinal));
    }

    [Fact]
    public void OpenDevice_Unprivileged_SaysWhatIsMissing()
    {
        var error = Assert.Throws<PortException>(() => _a.In(() =>
        {
            Assert.Equal(0, SystemCall(SetResUid, 65534, 65534, 65534));
            return new Gateway.Linux.LinuxTunnelPorts().OpenDevice(new DeviceRequest("wg0", Engine.TunnelLayer.Ip));
        }));
        // Either the node is root's (0600), or it opens and the device is refused.
        Assert.True(error.Message.Contains("may not be opened by this user", StringComparison.Ordinal) || error.Message.Contains("CAP_NET_ADMIN", StringComparison.Ordinal), error.Message);
        Assert.NotEmpty(error.Remedy);
    }

    private static nint SetResUid => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117;

    private static void MakeProcSysReadOnly()
    {
        const int newMounts = 0x20000;                                    // CLONE_NEWNS
        const nuint bind = 4096, readOnly = 1, remount = 32, recursive = 16384, isPrivate = 1 << 18; // MS_…
        Assert.Equal(0, Unshare(newMounts));
        Assert.Equal(0, Mount("none", "/", null, recursive | isPrivate, 0));
        Assert.Equal(0, Mount("/proc/sys", "/proc/sys", null, bind, 0));
        Assert.Equal(0, Mount("none", "/proc/sys", null, bind | remount | readOnly, 0));
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);

    [LibraryImport("libc", EntryPoint = "unshare")]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "mount", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string? type, nuint flags, nint data);
}
