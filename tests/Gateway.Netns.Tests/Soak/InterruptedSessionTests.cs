using System.Diagnostics;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Lab;
using Xunit;

namespace Gateway.Netns.Tests.Soak;

/// <summary>
/// One telnet session through everything that Experiment6InterruptionTests does to a session of its own each: its client away for half a minute,
/// the gateway stopped and started, the gateway killed; again and again.
/// </summary>
public sealed class InterruptedSessionTests
{
    private static readonly TimeSpan s_away = TimeSpan.FromSeconds(30);

    // TCP waits twice as long after each attempt: what was typed at the beginning of an absence may come that long after its end.
    private static readonly TimeSpan s_retransmission = TimeSpan.FromSeconds(120);

    [Fact(Explicit = true)]
    public async Task Telnet_InterruptedAgainAndAgain_GoesOn()
    {
        await using var lab = await ThreeHosts.WithGateway();
        await using var tunnel = await LabTunnel.Up(lab, LabClient.ConnectConf);
        await using var session = await TelnetSession.Open(lab);
        var clock = Stopwatch.StartNew();
        for (var round = 1; round == 1 || clock.Elapsed < SoakTime.Long; round++)
        {
            await tunnel.StopClient();
            await session.Ask($"client{round}");
            await Eventually.Stays(() => !session.Shell.HasExited, "a telnet session", s_away);
            await tunnel.StartClient();
            await session.Shell.Says(TelnetSession.Answer($"client{round}"), s_retransmission);

            Assert.Equal(0, await lab.Gateway.Stop());
            await session.Ask($"stopped{round}");
            await lab.Gateway.Start();
            await session.Shell.Says(TelnetSession.Answer($"stopped{round}"), s_retransmission);

            await lab.Gateway.Kill();
            await session.Ask($"killed{round}");
            await lab.Gateway.Start();
            await session.Shell.Says(TelnetSession.Answer($"killed{round}"), s_retransmission);
        }
    }
}
