using Gateway.Netns.Tests.Harness;
using Xunit;

namespace Gateway.Netns.Tests.Lab;

/// <summary>Experiment 6: what happens to a telnet session while an end of the tunnel is away.</summary>
public sealed class Experiment6InterruptionTests
{
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What is typed while the client is away is sent again by TCP after 0.2, 0.6, 1.4, 3, 6.2 and 12.6 s: typed this long before the client
    /// comes back, the next attempt falls shortly after.
    /// </summary>
    private static readonly TimeSpan TypedBeforeReturn = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan Retransmission = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Telnet_ThirtySecondsWithoutItsClient_GoesOn()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await using var session = await TelnetSession.Open(lab);

        await tunnel.StopClient();
        await Eventually.Stays(() => !session.Shell.HasExited, "a telnet session", Away - TypedBeforeReturn);
        await session.Ask("typed");
        await Eventually.Stays(
            () => !session.Shell.HasExited && !session.Shell.Output.Contains(TelnetSession.Answer("typed"), StringComparison.Ordinal),
            "a session that shows nothing of what was typed", TypedBeforeReturn);
        Assert.True(await TelnetSession.IsEstablished(lab));

        await tunnel.StartClient();

        await session.Shell.Says(TelnetSession.Answer("typed"), Retransmission);
        await session.Answers("later");
    }

    [Theory]
    [InlineData(LabClient.Python)]
    [InlineData(LabClient.ConnectPlain)]
    public async Task Telnet_PlainClientRestarted_ShowsWhatWasTypedMeanwhile(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, client);
        await using var session = await TelnetSession.Open(lab);

        await tunnel.StopClient();
        await session.Ask("typed");
        Assert.True(await TelnetSession.IsEstablished(lab));
        Assert.DoesNotContain(TelnetSession.Answer("typed"), session.Shell.Output, StringComparison.Ordinal);
        await tunnel.StartClient();

        await session.Shell.Says(TelnetSession.Answer("typed"), Retransmission);
    }

    [Theory]
    [InlineData(LabClient.ConnectConf)]
    [InlineData(LabClient.WireGuardGo)]
    public async Task Telnet_GatewayRestarted_GoesOn(LabClient client)
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, client);
        await using var session = await TelnetSession.Open(lab);

        Assert.Equal(0, await lab.Gateway.Stop());
        await session.Ask("typed");
        await lab.Gateway.Start();

        await session.Shell.Says(TelnetSession.Answer("typed"), Retransmission);
        await session.Answers("later");
    }
}
