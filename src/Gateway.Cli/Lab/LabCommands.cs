using System.CommandLine;
using System.Text.Json;
using Gateway.Cli.Api;
using Gateway.Cli.Lab.Helper;
using Gateway.Cli.Output;
using Gateway.Contracts.Client;
using Gateway.Contracts.Lab;

namespace Gateway.Cli.Lab;

/// <summary><c>gateway lab</c>: the nine experiments on the hosts that <c>make lab</c> sets up.</summary>
internal static class LabCommands
{
    public const string Details = """
        gateway lab list
        gateway lab run 5
        gateway lab run 8 --rp-filter loose --default-route
        gateway lab break no-way-back
        gateway lab heal no-way-back
        gateway lab packets

        docs/lab.md is the course to go with it. The gateway has these commands only in a lab (make lab).
        Exit codes: 0 all was as expected; 7 something was not; else as with every command (docs/cli.md).
        """;

    public static Command Build() => new("lab", "The lab's nine experiments, on the hosts that make lab sets up.") { List(), Show(), Run(), Break(), Heal(), Reset(), Packets(), Helper() };

    private static ApiCommand List() => new ApiCommand("list", "The experiments, what can be broken, and how the hosts are.", "GetLab").Does(async session =>
    {
        var result = Known(await session.Api.Lab.GetAsync(session.Stopped));
        if (session.IsJson) session.Show(result);
        else LabView.Show(result.Value!, session.View);
    });

    private static ApiCommand Show()
    {
        var number = Number();
        return new ApiCommand("show", "The last run of an experiment.", "GetLabRun").With(number).Does(async session => Answer(session, await session.Api.Lab.GetRunAsync(session.Value(number), session.Stopped)));
    }

    private static ApiCommand Run()
    {
        var (number, how) = (Number(), new Variants());
        return new ApiCommand("run", "Run an experiment and show what happened; what it changes it takes back.", "RunLabExperiment").With([number, .. how.Options])
            .Does(async session => Answer(session, await session.Api.Lab.RunAsync(session.Value(number), how.Read(session), session.Stopped)));
    }

    private static ApiCommand Break()
    {
        var (name, how) = (BreakName(), new Variants());
        return new ApiCommand("break", "Break something on purpose; it stays so until it is healed.", "BreakLab").With([name, .. how.Options])
            .Does(async session => Answer(session, await session.Api.Lab.BreakAsync(session.Value(name), how.Read(session), session.Stopped)));
    }

    private static ApiCommand Heal()
    {
        var name = BreakName();
        return new ApiCommand("heal", "Heal what was broken.", "HealLab").With(name).Does(async session => Answer(session, await session.Api.Lab.HealAsync(session.Value(name), session.Stopped)));
    }

    private static ApiCommand Reset() => new ApiCommand("reset", "Put everything back as make lab left it.", "ResetLab")
        .Does(async session => Answer(session, await session.Api.Lab.ResetAsync(session.Stopped)));

    private static ApiCommand Packets()
    {
        var seconds = new Option<int?>("--seconds") { HelpName = "N", Description = "How long; without it until Ctrl+C." };
        return new ApiCommand("packets", "Print the packets of the six points as they pass.", "StreamLabPackets").With(seconds).Does(async session =>
        {
            using var signals = new StopSignals();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(session.Stopped);
            _ = signals.Stopped.ContinueWith(_ => stop.Cancel(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            var opened = Known(await session.Api.Lab.StreamAsync(session.Value(seconds), stop.Token));
            using var answer = opened.Value!;
            try
            {
                using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(stop.Token));
                while (await reader.ReadLineAsync(stop.Token) is { } line)
                    await session.Output.WriteLineAsync(session.IsJson ? line : LabView.Line(JsonSerializer.Deserialize<LabPacket>(line, JsonSerializerOptions.Web)!));
            }
            catch (OperationCanceledException)
            {
                // Stopped: that is how it ends.
            }
        });
    }

    /// <summary>Not for people: <c>make lab</c> starts one on each host.</summary>
    private static Command Helper()
    {
        var host = new Argument<string>("HOST") { Description = "u, gw or v." }.AcceptOnlyFromAmong([.. LabHosts.All]);
        var socket = new Argument<string>("SOCKET") { Description = "The Unix socket to listen on, in the lab's run directory." };
        var command = new Command("helper", "What make lab starts on each host: captures packets there and carries out the experiments' steps, and nothing else.") { host, socket };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var signals = new StopSignals();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            using var helper = new LabHelper(parsed.GetValue(host)!, Path.GetFullPath(parsed.GetValue(socket)!));
            _ = signals.Stopped.ContinueWith(_ => stop.Cancel(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await helper.RunAsync(stop.Token);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static int Answer(ApiSession session, ApiResult<LabRun> result)
    {
        var run = Known(result).Value!;
        if (session.IsJson) session.Show(result);
        else LabView.Show(run, session.View);
        return run.Passed ? ExitCodes.Ok : ExitCodes.Answered;
    }

    // Without a lab there is no such address, which alone would say little.
    private static ApiResult<T> Known<T>(ApiResult<T> result) => result is { Status: 404, Problem.Detail: null or "" }
        ? throw new CommandException("This gateway is in no lab: make lab sets one up, with a gateway in its middle.", ExitCodes.NotFound) : ApiSession.Checked(result);

    private static Argument<string> Number() => new("N") { Description = "1 to 9; gateway lab list shows them." };

    private static Argument<string> BreakName() => new Argument<string>("WHAT") { Description = "What is broken; gateway lab list shows what there is." }
        .Completing(async (api, cancellationToken) => ApiSession.Take(await api.Lab.GetAsync(cancellationToken)).Breaks.Select(one => one.Name));

    /// <summary>The options of experiment 8 and of the break moved-address.</summary>
    private sealed class Variants
    {
        private readonly Option<string?> _rpFilter = new("--rp-filter") { HelpName = "off|strict|loose", Description = "The gateway's rp_filter; off unless told." };
        private readonly Option<string?> _on = new("--on") { HelpName = "tunnel|all", Description = "Which device has it; the tunnel's unless told." };
        private readonly Option<bool> _defaultRoute = new("--default-route") { Description = "With a default route on the gateway." };

        public IEnumerable<Symbol> Options => [_rpFilter, _on, _defaultRoute];

        public LabRunRequest Read(ApiSession session) => new() { RpFilter = session.Value(_rpFilter), On = session.Value(_on), DefaultRoute = session.Value(_defaultRoute) ? true : null };
    }
}
