using Gateway.Protocol.Tests.Simulation;

namespace Gateway.Protocol.Tests.Handshake;

public sealed class CookieTests
{
    private static readonly byte[] Source = [192, 0, 2, 1];

    [Fact]
    public void Initiation_UnderLoad_GetsACookieAndSucceedsOnTheRetry()
    {
        using var net = new Network(1);
        net.B.Device.UnderLoad = true;
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(HandshakeResult.CookieSent, Assert.Single(net.B.Outcomes).Result);
        Assert.Equal(HandshakeResult.CookieLearned, Assert.Single(net.A.Outcomes).Result);
        Assert.Empty(net.B.Delivered);
        net.Run(TimeSpan.FromSeconds(5));
        Assert.Contains(net.B.Outcomes, o => o.Result == HandshakeResult.Responded);
        Assert.Single(net.B.Delivered);
        Assert.Equal(1, net.B.Device.CountOf(HandshakeResult.CookieSent));
        Assert.Equal(1, net.B.Device.CountOf(HandshakeResult.Responded));
    }

    [Fact]
    public void Response_InitiatorUnderLoad_GetsACookieThatTheNextResponseCarries()
    {
        using var net = new Network(2);
        net.A.Device.UnderLoad = true;
        net.A.Send(1);
        Assert.True(net.RunUntil(TimeSpan.FromSeconds(6), () => net.B.Delivered.Count == 1));
        Assert.Contains(net.B.Outcomes, o => o.Result == HandshakeResult.CookieLearned);
        Assert.Contains(net.A.Outcomes, o => o.Result == HandshakeResult.Completed);
    }

    [Fact]
    public void Cookie_FromAnotherSourceAddressOrPort_IsNotAccepted()
    {
        using var net = new Network(3);
        var captured = CaptureInitiationWithCookie(net);
        var reply = new byte[WireGuardDevice.MaxHandshakeBytes];
        Assert.Equal(HandshakeResult.CookieSent, net.B.Device.Receive(captured, [192, 0, 2, 3], 51820, net.Now, reply).Result);
        Assert.Equal(HandshakeResult.CookieSent, net.B.Device.Receive(captured, Source, 51821, net.Now, reply).Result);
        Assert.Equal(HandshakeResult.Responded, net.B.Device.Receive(captured, Source, 51820, net.Now, reply).Result);
    }

    [Fact]
    public void Cookie_IPv4MappedSource_CountsAsIPv4()
    {
        using var net = new Network(4);
        var captured = CaptureInitiationWithCookie(net);
        byte[] mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, .. Source];
        var outcome = net.B.Device.Receive(captured, mapped, 51820, net.Now, new byte[WireGuardDevice.MaxHandshakeBytes]);
        Assert.Equal(HandshakeResult.Responded, outcome.Result);
    }

    [Fact]
    public void Cookie_AfterItsSecretRotated_IsNotAccepted()
    {
        using var net = new Network(5);
        var captured = CaptureInitiationWithCookie(net);
        net.Run(TimeSpan.FromSeconds(121));
        var outcome = net.B.Device.Receive(captured, Source, 51820, net.Now, new byte[WireGuardDevice.MaxHandshakeBytes]);
        Assert.Equal(HandshakeResult.CookieSent, outcome.Result);
    }

    [Fact]
    public void CookieReply_ReplayedOrUnasked_IsRefused()
    {
        using var net = new Network(6);
        net.B.Device.UnderLoad = true;
        byte[]? cookie = null;
        net.Passes = (from, datagram) =>
        {
            if (from == net.B)
                cookie ??= datagram;
            return true;
        };
        net.A.Send(1);
        net.Run(TimeSpan.FromSeconds(1));
        net.A.Receive(cookie!);
        Assert.Equal([HandshakeResult.CookieLearned, HandshakeResult.NotExpected], net.A.Outcomes.Select(o => o.Result));
    }

    [Fact]
    public void Initiations_UnderLoadFromOneSource_AreLimitedTo20ASecondWithABurstOf5()
    {
        var limiter = new RateLimiter();
        var now = new Instant(TimeSpan.TicksPerDay);
        var passed = 0;
        for (var at = 0; at < 100; at++)
            passed += limiter.TryTake(Source, now) ? 1 : 0;
        Assert.Equal(5, passed);
        for (var at = 0; at < 1000; at++)
            passed += limiter.TryTake(Source, now + TimeSpan.FromMilliseconds(at)) ? 1 : 0;
        Assert.InRange(passed, 5 + 19, 5 + 20);
    }

    [Fact]
    public void RateLimiter_IPv6_CountsByPrefixOf64Bits()
    {
        var limiter = new RateLimiter();
        var now = new Instant(TimeSpan.TicksPerDay);
        var address = new byte[16];
        address[0] = 0x20;
        for (byte host = 0; host < 5; host++)
        {
            address[15] = host;
            Assert.True(limiter.TryTake(address, now));
        }

        address[15] = 99;
        Assert.False(limiter.TryTake(address, now));
        address[7] = 1;
        Assert.True(limiter.TryTake(address, now));
    }

    [Fact]
    public void RateLimiter_ManySources_StaysWithinItsCapacityAndForgetsThem()
    {
        var limiter = new RateLimiter();
        var now = new Instant(TimeSpan.TicksPerDay);
        for (var source = 0; source < LocalLimits.MaxRateLimitedSources + 1000; source++)
            limiter.TryTake(BitConverter.GetBytes(source), now);
        Assert.Equal(LocalLimits.MaxRateLimitedSources, limiter.Sources);
        Assert.False(limiter.TryTake([9, 9, 9, 9], now));
        Assert.True(limiter.TryTake([9, 9, 9, 9], now + TimeSpan.FromSeconds(2)));
        Assert.Equal(1, limiter.Sources);
    }

    /// <summary>Leads A to an initiation that carries mac2 and keeps it from B.</summary>
    private static byte[] CaptureInitiationWithCookie(Network net)
    {
        net.B.Device.UnderLoad = true;
        byte[]? captured = null;
        net.Passes = (from, datagram) =>
        {
            var isInitiation = from == net.A && datagram[0] == 1;
            if (isInitiation && datagram.AsSpan(^16..).ContainsAnyExcept((byte)0))
                captured ??= datagram;
            return captured is null;
        };
        net.A.Send(1);
        Assert.True(net.RunUntil(TimeSpan.FromSeconds(10), () => captured is not null));
        return captured!;
    }
}
