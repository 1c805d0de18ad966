using System.CommandLine;
using System.Text.Json;
using Gateway.Cli.Api;
using Gateway.Contracts;
using Spectre.Console;

namespace Gateway.Cli.Explain;

/// <summary><c>gateway explain</c>: its arguments.</summary>
internal static class ExplainCommand
{
    public const string Details = """
        gateway explain alice 192.168.60.101
        gateway explain wg0/alice 192.168.60.101 --tcp 22 --source 192.168.30.99

        Shows the way of the packet and of its answer, with the hop to look at and what mends it.
        Exit codes: 0 it passes; 3 it is dropped, or an answer was not seen; 1 the gateway could not be asked; 2 wrong arguments.
        """;

    public static Command Build()
    {
        var peer = new Argument<string>("PEER") { Description = "The peer that sends: its name, tunnel/name, or id." };
        var destination = new Argument<string>("DESTINATION") { Description = "The inner destination, an address." };
        var source = new Option<string?>("--source") { Description = "The inner source; without it the peer's own address.", HelpName = "ADDRESS" };
        var tcp = new Option<int?>("--tcp") { Description = "The opening of a TCP connection to this port instead of a ping.", HelpName = "PORT" };
        var udp = new Option<int?>("--udp") { Description = "A UDP packet to this port instead of a ping.", HelpName = "PORT" };
        var json = new Option<bool>("--json") { Description = "Print what the API answers." };
        var command = new Command("explain", "Explain why a packet of a peer passes, or why it does not.") { peer, destination, source, tcp, udp, json };
        var connection = ApiConnection.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(tcp) is not null && result.GetResult(udp) is not null) result.AddError("--tcp and --udp exclude each other: give one of them.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (tcpPort, udpPort) = (parsed.GetValue(tcp), parsed.GetValue(udp));
            var request = new ExplainRequest
            {
                Peer = parsed.GetValue(peer),
                Source = parsed.GetValue(source),
                Destination = parsed.GetValue(destination),
                Protocol = tcpPort is not null ? ExplainProtocols.Tcp : udpPort is not null ? ExplainProtocols.Udp : ExplainProtocols.Icmp,
                Port = tcpPort ?? udpPort,
            };
            var explanation = await connection.PostAsync<Explanation>(parsed, "explain", request, cancellationToken);
            if (parsed.GetValue(json)) await parsed.InvocationConfiguration.Output.WriteLineAsync(JsonSerializer.Serialize(explanation, JsonSerializerOptions.Web));
            else ExplanationView.Show(explanation, AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(parsed.InvocationConfiguration.Output) }));
            return explanation.Verdict == Verdicts.Passes ? ExitCodes.Ok : ExitCodes.Answered;
        });
        return command;
    }
}
