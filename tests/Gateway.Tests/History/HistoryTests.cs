using System.Globalization;
using System.Net;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Features.History;
using Gateway.Reconcile;
using Gateway.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.History;

public sealed class HistoryTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Traffic_Passed_IsInTheHistoryByMinuteHourAndDay_AndSurvivesARestart()
    {
        using var directory = new TemporaryDirectory();
        string peerId;
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            await host.Post("tunnels", new { name = "tun0", transport = "plain", listenPort = 9090, addresses = new[] { "192.168.53.98/24" } });
            var peer = await host.Post("tunnels/tun0/peers", new { name = "host-u", addresses = new[] { "192.168.53.99/32" } });
            peerId = peer["id"]!.GetValue<string>();
            host.Ports.Socket!.Arrive(TestPackets.Udp("192.168.53.99", "192.168.53.98", new byte[72]), UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090")));
            host.Ports.Socket.Arrive(TestPackets.Udp("192.168.53.99", "10.9.8.7", new byte[72]), UdpEndpoint.From(IPEndPoint.Parse("10.0.2.7:9090")));
            await Eventually.True(async () => (await host.Get($"peers/{peerId}"))["receivedBytes"]!.GetValue<long>() == 200, "the packets");
            // Stopping writes the minute that is not over.
        }

        await using var again = await TestHost.StartAsync(directory.Path);
        foreach (var step in (string[])["minute", "hour", "day"])
        {
            foreach (var of in (string[])[$"peer={peerId}", "peer=host-u", "tunnel=tun0", ""])
            {
                var answer = await again.Get($"history?step={step}&{of}");
                var point = Assert.Single(answer["points"]!.AsArray())!;
                Assert.Equal((200, 1, 1), (point["receivedBytes"]!.GetValue<long>(), point["receivedPackets"]!.GetValue<long>(), point["drops"]!.GetValue<long>()));
                Assert.Equal(step, answer["step"]!.GetValue<string>());
            }
        }

        Assert.Equal(["step", "from", "peer"], await again.Fields(HttpMethod.Get, "history?step=week&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z&peer=a&tunnel=b", null, HttpStatusCode.BadRequest));
        await again.Get("history?peer=nobody", HttpStatusCode.NotFound);
        await again.Get("history?tunnel=nothing", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task History_OfQuietPeers_WritesNothing_AndLetsGoOfWhatIsOld()
    {
        await using var host = await TestHost.StartAsync();
        var writer = Writer(host);
        await host.Wg0();
        var busy = Guid.Parse((await host.Post("tunnels/wg0/peers", new { name = "busy" }))["id"]!.GetValue<string>());
        var gone = Guid.NewGuid();
        await writer.WriteAsync(Start, [(gone, Passed(1))]);
        // Two minutes every tenth day for over two years.
        for (var at = Start; at < Start.AddDays(800); at = at.AddDays(10))
        {
            await writer.WriteAsync(at, [(busy, Passed(1))]);
            await writer.WriteAsync(at.AddMinutes(1), [(busy, Passed(1))]);
        }

        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        var rows = await db.Traffic.AsNoTracking().ToListAsync();
        // Minutes of 48 hours, hours of 35 days, days of two years.
        Assert.Equal((2, 4, 74), (rows.Count(row => row.Id >> 50 == 0), rows.Count(row => row.Id >> 50 == 1), rows.Count(row => row.Id >> 50 == 2)));
        Assert.All(rows.Where(row => row.Id >> 50 == 2), row => Assert.Equal(2, row.ReceivedPackets));
        // Who has left is forgotten.
        Assert.Equal([busy], await db.HistorySubjects.Select(subject => subject.Key).ToListAsync());
    }

    [Fact]
    public async Task Year_OfAThousandPeersThatAreNeverQuiet_StaysUnder200Megabytes()
    {
        const int Peers = 1000, Minutes = 60;
        await using var host = await TestHost.StartAsync();
        var writer = Writer(host);
        var keys = Enumerable.Range(0, Peers).Select(_ => Guid.NewGuid()).ToList();
        var contexts = host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>();
        await writer.WriteAsync(Start, [.. keys.Select(key => (key, Passed(1)))]);
        var before = await BytesAsync(contexts);
        var random = new Random(1);
        for (var minute = 1; minute <= Minutes; minute++)
        {
            // Up to 2 GB a minute and peer: most figures need as many bytes as they ever will.
            await writer.WriteAsync(Start.AddMinutes(minute), [.. keys.Select(key => (key, new HistoryWriter.Totals(random.NextInt64(2L << 30), random.NextInt64(2L << 30), random.Next(1 << 21), random.Next(1 << 21), random.Next(1 << 10))))]);
        }

        var rows = Minutes * Peers;
        var bytesPerRow = (await BytesAsync(contexts) - before) / (double)rows;
        var kept = HistoryLevel.All.Sum(level => Math.Min(level.Kept.Ticks, TimeSpan.FromDays(365).Ticks) / level.Period.Ticks);
        var year = kept * (Peers + 1) * bytesPerRow;
        TestContext.Current.SendDiagnosticMessage($"{bytesPerRow:F1} bytes a row, {kept} rows a peer, {year / 1e6:F0} MB a year");
        Assert.True(year < 200e6, string.Create(CultureInfo.InvariantCulture, $"{bytesPerRow:F1} bytes a row, {kept:F0} rows a peer: {year / 1e6:F0} MB"));

        static async Task<long> BytesAsync(IDbContextFactory<GatewayDbContext> contexts)
        {
            await using var db = await contexts.CreateDbContextAsync();
            var pages = await db.Database.SqlQuery<long>($"SELECT page_count - freelist_count AS Value FROM pragma_page_count, pragma_freelist_count").SingleAsync();
            return pages * await db.Database.SqlQuery<long>($"SELECT page_size AS Value FROM pragma_page_size").SingleAsync();
        }
    }

    [Fact]
    public void Rows_OfAllLevels_HaveNumbersOfTheirOwnInOrderOfTime()
    {
        var at = Start.AddYears(100);
        foreach (var level in HistoryLevel.All)
        {
            var row = level.RowOf(level.PeriodOf(at), HistoryLevel.MaxSubject);
            Assert.Equal(level.PeriodOf(at), HistoryLevel.PeriodOfRow(row));
            Assert.True(row < level.RowOf(level.PeriodOf(at) + 1, 0));
            Assert.Equal(level.Number, row >> 50);
        }
    }

    [Fact]
    public void Counters_ThatBeganAnew_CountFromZero()
    {
        var passed = new HistoryWriter.Totals(10, 500, 1, 7, 0).Minus(new HistoryWriter.Totals(4, 900, 1, 5, 3));
        Assert.Equal(new HistoryWriter.Totals(6, 500, 0, 2, 0), passed);
    }

    private static HistoryWriter Writer(TestHost host) => new(
        host.Services.GetRequiredService<WriteGate>(), host.Services.GetRequiredService<DataPlane>(), new FakeTimeProvider(Start), NullLogger<HistoryWriter>.Instance);

    private static HistoryWriter.Totals Passed(long packets) => new(packets * 1000, packets * 100, packets, packets, 0);
}
