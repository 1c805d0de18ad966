using Gateway.Protocol.Tests.Simulation;

namespace Gateway.Protocol.Tests;

public sealed class SessionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FirstPacket_WithoutSession_StartsAHandshakeAndArrives(bool withPresharedKey)
    {
        using var net = new Network(1, withPresharedKey ? new PresharedKey(Enumerable.Repeat((byte)9, 32).ToArray()) : null);
        net.A.Send(1, 2, 3);
        Assert.Equal(1, net.A.Waiting);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal((byte[])[1, 2, 3], Assert.Single(net.B.Delivered)[..3]);
        net.B.Send(4);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(4, Assert.Single(net.A.Delivered)[0]);
        Assert.Equal(1, net.A.InitiationsSent);
        Assert.Equal(0, net.B.InitiationsSent);
        Assert.NotNull(net.A.Peer.LastHandshake);
        Assert.NotNull(net.B.Peer.LastHandshake);
    }

    [Fact]
    public void DifferentPresharedKeys_NeverMakeASession()
    {
        using var net = new Network(2, new PresharedKey(Enumerable.Repeat((byte)9, 32).ToArray()));
        net.A.Peer.SetPresharedKey(null, net.Now);
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(30));
        Assert.Empty(net.B.Delivered);
        Assert.Contains(net.A.Outcomes, o => o.Result == HandshakeResult.BadTag && o.Peer == net.A.Peer);
        Assert.Null(net.A.Peer.SendKeys);
    }
}
