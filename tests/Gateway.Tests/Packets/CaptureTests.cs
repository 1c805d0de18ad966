using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Gateway.Contracts.Live;
using Gateway.Engine;
using Gateway.Features.Packets.Watching;
using Gateway.Live;
using Gateway.Security;
using Gateway.Testing;
using Gateway.Web;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Packets;

public sealed class CaptureTests
{
    private static readonly UdpEndpoint FromU = UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090"));
    private static readonly byte[] Secret = "a password"u8.ToArray();

    [Theory]
    [InlineData("icmp", false)]
    [InlineData("udp", true)]
    [InlineData("udp dst port 53 and host 192.168.60.101", true)]
    [InlineData("src net 192.168.53.0/24", true)]
    [InlineData("tcp", false)]
    [InlineData("len > 1000", true)]
    [InlineData("less 1000", false)]
    [InlineData("", true)]
    public void Filter_OfTcpdumpsLanguage_MatchesWhatTcpdumpWould(string text, bool expected)
    {
        Assert.True(CaptureFilter.Compile(text, forFrames: true, 256).Succeeded(out var filter, out var failure), failure?.Detail);
        using (filter)
        {
            var packet = TestPackets.Udp("192.168.53.99", "192.168.60.101", new byte[10], 1111, 53);
            Assert.Equal(expected, filter.Matches(packet, packet.Length, 1400, isEthernet: false));
            byte[] frame = [.. new byte[12], 8, 0, .. packet];
            Assert.Equal(expected, filter.Matches(frame, frame.Length, 1414, isEthernet: true));
        }
    }

    [Fact]
    public void Filter_ForMacAddresses_MatchesFramesOnly()
    {
        Assert.True(CaptureFilter.Compile("ether host 00:00:00:00:00:00", forFrames: true, 256).Succeeded(out var filter, out _));
        using (filter)
        {
            byte[] frame = [.. new byte[12], 8, 0, .. TestPackets.Udp("192.168.53.99", "192.168.60.101", [])];
            Assert.True(filter.Matches(frame, frame.Length, frame.Length, isEthernet: true));
            Assert.False(filter.Matches(frame, frame.Length, frame.Length, isEthernet: false));
        }
    }

    [Fact]
    public async Task Captures_WithoutThePermission_Are403_AndABadFilterIs400()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        Assert.Equal(["filter"], await host.Fields(HttpMethod.Get, "packets?filter=tcp%20prot%2080", null, HttpStatusCode.BadRequest));
        Assert.Equal(["count", "seconds"], await host.Fields(HttpMethod.Get, "packets.pcapng?count=0&seconds=0", null, HttpStatusCode.BadRequest));
        await host.Get("packets?tunnel=nope", HttpStatusCode.NotFound);
        await host.Get("packets?peer=nope", HttpStatusCode.NotFound);
        using var scope = host.Services.CreateScope();
        var feed = scope.ServiceProvider.GetRequiredService<LiveFeed>();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(new CallerIdentity(CallerIdentity.UserKind, null, "admin", Permissions.OfRole("admin"), null));
        Assert.Equal(FailureKind.Forbidden, feed.Packets(new PacketsQuery(), default).Failure!.Kind);
    }

    [Fact]
    public async Task Lines_OfTwoPackets_NamePeerAndVerdictAndHidePayload()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        var lines = await Capture(host, "packets?count=2&filter=udp", async read =>
        {
            var text = "";
            while (text.Count(c => c == '\n') < 2) text += await read();
            return text;
        });
        var rows = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(["passed", "destination not allowed"], rows.Select(row => row["verdict"]!.GetValue<string>()).OrderDescending());
        var passed = rows.Single(row => row["verdict"]!.GetValue<string>() == "passed");
        Assert.Equal(("host-u", "from-peer", "IP 192.168.53.99.1111 > 192.168.60.101.2222: UDP, length 10", "10.0.2.7:9090"),
            (passed["peer"]!.GetValue<string>(), passed["direction"]!.GetValue<string>(), passed["summary"]!.GetValue<string>(), passed["outerRemote"]!.GetValue<string>()));
        Assert.Equal(28, Convert.FromBase64String(passed["data"]!.GetValue<string>()).Length);
        Assert.False((await host.Get("status")).ToJsonString().Contains("password", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PcapNg_OfAPacket_IsWellFormedBlocksWithTheirComments()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        var file = await Capture(host, "packets.pcapng?verdict=dropped&count=1", async read =>
        {
            var bytes = new List<byte>();
            while (!Blocks([.. bytes]).Exists(block => block.Type == 6)) bytes.AddRange(System.Text.Encoding.Latin1.GetBytes(await read()));
            return bytes.ToArray();
        });
        var blocks = Blocks(file);
        Assert.Equal(0x0A0D0D0Au, blocks[0].Type);
        var packet = blocks.First(block => block.Type == 6);
        Assert.Equal((28u, 38u), (BinaryPrimitives.ReadUInt32LittleEndian(packet.Body.AsSpan(12)), BinaryPrimitives.ReadUInt32LittleEndian(packet.Body.AsSpan(16))));
        Assert.Contains("peer host-u, from it, dropped: destination not allowed", System.Text.Encoding.UTF8.GetString(packet.Body), StringComparison.Ordinal);
        Assert.DoesNotContain("password", System.Text.Encoding.Latin1.GetString(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Payload_WithTheSetting_IsShown()
    {
        await using var host = await TestHost.StartAsync(settings: ["--Gateway:ShowPayload", "true"]);
        await Plain(host);
        var update = await FirstPackets(host, new PacketsQuery { Verdict = PacketVerdicts.Passed });
        Assert.Equal(Secret, update.Packets[0].Data[28..]);
    }

    [Fact]
    public async Task Watching_EndsWithItsWatcher_AndIsOnRecord()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        var update = await FirstPackets(host, new PacketsQuery { Peer = "host-u", Filter = "udp" });
        Assert.Equal("host-u", update.Packets[0].Peer);
        var dataPlane = host.Services.GetRequiredService<DataPlane>();
        Assert.False(dataPlane.IsWatched(dataPlane.GetTunnels()[0].Id));
    }

    [Fact]
    public async Task Watcher_OfMoreThanItCanShow_IsToldHowMany()
    {
        await using var host = await TestHost.StartAsync();
        await Plain(host);
        using var scope = Scope(host, out var feed);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.True(feed.Packets(new PacketsQuery(), deadline.Token).Succeeded(out var stream, out _));
        await using var updates = stream.GetAsyncEnumerator();
        var next = updates.MoveNextAsync().AsTask();
        var dataPlane = host.Services.GetRequiredService<DataPlane>();
        await Eventually.True(() => Task.FromResult(dataPlane.IsWatched(dataPlane.GetTunnels()[0].Id)), "the tap being armed");
        const int Sent = 3 * PacketFeed.MaxRows;
        for (var i = 0; i < Sent; i++) Arrive(host, "192.168.60.101");
        var (shown, skipped) = (0L, 0L);
        while (shown + skipped < Sent)
        {
            Assert.True(await next);
            Assert.InRange(updates.Current.Packets.Count, 0, PacketFeed.MaxRows);
            shown += updates.Current.Packets.Count;
            skipped += updates.Current.Skipped;
            next = updates.MoveNextAsync().AsTask();
        }

        Assert.Equal(Sent, shown + skipped);
        await deadline.CancelAsync();
        Assert.False(await next);
    }

    private static async Task<PacketsUpdate> FirstPackets(TestHost host, PacketsQuery query)
    {
        using var scope = Scope(host, out var feed);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Assert.True(feed.Packets(query, deadline.Token).Succeeded(out var stream, out var failure), failure?.Detail);
        using var sending = new Sending(host);
        await foreach (var update in stream)
        {
            if (update.Packets.Count > 0) return update;
        }

        throw new TimeoutException("No packet.");
    }

    private static IServiceScope Scope(TestHost host, out LiveFeed feed)
    {
        var scope = host.Services.CreateScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.System);
        feed = scope.ServiceProvider.GetRequiredService<LiveFeed>();
        return scope;
    }

    /// <summary>Asks for a stream, sends packets until its reader has enough, and gives what it read.</summary>
    private static async Task<T> Capture<T>(TestHost host, string path, Func<Func<Task<string>>, Task<T>> read)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/{path}");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.NotEqual(new MediaTypeHeaderValue("application/problem+json"), answer.Content.Headers.ContentType);
        using var sending = new Sending(host);
        await using var body = await answer.Content.ReadAsStreamAsync(deadline.Token);
        var buffer = new byte[65_536];
        return await read(async () =>
        {
            var count = await body.ReadAsync(buffer, deadline.Token);
            Assert.NotEqual(0, count);
            return System.Text.Encoding.Latin1.GetString(buffer, 0, count);
        });
    }

    private static List<(uint Type, byte[] Body)> Blocks(byte[] file)
    {
        var blocks = new List<(uint, byte[])>();
        for (var at = 0; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
            if (at + length > file.Length) break;
            Assert.Equal(0, length % 4);
            Assert.Equal(length, BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + length - 4)));
            blocks.Add((BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)), file[(at + 8)..(at + length - 4)]));
            at += length;
        }

        return blocks;
    }

    private static void Arrive(TestHost host, string destination) => host.Ports.Socket!.Arrive(TestPackets.Udp("192.168.53.99", destination, Secret), FromU);

    private static async Task Plain(TestHost host)
    {
        await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
        var peer = await host.Post("tunnels/tun0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } });
        await host.Post($"peers/{peer["id"]}/routes", new { prefix = "192.168.60.0/24", installOn = "client" });
    }

    /// <summary>Sends one packet that passes and one that does not, now and then, so that whoever begins to watch sees some.</summary>
    private sealed class Sending : IDisposable
    {
        private readonly Timer _timer;

        public Sending(TestHost host) => _timer = new Timer(_ =>
        {
            Arrive(host, "192.168.60.101");
            Arrive(host, "10.9.8.7");
        }, null, 0, 50);

        public void Dispose() => _timer.Dispose();
    }
}
