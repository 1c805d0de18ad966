using System.CommandLine;
using System.Net;
using System.Text.Json;
using Gateway.Cli.Api;
using Gateway.Cli.Output;
using Gateway.Contracts.Live;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Spectre.Console;

namespace Gateway.Cli.Watch;

/// <summary><c>gateway watch</c>: the live streams in a terminal, until SIGINT or SIGTERM.</summary>
internal static class WatchCommand
{
    public const string Details = """
        gateway watch flows 'peer=alice bytes > 1M' --sort -rate
        gateway watch packets icmp --peer alice
        gateway watch drops
        gateway watch events severity=warning --json | jq .text

        Filters of flows, drops and events are described in docs/live.md; that of packets is tcpdump's (pcap-filter(7)). A lost connection is taken up
        again. --json prints one object a line: packets and events each for itself, the others an update a line.
        Exit codes: 0 ended by a signal; 1 the gateway could not be reached or refused; 2 wrong arguments.
        """;

    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(2);

    public static Command Build() => new("watch", "Watch what passes, live.")
    {
        Flows(), Peers(), Drops(), Packets(), Events(),
    };

    private static Command Flows()
    {
        var (filter, sort, limit) = (Filter("A filter expression, such as: peer=alice proto=tcp"), Sort("rate", FlowSort.All), Limit());
        return Make<FlowsUpdate>("flows", "The conversations inside the tunnels.", "Flows", [filter, sort, limit],
            parsed => new FlowsQuery { Filter = parsed.GetValue(filter), Sort = parsed.GetValue(sort), Limit = parsed.GetValue(limit) }, update => WatchTables.Of(update), null);
    }

    private static Command Drops()
    {
        var (filter, sort, limit) = (Filter("A filter expression, such as: reason~allowed"), Sort("last", DropSort.All), Limit());
        return Make<DropsUpdate>("drops", "What was not passed on, and why.", "Drops", [filter, sort, limit],
            parsed => new DropsQuery { Filter = parsed.GetValue(filter), Sort = parsed.GetValue(sort), Limit = parsed.GetValue(limit) }, update => WatchTables.Of(update), null);
    }

    private static Command Peers()
    {
        var all = new Dictionary<Guid, PeerRow>();
        return Make<PeersUpdate>("peers", "The peers and how they do.", "Peers", [], _ => null, update =>
        {
            if (update.IsComplete) all.Clear();
            foreach (var gone in update.Removed) all.Remove(gone);
            foreach (var row in update.Peers) all[row.Id] = row;
            return WatchTables.Of(all.Values);
        }, null);
    }

    private static Command Packets()
    {
        var filter = Filter("What to show, in tcpdump's language, such as: icmp or tcp port 23");
        var tunnel = new Option<string?>("--tunnel") { Description = "Only of this tunnel.", HelpName = "NAME" };
        var peer = new Option<string?>("--peer") { Description = "Only of this peer, by name or id.", HelpName = "PEER" };
        var verdict = new Option<string?>("--verdict") { Description = "Only passed or only dropped ones.", HelpName = "passed|dropped" };
        return Make<PacketsUpdate>("packets", "Packets as they pass; needs the permission to see packets.", "Packets", [filter, tunnel, peer, verdict],
            parsed => new PacketsQuery { Filter = parsed.GetValue(filter), Tunnel = parsed.GetValue(tunnel), Peer = parsed.GetValue(peer), Verdict = parsed.GetValue(verdict) },
            null, update => (update.Packets.Select(row => ((object)row, WatchTables.Line(row))), update.Skipped));
    }

    private static Command Events()
    {
        var filter = Filter("A filter expression, such as: severity=warning");
        var past = new Option<int?>("--past") { Description = "How many past events come first, 0 to 1000; without it 100.", HelpName = "N" };
        return Make<EventsUpdate>("events", "What happens.", "Events", [filter, past],
            parsed => new EventsQuery { Filter = parsed.GetValue(filter), Past = parsed.GetValue(past) },
            null, update => (update.Events.Select(row => ((object)row, WatchTables.Line(row))), update.Skipped));
    }

    /// <summary>A stream is shown either as a table that is drawn anew, or as lines that go by.</summary>
    private static Command Make<T>(
        string name, string description, string stream, Symbol[] symbols, Func<ParseResult, object?> query, Func<T, Table>? draw, Func<T, (IEnumerable<(object Row, string Text)> Lines, long Skipped)>? list)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) command.Arguments.Add(argument);
            else command.Options.Add((Option)symbol);
        }

        var json = new Option<bool>("--json") { Description = "Print a JSON object a line." };
        command.Options.Add(json);
        var connection = ConnectionOptions.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var signals = new StopSignals();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _ = signals.Stopped.ContinueWith(_ => stop.Cancel(), cancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
            var output = parsed.InvocationConfiguration.Output;
            object?[] arguments = query(parsed) is { } wanted ? [wanted] : [];
            var updates = Updates<T>(connection.Read(parsed), stream, arguments, parsed.InvocationConfiguration.Error, stop.Token);
            if (parsed.GetValue(json)) await PrintJsonAsync(updates, list, output);
            else if (list is not null) await PrintLinesAsync(updates, list, output);
            else await DrawAsync(updates, draw!, AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }));
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>The stream, taken up again when the connection is lost.</summary>
    private static async IAsyncEnumerable<T> Updates<T>(
        (Uri Url, string Token, PinnedCertificate? Certificate) gateway, string stream, object?[] arguments, TextWriter errors, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stopped)
    {
        for (var isFirst = true; !stopped.IsCancellationRequested; isFirst = false)
        {
            await using var hub = new HubConnectionBuilder().WithUrl(new Uri(gateway.Url, "hubs/live"), options =>
            {
                options.AccessTokenProvider = () => Task.FromResult<string?>(gateway.Token);
                if (gateway.Certificate is not { } certificate) return;
                options.HttpMessageHandlerFactory = handler =>
                {
                    if (handler is HttpClientHandler http) http.ServerCertificateCustomValidationCallback = certificate.Allows!;
                    return handler;
                };
                options.WebSocketConfiguration = socket => socket.RemoteCertificateValidationCallback = certificate.Allows;
            }).Build();
            IAsyncEnumerator<T>? updates = null;
            try
            {
                await hub.StartAsync(stopped);
                updates = hub.StreamAsyncCore<T>(stream, arguments, stopped).GetAsyncEnumerator(stopped);
            }
            catch (HttpRequestException exception) when (isFirst || exception.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                throw new CommandException(exception.StatusCode == HttpStatusCode.Unauthorized
                    ? "The gateway does not know this token. The first one is in the file api-token of its data directory."
                    : $"There is no gateway at {gateway.Url}: {exception.Message}{PinnedCertificate.Hint(exception)} Start it, or say with --url where it is.", ExitCodes.Failed);
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                // It is tried again below, or the person has had enough.
            }

            while (updates is not null)
            {
                try
                {
                    if (!await updates.MoveNextAsync()) break;
                }
                catch (HubException exception)
                {
                    throw new CommandException(exception.Message.Split("HubException: ")[^1], ExitCodes.Failed);
                }
                catch (Exception exception) when (exception is OperationCanceledException or IOException or System.Net.WebSockets.WebSocketException or InvalidOperationException)
                {
                    break;
                }

                yield return updates.Current;
            }

            if (stopped.IsCancellationRequested) yield break;
            await errors.WriteLineAsync($"gateway: the connection to {gateway.Url} is lost; it is tried again every {s_again.TotalSeconds:0} s.");
            await Task.Delay(s_again, stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task PrintJsonAsync<T>(IAsyncEnumerable<T> updates, Func<T, (IEnumerable<(object Row, string Text)> Lines, long Skipped)>? list, TextWriter output)
    {
        await foreach (var update in updates)
        {
            if (list is null)
            {
                await output.WriteLineAsync(JsonSerializer.Serialize(update, JsonSerializerOptions.Web));
                continue;
            }

            var (lines, skipped) = list(update);
            if (skipped > 0) await output.WriteLineAsync($$"""{"skipped":{{skipped}}}""");
            foreach (var (row, _) in lines) await output.WriteLineAsync(JsonSerializer.Serialize(row, row.GetType(), JsonSerializerOptions.Web));
        }
    }

    private static async Task PrintLinesAsync<T>(IAsyncEnumerable<T> updates, Func<T, (IEnumerable<(object Row, string Text)> Lines, long Skipped)> list, TextWriter output)
    {
        await foreach (var update in updates)
        {
            var (lines, skipped) = list(update);
            if (skipped > 0) await output.WriteLineAsync($"({skipped} not shown)");
            foreach (var (_, text) in lines) await output.WriteLineAsync(text);
        }
    }

    private static async Task DrawAsync<T>(IAsyncEnumerable<T> updates, Func<T, Table> draw, IAnsiConsole console)
    {
        if (!console.Profile.Capabilities.Interactive || Console.IsOutputRedirected)
        {
            await foreach (var update in updates) console.Write(draw(update));
            return;
        }

        await console.Live(new Text("")).StartAsync(async live =>
        {
            await foreach (var update in updates)
            {
                live.UpdateTarget(draw(update));
                live.Refresh();
            }
        });
    }

    private static Argument<string?> Filter(string description) => new("FILTER") { Description = description, Arity = ArgumentArity.ZeroOrOne };

    private static Option<string?> Sort(string usual, IReadOnlyList<string> keys) =>
        new("--sort") { Description = $"{string.Join(", ", keys)}; with '-' before it the largest first. Without it -{usual}.", HelpName = "KEY" };

    private static Option<int?> Limit() => new("--limit") { Description = "The most rows to show; without it 20.", HelpName = "N", DefaultValueFactory = _ => 20 };
}
