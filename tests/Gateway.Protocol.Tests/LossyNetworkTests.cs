using System.Buffers.Binary;
using Gateway.Protocol.Tests.Simulation;

namespace Gateway.Protocol.Tests;

/// <summary>Two devices over hours of virtual time on a bad wire.</summary>
public sealed class LossyNetworkTests
{
    private static readonly TimeSpan OneRetry = TimeSpan.FromSeconds(5.333);

    [Theory]
    [InlineData(1, 0.00)]
    [InlineData(2, 0.05)]
    [InlineData(3, 0.20)]
    [InlineData(4, 0.40)]
    public void BadWire_ForHours_SessionsRekeyAndNothingComesTwice(int seed, double loss)
    {
        using var net = new Network(seed) { Loss = loss, Duplication = 0.2, ExtraDelay = TimeSpan.FromMilliseconds(900) };
        var (sentByA, sentByB) = (0u, 0u);
        void Tick()
        {
            SendNumber(net.A, sentByA++);
            SendNumber(net.B, sentByB++);
            net.At(TimeSpan.FromMilliseconds(700), Tick);
        }

        Tick();
        net.Run(TimeSpan.FromHours(3));

        AssertDistinct(net.A.Delivered);
        AssertDistinct(net.B.Delivered);
        // What is lost beyond the wire's own loss was sent while no session could be had.
        Assert.InRange(net.B.Delivered.Count, sentByA * (1 - loss) * 0.95, sentByA);
        Assert.InRange(net.A.Delivered.Count, sentByB * (1 - loss) * 0.95, sentByB);
        // 3 h / 120 s = 90; retries on a bad wire take some away, crossing and repeated handshakes add some.
        Assert.InRange(net.A.SessionsReady, 70, 300);
        Assert.InRange(net.B.SessionsReady, 70, 300);
        Assert.Contains(OpenResult.Replay, net.B.OpenResults);
        Assert.DoesNotContain(OpenResult.BadTag, net.B.OpenResults);
        Assert.True(net.A.Retired + net.B.Retired > 140);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 30)]
    [InlineData(3, 100)]
    [InlineData(4, 170)]
    [InlineData(5, 200)]
    [InlineData(6, 600)]
    [InlineData(7, 3600)]
    public void Outage_AfterItHealed_DataFlowsAgainWithinOneRetry(int seed, int outageSeconds)
    {
        using var net = new Network(seed);
        for (var round = 0; round < 5; round++)
        {
            var number = 0u;
            var ticking = true;
            void Tick()
            {
                if (!ticking)
                    return;
                SendNumber(net.A, number);
                SendNumber(net.B, number++);
                net.At(TimeSpan.FromMilliseconds(300), Tick);
            }

            Tick();
            net.Run(TimeSpan.FromSeconds(140 + 13 * round));
            net.Loss = 1;
            net.Run(TimeSpan.FromSeconds(outageSeconds));
            net.Loss = 0;
            var (atA, atB) = (net.A.Delivered.Count, net.B.Delivered.Count);
            Assert.True(net.RunUntil(OneRetry + net.Delay * 4 + TimeSpan.FromMilliseconds(300), () => net.A.Delivered.Count > atA && net.B.Delivered.Count > atB));
            ticking = false;
            net.Run(TimeSpan.FromSeconds(60));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void OutageWithoutTraffic_FirstPacketAfterwards_StartsOverAtOnce(int seed)
    {
        using var net = new Network(seed);
        SendNumber(net.A, 1);
        net.Run(TimeSpan.FromSeconds(30));
        net.Loss = 1;
        SendNumber(net.A, 2);
        net.Run(TimeSpan.FromHours(1));
        Assert.Equal(1, net.A.GivenUp);
        net.Loss = 0;
        SendNumber(net.A, 3);
        Assert.True(net.RunUntil(net.Delay * 4, () => net.B.Delivered.Count == 2));
    }

    [Fact]
    public void GoodWire_OneWayTraffic_LosesNothingWhileItRekeys()
    {
        using var net = new Network(5);
        var number = 0u;
        void Tick()
        {
            SendNumber(net.A, number++);
            net.At(TimeSpan.FromSeconds(1), Tick);
        }

        Tick();
        net.Run(TimeSpan.FromHours(2));
        Assert.InRange(net.B.Delivered.Count, (int)number - 1, (int)number);
        // Two hours in sessions of 120 s.
        Assert.InRange(net.A.InitiationsSent, 58, 62);
        Assert.Equal(0, net.B.InitiationsSent);
        // The receiver answers with a keepalive 10 s after the first unanswered packet; each of its handshake responses counts as an answer too.
        Assert.InRange(net.B.KeepalivesSent, 7200 / 11 - 60, 7200 / 10);
    }

    [Fact]
    public void GoodWire_TrafficOnlyFromTheResponder_LosesNothingAndOnlyTheInitiatorRekeys()
    {
        using var net = new Network(6);
        SendNumber(net.A, 0);
        net.Run(TimeSpan.FromSeconds(1));
        var number = 0u;
        void Tick()
        {
            SendNumber(net.B, number++);
            net.At(TimeSpan.FromMilliseconds(500), Tick);
        }

        Tick();
        net.Run(TimeSpan.FromHours(1));
        Assert.InRange(net.A.Delivered.Count, (int)number - 1, (int)number);
        Assert.Equal(0, net.B.InitiationsSent);
        Assert.InRange(net.A.InitiationsSent, 3600 / 166, 3600 / 120 + 1);
    }

    [Fact]
    public void BothStartAtOnce_CrossingHandshakes_EndInAWorkingSession()
    {
        using var net = new Network(7);
        for (var round = 0u; round < 20; round++)
        {
            SendNumber(net.A, round);
            SendNumber(net.B, round);
            net.Run(TimeSpan.FromSeconds(1));
            Assert.Equal((int)round + 1, net.A.Delivered.Count);
            Assert.Equal((int)round + 1, net.B.Delivered.Count);
            // Long enough that both sides' keys are refused, so that both must start anew at the same moment.
            net.Run(TimeSpan.FromSeconds(200));
        }
    }

    [Fact]
    public void Idle_AfterAnExchange_TheWireFallsSilentAndKeysAreErased()
    {
        using var net = new Network(8);
        SendNumber(net.A, 1);
        net.Run(TimeSpan.FromSeconds(60));
        var carried = net.Carried;
        Assert.NotNull(net.A.Peer.SendKeys);
        net.Run(TimeSpan.FromSeconds(470));
        Assert.NotNull(net.A.Peer.SendKeys);
        net.Run(TimeSpan.FromSeconds(20));
        Assert.Null(net.A.Peer.SendKeys);
        Assert.Null(net.B.Peer.SendKeys);
        net.Run(TimeSpan.FromHours(10));
        Assert.Equal(carried, net.Carried);
        Assert.Equal(Instant.Infinity, net.A.Deadline);
        Assert.Equal(Instant.Infinity, net.B.Deadline);
    }

    private static void SendNumber(Station from, uint number)
    {
        Span<byte> packet = stackalloc byte[16];
        packet.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(packet, number + 1);
        from.Send(packet);
    }

    private static void AssertDistinct(List<byte[]> delivered) =>
        Assert.Equal(delivered.Count, delivered.Select(p => BinaryPrimitives.ReadUInt32LittleEndian(p)).Distinct().Count());
}
