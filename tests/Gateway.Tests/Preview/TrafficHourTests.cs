using System.Net;
using Gateway.Engine;
using Gateway.Features.Preview;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Preview;

/// <summary>The last hour's traffic in a bounded table.</summary>
public sealed class TrafficHourTests
{
    private static readonly Guid Tunnel = Guid.NewGuid(), Peer = Guid.NewGuid();

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 31, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Counts_AddUpByMinute_AndLeaveAfterAnHour()
    {
        var hour = new TrafficHour(_time);
        hour.Add(Key("192.168.60.101"), 1, 2, 300, 0);
        hour.Add(Key("192.168.60.101"), 1, 0, 100, 4);
        _time.Advance(TimeSpan.FromMinutes(30));
        hour.Add(Key("192.168.60.101"), 10, 10, 1000, 0);
        var total = Assert.Single(hour.Read(_ => true));
        Assert.Equal((12, 12, 1400, 4), (total.FromPeer, total.ToPeer, total.Bytes, total.Dropped));
        Assert.Empty(hour.Read(_ => false));
        _time.Advance(TimeSpan.FromMinutes(31));
        Assert.Equal(10, Assert.Single(hour.Read(_ => true)).FromPeer);
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Empty(hour.Read(_ => true));
    }

    [Fact]
    public void TooManyConversations_AreKeptByNetwork_AndThenOnlyCounted()
    {
        var hour = new TrafficHour(_time);
        for (var i = 0; i < TrafficHour.FineRows; i++) hour.Add(Key($"10.{i / 65536}.{i / 256 % 256}.{i % 256}"), 1, 0, 60, 0);
        Assert.Equal(TrafficHour.FineRows, hour.Read(_ => true).Count);
        // A scan of one network more is one row more.
        for (var i = 1; i < 255; i++) hour.Add(Key($"192.168.60.{i}"), 1, 0, 60, 0);
        var network = Assert.Single(hour.Read(_ => true), total => total.Key.IsNetwork);
        Assert.Equal((254, "192.168.60.0", "192.168.60.254"), (network.FromPeer, network.Key.OtherSide.ToString(), network.OtherSide.ToString()));
        for (var i = 0; i < TrafficHour.MaxRows; i++) hour.Add(Key($"172.{16 + (i / 65536)}.{i / 256 % 256}.1") with { Port = 1 + (i % 256) }, 1, 0, 60, 0);
        Assert.Equal(TrafficHour.MaxRows, hour.Read(_ => true).Count);
        Assert.True(hour.Missed > 0);
        // The hour over, there is room again.
        _time.Advance(TimeSpan.FromMinutes(61));
        hour.Add(Key("192.168.60.101"), 1, 1, 120, 0);
        Assert.False(Assert.Single(hour.Read(_ => true)).Key.IsNetwork);
    }

    private static TrafficKey Key(string other) => new(Tunnel, Peer, InetAddress.From(IPAddress.Parse("192.168.53.2")), InetAddress.From(IPAddress.Parse(other)), 6, 22, true);
}
