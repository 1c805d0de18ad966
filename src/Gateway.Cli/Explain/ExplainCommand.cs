using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Explain;

/// <summary><c>gateway explain</c>: its arguments.</summary>
internal static class ExplainCommand
{
    public const string Details = """
        gateway explain alice 192.168.60.101
        gateway explain wg0/alice 192.168.60.101 --tcp 22 --source 192.168.30.99

        Shows the way of the packet and of its answer, with the hop to look at and what mends it.
        Exit codes: 0 it passes; 7 it is dropped, or an answer was not seen; else as with every command (docs/cli.md).
        """;

    public static ApiCommand Build() => Make("explain", "Explain why a packet of a peer passes, or why it does not.", "Explain", async (session, request) =>
    {
        var result = await session.Api.ExplainAsync(request, session.Stopped);
        var explanation = ApiSession.Take(result);
        if (session.IsJson) session.Show(result);
        else ExplanationView.Show(explanation, session.View.Console);
        return explanation.Verdict == Verdicts.Passes;
    });

    /// <summary><c>gateway handshake</c>: those that were refused or led to nothing.</summary>
    public static Command BuildHandshake()
    {
        var tunnel = new Option<string?>("--tunnel") { HelpName = "TUNNEL", Description = "Only of this tunnel." }.Completing(Names.TunnelNamesAsync);
        var list = new ApiCommand("list", "List handshakes that were refused or led to nothing, by outer address and by peer.", "ListHandshakes").Listing().With(tunnel)
            .Does(session => session.ListAsync<HandshakeRow>(page => session.Api.ListHandshakesAsync(session.Value(tunnel), page, session.Stopped),
                nameof(HandshakeRow.Tunnel), nameof(HandshakeRow.Source), nameof(HandshakeRow.Peer), nameof(HandshakeRow.LastAt), nameof(HandshakeRow.Text), nameof(HandshakeRow.Remedy)));
        return new Command("handshake", "Handshakes that do not come to a session.") { list };
    }

    /// <summary><c>gateway probe</c>: the same question, asked with a real packet.</summary>
    public static ApiCommand BuildProbe() => Make("probe", "Send a real packet as a peer would, and say what came back or where it died.", "SendProbe", async (session, request) =>
    {
        var result = await session.Api.SendProbeAsync(request, session.Stopped);
        var probe = ApiSession.Take(result);
        if (session.IsJson)
        {
            session.Show(result);
        }
        else
        {
            ExplanationView.Show(probe.Explanation, session.View.Console);
            session.View.Sentence(probe.Summary);
        }

        return probe.Outcome == ProbeOutcomes.Answered;
    });

    private static ApiCommand Make(string name, string description, string operation, Func<ApiSession, ExplainRequest, Task<bool>> ask)
    {
        var peer = Names.Peer();
        peer.Description = "The peer that sends: its name, tunnel/name, or id.";
        var destination = new Argument<string>("DESTINATION") { Description = "The inner destination, an address." };
        var source = new Option<string?>("--source") { Description = "The inner source; without it the peer's own address.", HelpName = "ADDRESS" };
        var tcp = new Option<int?>("--tcp") { Description = "The opening of a TCP connection to this port instead of a ping.", HelpName = "PORT" };
        var udp = new Option<int?>("--udp") { Description = "A UDP packet to this port instead of a ping.", HelpName = "PORT" };
        var command = new ApiCommand(name, description, operation).With(peer, destination, source, tcp, udp);
        command.Validators.Add(result =>
        {
            if (result.GetResult(tcp) is not null && result.GetResult(udp) is not null) result.AddError("--tcp and --udp exclude each other: give one of them.");
        });
        return command.Does(async session =>
        {
            var (tcpPort, udpPort) = (session.Value(tcp), session.Value(udp));
            var request = new ExplainRequest
            {
                Peer = session.Value(peer),
                Source = session.Value(source),
                Destination = session.Value(destination),
                Protocol = tcpPort is not null ? ExplainProtocols.Tcp : udpPort is not null ? ExplainProtocols.Udp : ExplainProtocols.Icmp,
                Port = tcpPort ?? udpPort,
            };
            return await ask(session, request) ? ExitCodes.Ok : ExitCodes.Answered;
        });
    }
}
