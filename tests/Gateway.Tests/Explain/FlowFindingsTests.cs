using System.Net;
using Gateway.Engine;
using Gateway.Engine.Flows;
using Gateway.Features.Explain.Detectors;
using Xunit;

namespace Gateway.Tests.Explain;

public sealed class FlowFindingsTests
{
    private const byte Icmp = 1, Tcp = 6, Udp = 17;
    private const int Mtu = 1420;
    private static readonly long s_now = TimeSpan.FromHours(1).Ticks;

    [Theory]
    [InlineData(Icmp, 4242, true)]
    [InlineData(Tcp, 22, true)]
    [InlineData(Udp, 53, true)]
    // Syslog and the like never answer, and that is right: only certain evidence may speak against it.
    [InlineData(Udp, 514, false)]
    public void AskedAndNeverAnswered_IsFound_AndSaysWhetherAnAnswerBelongsToIt(byte protocol, int port, bool must) =>
        Assert.Equal(must, Assert.Single(FlowFindings.Look([Flow(protocol, port, asked: 4, answered: 0)], s_now, Mtu)).MustBeAnswered);

    [Fact]
    public void TooFewOrTooYoungOrLongAgo_IsNotFound()
    {
        Assert.Empty(FlowFindings.Look([Flow(Icmp, 1, asked: 2, answered: 0)], s_now, Mtu));
        Assert.Empty(FlowFindings.Look([Flow(Icmp, 1, asked: 9, answered: 0, first: 2)], s_now, Mtu));
        Assert.Empty(FlowFindings.Look([Flow(Icmp, 1, asked: 9, answered: 0, first: 90, lastAsked: 60)], s_now, Mtu));
        Assert.Empty(FlowFindings.Look([Flow(Icmp, 1, asked: 9, answered: 0) with { OtherAddress = Address("224.0.0.251") }], s_now, Mtu));
    }

    [Fact]
    public void Answered_IsNotFound_NorWhatWasAnsweredSince()
    {
        Assert.Empty(FlowFindings.Look([Flow(Icmp, 1, asked: 9, answered: 8)], s_now, Mtu));
        Assert.Empty(FlowFindings.Look([Flow(Icmp, 1, asked: 9, answered: 0, first: 20), Flow(Icmp, 2, asked: 3, answered: 3)], s_now, Mtu));
    }

    [Fact]
    public void AnotherPort_ThatAnswers_DoesNotHideTheOneThatDoesNot()
    {
        var finding = Assert.Single(FlowFindings.Look([Flow(Tcp, 22, asked: 4, answered: 0, first: 20), Flow(Tcp, 80, asked: 9, answered: 9) with { TcpFlagsToPeer = 0x12, TcpFlagsFromPeer = 0x12 }], s_now, Mtu));
        Assert.Equal((22, (int?)null), (finding.Port, finding.SilentAbove));
    }

    [Fact]
    public void SinglePacketsFromManyPorts_CountTogether() =>
        Assert.Equal(3, Assert.Single(FlowFindings.Look([.. Enumerable.Range(0, 3).Select(i => Flow(Udp, 53, asked: 1, answered: 0, first: 10 - i) with { PeerPort = 40_000 + i })], s_now, Mtu)).Asked);

    [Fact]
    public void LargePingsSilentAndSmallOnesAnswered_IsASizeNotAHost()
    {
        var finding = Assert.Single(FlowFindings.Look([Flow(Icmp, 1, asked: 5, answered: 0, size: 1328, first: 20), Flow(Icmp, 2, asked: 3, answered: 3)], s_now, Mtu));
        Assert.Equal(1328, finding.SilentAbove);
    }

    [Fact]
    public void LargePingsSilentAndNobodyAnswers_IsAHostNotASize() =>
        Assert.Null(Assert.Single(FlowFindings.Look([Flow(Icmp, 1, asked: 5, answered: 0, size: 1328)], s_now, Mtu)).SilentAbove);

    [Fact]
    public void TcpStuckWithLargeSegments_WhileOthersAreAnswered_IsASize()
    {
        var stuck = Flow(Tcp, 443, asked: 14, answered: 2, size: 1420, first: 20, lastAsked: 1, lastAnswered: 19) with { TcpFlagsFromPeer = 0x12, TcpFlagsToPeer = 0x12 };
        Assert.Equal(1420, Assert.Single(FlowFindings.Look([stuck, Flow(Icmp, 2, asked: 3, answered: 3)], s_now, Mtu)).SilentAbove);
        // The same size passes in another conversation: the one just hangs.
        var fine = Flow(Tcp, 443, asked: 900, answered: 900, size: 1420) with { TcpFlagsFromPeer = 0x12, TcpFlagsToPeer = 0x12, PeerPort = 40_001 };
        Assert.Empty(FlowFindings.Look([stuck, fine], s_now, Mtu));
    }

    [Fact]
    public void LargePingsSilent_ButAnsweredSinceTheTunnelTakesLess_IsNotFound()
    {
        // The client fetched its configuration again: 1280 bytes, and a larger ping comes in fragments of 1276.
        var before = Flow(Icmp, 1, asked: 5, answered: 0, size: 1328, first: 20, lastAsked: 8);
        var after = Flow(Icmp, 2, asked: 3, answered: 3, size: 1276, first: 4);
        Assert.Empty(FlowFindings.Look([before, after], s_now, mtu: 1280));
        // Only one that came later says that it passes now, and only as long as the tunnel takes no more.
        Assert.NotEmpty(FlowFindings.Look([before, after with { LastSeenToPeer = Ago(9) }, Flow(Icmp, 3, asked: 3, answered: 3)], s_now, mtu: 1280));
        Assert.NotEmpty(FlowFindings.Look([before, after], s_now, mtu: 1420));
    }

    [Fact]
    public void TcpThatHasJustSpokenAgainAfterAPause_IsNotStuck() =>
        Assert.Empty(FlowFindings.Look([Flow(Tcp, 443, asked: 90, answered: 80, size: 1420, first: 60, lastAsked: 0.01, lastAnswered: 30) with { TcpFlagsFromPeer = 0x1A, TcpFlagsToPeer = 0x12 }, Flow(Icmp, 2, asked: 3, answered: 3)], s_now, Mtu));

    [Fact]
    public void Upload_ThatIsAcknowledged_IsNotFound() =>
        Assert.Empty(FlowFindings.Look([Flow(Tcp, 443, asked: 9000, answered: 4500, size: 1420) with { TcpFlagsFromPeer = 0x18, TcpFlagsToPeer = 0x12 }], s_now, Mtu));

    // Times are seconds ago.
    private static FlowRecord Flow(byte protocol, int port, long asked, long answered, int size = 84, double first = 10, double lastAsked = 0.5, double lastAnswered = 0.4) => new()
    {
        PeerIndex = 0,
        Protocol = protocol,
        PeerAddress = Address("192.168.53.99"),
        PeerPort = protocol == Icmp ? port : 40_000,
        OtherAddress = Address("192.168.60.101"),
        OtherPort = port,
        PacketsFromPeer = asked,
        PacketsToPeer = answered,
        LargestFromPeer = size,
        TcpFlagsFromPeer = protocol == Tcp ? (byte)0x02 : (byte)0,
        FirstSeenFromPeer = Ago(first),
        LastSeenFromPeer = Ago(lastAsked),
        FirstSeenToPeer = answered == 0 ? 0 : Ago(first),
        LastSeenToPeer = answered == 0 ? 0 : Ago(lastAnswered),
    };

    private static long Ago(double seconds) => s_now - TimeSpan.FromSeconds(seconds).Ticks;

    private static InetAddress Address(string text) => InetAddress.From(IPAddress.Parse(text));
}
