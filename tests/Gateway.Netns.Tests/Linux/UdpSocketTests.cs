using System.Net;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux;
using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Linux;

/// <summary>
/// <code>
/// a 10.0.0.1/24, 10.0.0.11/24, fd00::1/64, fd00::11/64  --- veth ---  b 10.0.0.2/24, fd00::2/64
/// </code>
/// </summary>
public sealed class UdpSocketTests : IAsyncLifetime
{
    private const int Segment = 1400;
    private Host _a = null!;
    private Host _b = null!;

    public async ValueTask InitializeAsync()
    {
        _a = await Host.Create("a");
        _b = await Host.Create("b");
        await Host.Connect(_a, "eth0", _b, "eth0");
        foreach (var address in new[] { "10.0.0.1/24", "10.0.0.11/24", "fd00::1/64 nodad", "fd00::11/64 nodad" }) await _a.Ip($"addr add {address} dev eth0");
        foreach (var address in new[] { "10.0.0.2/24", "fd00::2/64 nodad" }) await _b.Ip($"addr add {address} dev eth0");
        await _a.Ip("link set eth0 up");
        await _b.Ip("link set eth0 up");
        await _a.Ip("link set lo up");
        await _b.Ip("link set lo up");
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Theory]
    [InlineData("10.0.0.2", true)]
    [InlineData("fd00::2", true)]
    [InlineData("10.0.0.2", false)]
    public void Send_ManyDatagrams_ArriveAsFewMessages(string destination, bool dualStack)
    {
        var options = new LinuxPortOptions { DualStack = dualStack };
        using var sender = Open(_a, options: options);
        using var receiver = Open(_b, options: options);
        Assert.Equal(64, sender.MaxSegments);
        var sent = Pattern((44 * Segment) + 300);

        var result = sender.Send(sent, Segment, To(destination, receiver.Port));

        Assert.Equal(new PortResult(PortStatus.Ok, sent.Length), result);
        var got = Collect(receiver, sent.Length);
        Assert.Equal(sent, got.Bytes);
        Assert.Equal(45, got.Datagrams);
        Assert.Equal(1, got.Messages); // GSO through GRO: one send, one message
        Assert.Equal(sender.Port, got.Source.Port);
        Assert.Equal(destination, got.Source.LocalAddress.ToString());
        Assert.NotEqual(0, got.Source.LocalInterface);
    }

    [Fact]
    public void Send_MoreThanOneCallTakes_GoesOutInSeveral()
    {
        using var sender = Open(_a);
        using var receiver = Open(_b);
        var sent = Pattern(100 * Segment);
        Assert.Equal(new PortResult(PortStatus.Ok, sent.Length), sender.Send(sent, Segment, To("10.0.0.2", receiver.Port)));
        Assert.Equal(sent, Collect(receiver, sent.Length).Bytes);

        var small = Pattern(200 * 40);
        Assert.Equal(new PortResult(PortStatus.Ok, small.Length), sender.Send(small, 40, To("10.0.0.2", receiver.Port)));
        var got = Collect(receiver, small.Length);
        Assert.Equal(small, got.Bytes);
        Assert.Equal(200, got.Datagrams);
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("10.0.0.11", "10.0.0.2")]
    [InlineData("fd00::11", "fd00::2")]
    public void Send_ToWhereAMessageCameFrom_LeavesFromTheAddressItCameTo(string cameTo, string from)
    {
        using var gateway = Open(_a);
        using var client = Open(_b);
        client.Send(Pattern(100), 100, To(cameTo, gateway.Port));
        var request = Collect(gateway, 100).Source;
        Assert.Equal(cameTo, request.LocalAddress.ToString());
        Assert.Equal(from, request.Address.ToString());

        var answer = Pattern(20 * Segment);
        Assert.Equal(PortStatus.Ok, gateway.Send(answer, Segment, request).Status);

        var got = Collect(client, answer.Length);
        Assert.Equal(answer, got.Bytes);
        Assert.Equal(cameTo, got.Source.Address.ToString());
    }

    [Theory]
    [InlineData("10.0.0.2", "10.0.0.99")]
    [InlineData("fd00::2", "fd00::99")]
    public void Send_SourceAddressNoLongerHere_GoesOutFromAnotherAndSegmentationStays(string destination, string source)
    {
        using var sender = Open(_a);
        using var receiver = Open(_b);
        var to = To(destination, receiver.Port) with { LocalAddress = InetAddress.From(IPAddress.Parse(source)), LocalInterface = 2 };
        var sent = Pattern(20 * Segment);

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(new PortResult(PortStatus.Ok, sent.Length), sender.Send(sent, Segment, to));
            var got = Collect(receiver, sent.Length);
            Assert.Equal(sent, got.Bytes);
            Assert.Equal(1, got.Messages);
        }
        Assert.Equal(new PortResult(PortStatus.Ok, 100), sender.Send(sent.AsSpan(0, 100), 100, to));
    }

    [Theory]
    [InlineData("tx-udp-segmentation off")]
    [InlineData("tx off")]
    [InlineData("tx off gso off tx-udp-segmentation off")]
    [InlineData("gro off rx-gro-list off")]
    public async Task Send_DeviceWithoutOffloads_EverythingStillArrives(string features)
    {
        foreach (var host in new[] { _a, _b }) await host.Run(["ethtool", "-K", "eth0", .. features.Split(' ')]);
        using var sender = Open(_a);
        using var receiver = Open(_b);
        var sent = Pattern((30 * Segment) + 7);
        foreach (var destination in new[] { "10.0.0.2", "fd00::2" })
        {
            Assert.Equal(new PortResult(PortStatus.Ok, sent.Length), sender.Send(sent, Segment, To(destination, receiver.Port)));
            var got = Collect(receiver, sent.Length);
            Assert.Equal(sent, got.Bytes);
            Assert.Equal(31, got.Datagrams);
        }
    }

    [Fact]
    public async Task Send_SegmentsBeyondThePathsMtu_ArriveSinglyAndOthersKeepSegmentation()
    {
        await _a.Ip("route add 10.0.0.2/32 dev eth0 mtu lock 1300");
        await _b.Ip("addr add 10.0.0.3/24 dev eth0");
        using var sender = Open(_a);
        using var receiver = Open(_b);
        var sent = Pattern(20 * Segment);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(new PortResult(PortStatus.Ok, sent.Length), sender.Send(sent, Segment, To("10.0.0.2", receiver.Port)));
            var narrow = Collect(receiver, sent.Length);
            Assert.Equal(sent, narrow.Bytes);
            Assert.Equal(20, narrow.Datagrams);
            Assert.Equal(20, narrow.Messages);
        }

        Assert.Equal(64, sender.MaxSegments);
        Assert.Equal(PortStatus.Ok, sender.Send(sent, Segment, To("10.0.0.3", receiver.Port)).Status);
        Assert.Equal(1, Collect(receiver, sent.Length).Messages);
    }

    [Fact]
    public void Send_WithoutUdpOffloads_GoesOutSinglyAndSaysSo()
    {
        var options = new LinuxPortOptions { UdpOffloads = false };
        using var sender = Open(_a, options: options);
        using var receiver = Open(_b, options: options);
        Assert.Equal(1, sender.MaxSegments);
        var sent = Pattern((44 * Segment) + 300);
        Assert.Equal(new PortResult(PortStatus.Ok, sent.Length), sender.Send(sent, Segment, To("10.0.0.2", receiver.Port)));
        var got = Collect(receiver, sent.Length);
        Assert.Equal(sent, got.Bytes);
        Assert.Equal(45, got.Messages);
    }

    [Fact]
    public void Send_WhatTheKernelRefuses_IsRefusedAndTheSocketLives()
    {
        using var sender = Open(_a);
        using var receiver = Open(_b);
        var tooLong = sender.Send(new byte[65_530], 65_530, To("10.0.0.2", receiver.Port));
        Assert.Equal(new PortResult(PortStatus.Refused, 0, 90), tooLong);
        var noRoute = sender.Send(new byte[100], 100, To("203.0.113.1", 9));
        Assert.Equal(new PortResult(PortStatus.Refused, 0, 101), noRoute);
        var noRouteInPieces = sender.Send(new byte[5000], 1000, To("203.0.113.1", 9));
        Assert.Equal(new PortResult(PortStatus.Refused, 0, 101), noRouteInPieces);

        Assert.Equal(PortStatus.Ok, sender.Send(Pattern(100), 100, To("10.0.0.2", receiver.Port)).Status);
        Assert.Equal(Pattern(100), Collect(receiver, 100).Bytes);
    }

    [Fact]
    public async Task SendUnproven_ToNeighboursThatDoNotExist_LeavesHalfOfTheBufferForData()
    {
        // Nobody answers for these: each address keeps what is sent to it in our buffer until the kernel has given it up, which here is never within this test.
        await _a.SetSysctl("net.ipv4.neigh.eth0.mcast_solicit", "100");
        await _a.SetSysctl("net.ipv4.neigh.eth0.unres_qlen_bytes", "100000000");
        using var sender = Open(_a);
        using var receiver = Open(_b);
        var reply = Pattern(64);
        var sent = 0;
        for (var status = PortStatus.Ok; status == PortStatus.Ok; sent++)
        {
            status = sender.SendUnproven(reply, To($"10.0.0.{100 + (sent % 100)}", 51820)).Status;
            Assert.True(status is PortStatus.Ok or PortStatus.WouldBlock, status.ToString());
        }

        Assert.True(sent > 1000, $"refused after {sent}");
        var data = Pattern(40 * Segment);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(new PortResult(PortStatus.Ok, data.Length), sender.Send(data, Segment, To("10.0.0.2", receiver.Port)));
            Assert.Equal(data, Collect(receiver, data.Length).Bytes);
        }

        Assert.Equal(PortStatus.WouldBlock, sender.SendUnproven(reply, To("10.0.0.2", receiver.Port)).Status);
    }

    [Fact]
    public void Send_OnAnIpv4Socket_RefusesIpv6()
    {
        using var sender = Open(_a, options: new LinuxPortOptions { DualStack = false });
        Assert.Equal(new PortResult(PortStatus.Refused, 0, 97), sender.Send(new byte[10], 10, To("fd00::2", 9)));
    }

    [Fact]
    public void Receive_AfterAnIcmpError_GoesOn()
    {
        using var gateway = Open(_a);
        using var batch = new ReceiveBatch();
        for (var i = 0; i < 5; i++) Assert.Equal(PortStatus.Ok, gateway.Send(new byte[10], 10, To("10.0.0.2", 9)).Status);
        Assert.Equal(0, gateway.Receive(batch));
        using var client = Open(_b);
        client.Send(Pattern(50), 50, To("10.0.0.1", gateway.Port));
        Assert.Equal(Pattern(50), Collect(gateway, 50).Bytes);
    }

    [Fact]
    public void Receive_Bursts_NeverLoseTheSegmentSize()
    {
        // The control length is reset after each call, or the second batch would come without sizes.
        using var sender = Open(_a);
        using var receiver = Open(_b);
        var sent = Pattern(40 * Segment);
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 12; i++) Assert.Equal(PortStatus.Ok, sender.Send(sent, Segment, To("10.0.0.2", receiver.Port)).Status);
            var got = Collect(receiver, 12 * sent.Length);
            Assert.Equal(12 * 40, got.Datagrams);
        }
    }

    [Fact]
    public async Task WakeReceiver_WhileWaiting_EndsTheWait()
    {
        using var socket = Open(_a);
        var waiting = Task.Run(socket.WaitReadable, TestContext.Current.CancellationToken);
        socket.WakeReceiver();
        Assert.True(await waiting.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Receive_SocketDestroyedFromOutside_TellsGone()
    {
        using var socket = Open(_a, 51820);
        using var batch = new ReceiveBatch();
        var killed = await _a.Try("ss", "--kill", "-uan", "sport = :51820");
        Assert.SkipUnless(killed.ExitCode == 0 && killed.Output.Contains("51820", StringComparison.Ordinal), "this kernel has no SOCK_DESTROY");
        Assert.True(socket.WaitReadable());
        Assert.Equal(-1, socket.Receive(batch));
    }

    [Fact]
    public void OpenSocket_PortInUse_NamesPortAndHolder()
    {
        using var first = Open(_a, 51820);
        Assert.Equal(51820, first.Port);
        var error = Assert.Throws<PortException>(() => Open(_a, 51820));
        Assert.Contains($"UDP port 51820 is in use by ", error.Message, StringComparison.Ordinal);
        Assert.Contains($"(pid {Environment.ProcessId})", error.Message, StringComparison.Ordinal);
        Assert.Equal(98, error.ErrorCode);
    }

    [Fact]
    public async Task OpenSocket_WithFirewallMark_RoutesByIt()
    {
        await _a.Ip("rule add fwmark 0x77 table 77");
        await _a.Ip("route add blackhole default table 77");
        using var marked = Open(_a, mark: 0x77);
        using var plain = Open(_a);
        Assert.NotEqual(PortStatus.Ok, marked.Send(new byte[10], 10, To("10.0.0.2", 9)).Status);
        Assert.Equal(PortStatus.Ok, plain.Send(new byte[10], 10, To("10.0.0.2", 9)).Status);
    }

    [Fact]
    public void SendAndReceive_WarmedUp_AllocateNothing()
    {
        using var sender = Open(_a);
        using var receiver = Open(_b);
        using var batch = new ReceiveBatch();
        var sent = Pattern(20 * Segment);
        var to = To("10.0.0.2", receiver.Port) with { LocalAddress = InetAddress.From(IPAddress.Parse("10.0.0.11")) };
        long before = 0;
        for (var i = 0; i < 200; i++)
        {
            if (i == 100) before = GC.GetAllocatedBytesForCurrentThread();
            _ = sender.Send(sent, Segment, to);
            while (receiver.Receive(batch) == 0) _ = receiver.WaitReadable();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static IDatagramSocket Open(Host host, ushort port = 0, uint mark = 0, LinuxPortOptions? options = null) =>
        host.In(() => new LinuxTunnelPorts(null, options ?? new LinuxPortOptions()).OpenSocket(new SocketRequest(port, mark)));

    private static UdpEndpoint To(string address, int port) => UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(address), port));

    private static byte[] Pattern(int bytes) => [.. Enumerable.Range(0, bytes).Select(i => (byte)((i * 7) + (i >> 8)))];

    private sealed record Received(byte[] Bytes, int Messages, int Datagrams, UdpEndpoint Source);

    /// <summary>Receives until this many bytes came, or fails after 5 s.</summary>
    private static Received Collect(IDatagramSocket socket, int bytes)
    {
        var receiving = Task.Run(() => CollectAll(socket, bytes));
        if (receiving.Wait(TimeSpan.FromSeconds(5))) return receiving.Result;
        socket.WakeReceiver();
        Assert.Fail($"{bytes} bytes did not come within 5 s");
        throw null!;
    }

    private static unsafe Received CollectAll(IDatagramSocket socket, int wanted)
    {
        using var batch = new ReceiveBatch();
        using var bytes = new MemoryStream();
        int messages = 0, datagrams = 0;
        UdpEndpoint source = default;
        while (bytes.Length < wanted)
        {
            var count = socket.Receive(batch);
            Assert.True(count >= 0);
            if (count == 0) Assert.True(socket.WaitReadable());
            for (var i = 0; i < count; i++)
            {
                ref var message = ref batch.Messages[i];
                Assert.False(message.Truncated);
                // SAFETY: the message lies in the batch, which lives until the end of this method.
                bytes.Write(new ReadOnlySpan<byte>(batch.Memory + message.Offset, message.Bytes));
                messages++;
                datagrams += (message.Bytes + message.SegmentBytes - 1) / message.SegmentBytes;
                source = message.Source;
            }
        }
        return new Received(bytes.ToArray(), messages, datagrams, source);
    }
}
