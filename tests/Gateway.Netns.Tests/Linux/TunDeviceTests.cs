using System.Net;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux;
using Gateway.Linux.Netlink;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Linux;

/// <summary>One namespace <c>a</c> with a TUN device in it.</summary>
public sealed class TunDeviceTests : IAsyncLifetime
{
    private Host _a = null!;

    public async ValueTask InitializeAsync() => _a = await Host.Create("a");

    public ValueTask DisposeAsync() => _a.DisposeAsync();

    private ITunnelDevice Open(string name, TunnelLayer layer = TunnelLayer.Ip, bool vnet = true) =>
        _a.In(() => new LinuxTunnelPorts(null, new LinuxPortOptions { VnetHeader = vnet }).OpenDevice(new DeviceRequest(name, layer)));

    private static LinkSettings Settings(int mtu, string[] addresses, string[] routes) => new(mtu,
        [.. addresses.Select(a => a.Split('/')).Select(p => new InterfaceAddress(IPAddress.Parse(p[0]), int.Parse(p[1], System.Globalization.CultureInfo.InvariantCulture)))],
        [.. routes.Select(IPNetwork.Parse)]);

    [Fact]
    public async Task OpenDevice_PatternName_KernelFillsInTheNumber()
    {
        using var first = Open("zhang%d");
        using var second = Open("zhang%d");

        Assert.Equal("zhang0", first.Name);
        Assert.Equal("zhang1", second.Name);
        Assert.Contains("<POINTOPOINT,MULTICAST,NOARP>", await _a.Ip("link show zhang0"), StringComparison.Ordinal);
        Assert.True(first.HasVnetHeader);
        Assert.Equal(1500, first.Mtu);
    }

    [Fact]
    public async Task OpenDevice_Ethernet_IsATapWithoutVnetHeader()
    {
        using var device = Open("tap%d", TunnelLayer.Ethernet);

        Assert.Equal("tap0", device.Name);
        Assert.False(device.HasVnetHeader);
        Assert.Contains("link/ether", await _a.Ip("link show tap0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_AddressesRoutesMtu_AreSetAndOnlyItsOwnTakenBack()
    {
        using var device = Open("wg0");
        Assert.Empty(device.Configure(Settings(1420, ["192.168.53.1/24", "192.168.54.1/24", "fd00:53::1/64"], ["192.168.60.0/24", "fd00:60::/64"])));
        Assert.Equal(1420, device.Mtu);
        Assert.Contains("mtu 1420", await _a.Ip("link show wg0 up"), StringComparison.Ordinal);
        Assert.Contains("192.168.60.0/24 dev wg0 proto 71 scope link", await _a.Ip("route show"), StringComparison.Ordinal);
        Assert.Contains("fd00:60::/64 dev wg0", await _a.Ip("-6 route show"), StringComparison.Ordinal);
        await _a.Ip("addr add 192.168.99.1/24 dev wg0");
        await _a.Ip("route add 192.168.61.0/24 dev wg0");

        Assert.Empty(device.Configure(Settings(1400, ["192.168.55.1/24"], ["192.168.62.0/24"])));

        var addresses = await _a.Ip("addr show wg0");
        Assert.Contains("mtu 1400", addresses, StringComparison.Ordinal);
        Assert.Contains("192.168.55.1/24", addresses, StringComparison.Ordinal);
        Assert.Contains("192.168.99.1/24", addresses, StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.53.1", addresses, StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.54.1", addresses, StringComparison.Ordinal);
        Assert.DoesNotContain("fd00:53::1", addresses, StringComparison.Ordinal);
        var routes = await _a.Ip("route show");
        Assert.Contains("192.168.61.0/24", routes, StringComparison.Ordinal);
        Assert.Contains("192.168.62.0/24", routes, StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.60.0/24", routes, StringComparison.Ordinal);
        Assert.DoesNotContain("fd00:60::/64", await _a.Ip("-6 route show"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_FirstAddressOfASubnetChanges_TheOthersAndTheRoutesStay()
    {
        using var device = Open("wg0");
        // Deleting a subnet's first address takes the others along, and the last IPv4 address takes all routes along (fib_disable_ip).
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24", "10.9.0.2/24"], ["192.168.60.0/24"])));
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.2/24"], ["192.168.60.0/24"])));

        Assert.Contains("10.9.0.2/24", await _a.Ip("addr show wg0"), StringComparison.Ordinal);
        Assert.DoesNotContain("10.9.0.1/24", await _a.Ip("addr show wg0"), StringComparison.Ordinal);
        Assert.Contains("192.168.60.0/24", await _a.Ip("route show"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_RouteTakenByAnotherDevice_IsReportedInTheKernelsWordsAndTheRestApplied()
    {
        await _a.Ip("link add eth1 type veth peer name eth2");
        await _a.Ip("addr add 192.168.60.1/24 dev eth1");
        await _a.Ip("link set eth1 up");
        await _a.Ip("link set eth2 up");
        using var device = Open("wg0");

        var problem = Assert.Single(device.Configure(Settings(1420, ["10.9.0.1/24"], ["192.168.60.0/24", "192.168.61.0/24"])));

        Assert.Equal("route 192.168.60.0/24 dev wg0", problem.What);
        Assert.Contains("File exists (EEXIST)", problem.Cause, StringComparison.Ordinal);
        Assert.Contains("ip route show 192.168.60.0/24", problem.Remedy, StringComparison.Ordinal);
        Assert.Contains("192.168.61.0/24 dev wg0", await _a.Ip("route show"), StringComparison.Ordinal);
        Assert.Contains("192.168.60.0/24 dev eth1", await _a.Ip("route show"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_RouteThatSomebodyHasSetOnTheDevice_IsNoProblemAndStaysTheirs()
    {
        using var device = Open("wg0");
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24"], [])));
        await _a.Ip("route add 192.168.60.0/24 dev wg0 scope link");
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24"], ["192.168.60.0/24", "192.168.61.0/24"])));
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24"], [])));
        var routes = await _a.Ip("route show dev wg0");
        Assert.Contains("192.168.60.0/24", routes, StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.61.0/24", routes, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configure_Ipv6SwitchedOff_IsAProblemWithItsRemedy()
    {
        await _a.SetSysctl("net.ipv6.conf.default.disable_ipv6", "1");
        using var device = Open("wg0");

        var problems = device.Configure(Settings(1420, ["10.9.0.1/24", "fd00::1/64"], []));

        var problem = Assert.Single(problems);
        Assert.Equal("address fd00::1/64 dev wg0", problem.What);
        Assert.Contains("disable_ipv6", problem.Remedy, StringComparison.Ordinal);
        Assert.Contains("10.9.0.1/24", await _a.Ip("addr show wg0"), StringComparison.Ordinal);
    }

    [Fact]
    public void Configure_MtuOutOfRange_IsAProblem()
    {
        using var device = Open("wg0");
        var problem = Assert.Single(device.Configure(Settings(70_000, [], [])));
        Assert.Equal("mtu 70000 dev wg0", problem.What);
        Assert.Contains("Invalid argument (EINVAL): mtu greater than device maximum", problem.Cause, StringComparison.Ordinal);
        Assert.Equal(1500, device.Mtu);
    }

    [Fact]
    public void Configure_HundredThousandRoutes_TakesSeconds()
    {
        using var device = Open("wg0");
        var routes = Enumerable.Range(0, 100_000).Select(i => new IPNetwork(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), 32)).ToArray();
        var addresses = Enumerable.Range(0, 10_000).Select(i => new InterfaceAddress(new IPAddress([11, 1, (byte)(i >> 8), (byte)i]), 32)).ToArray();
        var started = System.Diagnostics.Stopwatch.GetTimestamp();

        Assert.Empty(device.Configure(new LinkSettings(1420, [.. addresses], [.. routes])));
        var set = System.Diagnostics.Stopwatch.GetElapsedTime(started);
        Assert.Empty(device.Configure(new LinkSettings(1420, [.. addresses], [.. routes, IPNetwork.Parse("172.16.0.0/12")])));
        var again = System.Diagnostics.Stopwatch.GetElapsedTime(started) - set;
        Assert.Empty(device.Configure(new LinkSettings(1420, [addresses[0]], [])));
        var total = System.Diagnostics.Stopwatch.GetElapsedTime(started);

        TestContext.Current.TestOutputHelper?.WriteLine($"set {set.TotalMilliseconds:0} ms, one more {again.TotalMilliseconds:0} ms, all {total.TotalMilliseconds:0} ms");
        var left = _a.In(() => KernelNetwork.ReadRoutes()).Count(r => r.Protocol == 71);
        Assert.Equal(0, left);
        Assert.True(total < TimeSpan.FromSeconds(30), $"took {total}");
    }

    [Fact]
    public async Task WaitReadable_DeviceDeletedFromOutside_TellsGone()
    {
        using var device = Open("wg0");
        device.Configure(Settings(1420, ["10.9.0.1/24"], []));
        var waiting = Task.Run(() =>
        {
            var buffer = new byte[70_000];
            while (device.WaitReadable())
            {
                while (device.Read(buffer).Status == PortStatus.Ok) { }
            }
        }, TestContext.Current.CancellationToken);

        await _a.Ip("link delete wg0");

        await waiting.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        Assert.Equal(PortStatus.Gone, device.Read(new byte[100]).Status);
        Assert.Equal(PortStatus.Gone, WriteRaw(device, new byte[40]));
        Assert.NotEmpty(device.Configure(Settings(1420, [], [])));
    }

    [Fact]
    public async Task WakeReader_WhileWaiting_EndsTheWait()
    {
        using var device = Open("wg0");
        var waiting = Task.Run(device.WaitReadable, TestContext.Current.CancellationToken);
        device.WakeReader();
        Assert.True(await waiting.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Mtu_ChangedFromOutside_IsFollowedByTheReader()
    {
        using var device = Open("wg0");
        device.Configure(Settings(1420, ["10.9.0.1/24"], []));
        await _a.Ip("link set wg0 mtu 1300");
        await _a.Ip("link set wg0 down");
        await _a.Ip("link set wg0 name wg1");
        device.WakeReader();
        await Task.Run(device.WaitReadable, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        Assert.Equal(1300, device.Mtu);
        Assert.Equal("wg1", device.Name);
    }

    [Fact]
    public void Write_LinkDown_IsRefusedAndTheDeviceStays()
    {
        using var device = Open("wg0");
        Assert.Equal(PortStatus.Refused, WriteRaw(device, PlainHeader(Ping())));
        device.Configure(Settings(1420, ["10.9.0.1/24"], []));
        Assert.Equal(PortStatus.Ok, WriteRaw(device, PlainHeader(Ping())));
        Assert.Equal(PortStatus.Refused, WriteRaw(device, PlainHeader("12345"u8.ToArray())));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Write_EchoRequest_TheKernelsAnswerIsRead(bool vnet)
    {
        using var device = Open("wg0", vnet: vnet);
        Assert.Equal(vnet, device.HasVnetHeader);
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24"], [])));

        Assert.Equal(PortStatus.Ok, WriteRaw(device, vnet ? PlainHeader(Ping()) : Ping()));

        var packet = ReadUntil(device, p => p[0] >> 4 == 4 && p[9] == 1);
        Assert.Equal([10, 9, 0, 1, 10, 9, 0, 2], packet[12..20]);
        Assert.Equal(0, packet[20]); // echo reply
    }

    [Fact]
    public async Task Read_TcpThroughTheDevice_GivesSuperPackets()
    {
        // A listener behind the device is played by the test: it answers the SYN, and the kernel's first window comes as one super-packet.
        using var device = Open("wg0");
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24"], [])));
        using var client = _a.In(() => new System.Net.Sockets.TcpClient(System.Net.Sockets.AddressFamily.InterNetwork));
        var connecting = client.ConnectAsync(IPAddress.Parse("10.9.0.2"), 5001, TestContext.Current.CancellationToken).AsTask();
        var syn = ReadUntil(device, p => p[0] >> 4 == 4 && p[9] == 6);

        Assert.Equal(PortStatus.Ok, WriteRaw(device, PlainHeader(TestPackets.SynAck(syn))));
        await connecting.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(new byte[60_000], TestContext.Current.CancellationToken);

        var super = ReadUntil(device, p => p[0] >> 4 == 4 && p[9] == 6 && p.Length > 1420, out var header);
        Assert.Equal(1, header[0] & 1);         // VIRTIO_NET_HDR_F_NEEDS_CSUM
        Assert.Equal(1, header[1] & 0x7F);      // VIRTIO_NET_HDR_GSO_TCPV4
        Assert.Equal(1420 - 40, BitConverter.ToUInt16(header, 4));
        Assert.True(super.Length >= 40 + (2 * (1420 - 40)), $"{super.Length} bytes");
    }

    [Fact]
    public void Write_UdpSuperPacket_ArrivesAsItsDatagramsAndABadOneSwitchesNothingOff()
    {
        using var device = Open("wg0");
        Assert.SkipUnless(device.HasUdpSegmentation, "this kernel has no USO on TUN (before 6.2)");
        Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24"], [])));
        using var socket = _a.In(() => new System.Net.Sockets.UdpClient(5001, System.Net.Sockets.AddressFamily.InterNetwork));
        socket.Client.ReceiveTimeout = 5000;
        var payload = Enumerable.Range(0, 2500).Select(i => (byte)i).ToArray();

        for (var i = 0; i < 15; i++) Assert.Equal(PortStatus.OffloadRefused, WriteRaw(device, TestPackets.UdpSuperPacket(payload, segmentBytes: 0)));
        Assert.Equal(PortStatus.Ok, WriteRaw(device, TestPackets.UdpSuperPacket(payload, segmentBytes: 1000)));

        IPEndPoint? from = null;
        Assert.Equal(payload[..1000], socket.Receive(ref from));
        Assert.Equal(payload[1000..2000], socket.Receive(ref from));
        Assert.Equal(payload[2000..], socket.Receive(ref from));
        for (var i = 0; i < 15; i++) Assert.Equal(PortStatus.OffloadRefused, WriteRaw(device, TestPackets.UdpSuperPacket(payload, segmentBytes: 0)));
        Assert.True(device.HasUdpSegmentation);
        Assert.Equal(PortStatus.OffloadRefused, WriteRaw(device, TestPackets.UdpSuperPacket(payload, segmentBytes: 0)));
        Assert.False(device.HasUdpSegmentation);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a-name-far-too-long")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("..")]
    [InlineData("w%d%d")]
    [InlineData("w%s")]
    public void OpenDevice_NameTheKernelRefuses_SaysWhatIsWrong(string name)
    {
        var error = Assert.Throws<PortException>(() => Open(name));
        Assert.Contains("name", error.Message, StringComparison.Ordinal);
        Assert.Contains("wg0", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenDevice_NameOfAnotherKindOfDevice_SaysSo()
    {
        await _a.Ip("link add eth1 type veth peer name eth2");
        var error = Assert.Throws<PortException>(() => Open("eth1"));
        Assert.Contains("eth1 exists and is no TUN device", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenDevice_HeldByAnother_SaysSo()
    {
        using var first = Open("wg0");
        var error = Assert.Throws<PortException>(() => Open("wg0"));
        Assert.Contains("another process has it open", error.Message, StringComparison.Ordinal);
        Assert.Equal(16, error.ErrorCode);
    }

    [Fact]
    public async Task OpenDevice_PersistentOne_IsAttachedToAndItsOwnSettingsTakenBack()
    {
        await _a.Ip("tuntap add dev keep0 mode tun");
        await _a.Ip("addr add 10.8.0.1/24 dev keep0");
        using (var device = Open("keep0"))
        {
            Assert.Empty(device.Configure(Settings(1420, ["10.9.0.1/24"], ["192.168.60.0/24"])));
            Assert.Contains("192.168.60.0/24", await _a.Ip("route show"), StringComparison.Ordinal);
        }
        var addresses = await _a.Ip("addr show keep0");
        Assert.Contains("10.8.0.1/24", addresses, StringComparison.Ordinal);
        Assert.DoesNotContain("10.9.0.1/24", addresses, StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.60.0/24", await _a.Ip("route show"), StringComparison.Ordinal);
    }

    private static byte[] Ping() => TestPackets.EchoRequest([10, 9, 0, 2], [10, 9, 0, 1]);

    private static byte[] PlainHeader(byte[] packet) => [.. new byte[10], .. packet];

    private static byte[] ReadUntil(ITunnelDevice device, Func<byte[], bool> wanted) => ReadUntil(device, wanted, out _);

    private static byte[] ReadUntil(ITunnelDevice device, Func<byte[], bool> wanted, out byte[] header)
    {
        var skip = device.HasVnetHeader ? 10 : 0;
        byte[] found = [], foundHeader = [];
        var reading = Task.Run(() =>
        {
            var buffer = new byte[70_000];
            while (true)
            {
                var result = device.Read(buffer);
                if (result.Status == PortStatus.WouldBlock) Assert.True(device.WaitReadable());
                if (result.Status != PortStatus.Ok) continue;
                foundHeader = buffer[..skip];
                found = buffer[skip..result.Bytes];
                if (wanted(found)) return;
            }
        });
        Assert.True(reading.Wait(TimeSpan.FromSeconds(5)), "the packet did not come within 5 s");
        header = foundHeader;
        return found;
    }

    private static unsafe PortStatus WriteRaw(ITunnelDevice device, byte[] bytes)
    {
        // SAFETY: pinned for the call. Two pieces, to go through the gathering write.
        fixed (byte* pointer = bytes)
        {
            var half = bytes.Length / 2;
            return device.Write([new Segment((nint)pointer, half), new Segment((nint)(pointer + half), bytes.Length - half)]);
        }
    }
}
