using Gateway.Contracts.Lab;

namespace Gateway.Features.Lab.Experiments;

/// <summary>A TCP session while its tunnel is away.</summary>
internal sealed class Experiment6Interruption : IExperiment
{
    public LabExperiment About { get; } = new(6, "Breaking it",
        "TCP knows nothing of the tunnel. Without it nothing arrives, and nothing says so; the connection stands, and what was sent is sent again until it is acknowledged.",
        "The WireGuard tunnel as the lab has it, and a session with a service on V.",
        ["The session carries what is typed", "Without the client what is typed shows nothing", "The connection stands all the same", "With the client back, what was typed appears by TCP's retransmission"], false);

    public async Task RunAsync(LabBench bench, LabRunRequest how, CancellationToken cancellationToken)
    {
        await bench.ExpectReachesAsync("U reaches V", LabAddresses.V, cancellationToken);
        await bench.OpenSessionAsync(cancellationToken);
        await bench.ExpectHeardAsync("The session carries what is typed", "first", cancellationToken);

        await bench.StopWireGuardAsync(cancellationToken);
        await bench.SettleAsync(cancellationToken);
        var since = bench.Mark();
        await bench.DoAsync(LabHosts.U, "'typed' is typed", LabActions.TypeSession, "typed", cancellationToken);
        await bench.ExplainAsync("right after the client was stopped, of which the gateway knows nothing yet: what it saw last speaks", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.WireGuardU, LabAddresses.V, "", cancellationToken);
        await bench.SettleAsync(cancellationToken);
        var session = await bench.LookAsync(LabHosts.U, LabActions.ReadSession, cancellationToken);
        bench.Expect("Without the client what is typed shows nothing", session.Text?.Contains("heard typed", StringComparison.Ordinal) == false, $"the session shows: {session.Text?.Trim().ReplaceLineEndings(" / ")}");
        bench.ExpectNotAt("Nothing of it reaches V", LabPoints.V, $"{LabAddresses.WireGuardU}.", since);
        bench.Expect("The connection stands all the same", session.IsOpen, session.IsOpen ? "open" : "closed");

        await bench.DoAsync(LabHosts.U, "the client is started again", LabActions.StartClient, LabClients.WireGuard, cancellationToken);
        await bench.ExpectAnswerAsync("With the client back, what was typed appears by TCP's retransmission", "typed", cancellationToken);
        await bench.SettleAsync(cancellationToken);
        await bench.ExplainAsync("with the client back", LabSetUp.PeerOf(LabSetUp.WireGuardTunnel), LabAddresses.WireGuardU, LabAddresses.V, null, cancellationToken);
    }
}
