using System.Buffers.Binary;
using Gateway.Protocol;
using Xunit;

namespace Gateway.Engine.Tests;

public class EthernetSwitchTests
{
    private static readonly Peer s_peer = new(0, new PeerConfig { Id = Guid.NewGuid(), Name = "p", AllowedIps = [] });
    private static readonly Instant s_start = new(TimeSpan.TicksPerDay);

    [Fact]
    public void Learn_InATableFullOfForgedAddresses_StillFollowsAStationThatMoves()
    {
        var ethernet = new EthernetSwitch();
        ethernet.Learn(From(1), null, s_start);
        for (uint forged = 2; forged < 6000; forged++) ethernet.Learn(From(forged), s_peer, s_start);
        ethernet.Learn(From(1), s_peer, s_start);
        Assert.True(ethernet.TryFind(To(1), s_start, out var owner));
        Assert.Same(s_peer, owner);
    }

    [Fact]
    public void Learn_InAFullTable_TakesNewStationsAgainWhenTheOldHaveAged()
    {
        var ethernet = new EthernetSwitch();
        for (uint forged = 2; forged < 6000; forged++) ethernet.Learn(From(forged), s_peer, s_start);
        ethernet.Learn(From(6001), null, s_start);
        Assert.False(ethernet.TryFind(To(6001), s_start, out _));
        var later = s_start + TimeSpan.FromSeconds(302);
        ethernet.Learn(From(6001), null, later);
        Assert.True(ethernet.TryFind(To(6001), later, out var owner));
        Assert.Null(owner);
    }

    private static byte[] From(uint station) => Frame(at: 6, station);

    private static byte[] To(uint station) => Frame(at: 0, station);

    private static byte[] Frame(int at, uint station)
    {
        var frame = new byte[60];
        frame[at] = 2;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(at + 2), station);
        return frame;
    }
}
