using System.CommandLine;
using System.Text.Json;
using Gateway.Cli.Api;
using Gateway.Cli.Output;
using Gateway.Contracts;
using Gateway.Contracts.Live;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway packet</c>: packets as they pass, and crafted ones.</summary>
internal static class PacketCommands
{
    public static Command Build() => new("packet", "Packets as they pass, and crafted ones.") { Watch(), Capture(), Send() };

    private static ApiCommand Watch()
    {
        var choice = new Choice();
        return new ApiCommand("watch", "Print packets as they pass, until Ctrl+C.", "StreamPackets").With(choice.Symbols).Does(async session =>
        {
            using var stop = new StopToken();
            using var answer = ApiSession.Take(await session.Api.Traffic.StreamAsync(choice.Query(session), session.Value(choice.Count), session.Value(choice.Seconds), stop.Token));
            await stop.UntilStoppedAsync(async () =>
            {
                using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(stop.Token));
                while (await lines.ReadLineAsync(stop.Token) is { } line)
                {
                    if (session.IsJson) session.Output.WriteLine(line);
                    else session.View.Sentence(Describe(line));
                }
            });
        });
    }

    private static ApiCommand Capture()
    {
        var choice = new Choice();
        var output = new Option<string?>("--output", "-o") { HelpName = "FILE", Description = "Where to write; without it standard output: gateway packet capture | wireshark -k -i -" };
        return new ApiCommand("capture", "Write packets as they pass as pcapng, until Ctrl+C.", "CapturePackets").WithoutJson().With([.. choice.Symbols, output]).Does(async session =>
        {
            if (session.Value(output) is null && session.View.IsTerminal) throw new CommandException("A capture is no text: pipe it, or say with --output where it goes.", ExitCodes.Usage);
            using var stop = new StopToken();
            using var answer = ApiSession.Take(await session.Api.Traffic.CaptureAsync(choice.Query(session), session.Value(choice.Count), session.Value(choice.Seconds), stop.Token));
            await using var file = session.Value(output) is { } path ? OwnFile.Open(path) : Console.OpenStandardOutput();
            await stop.UntilStoppedAsync(async () =>
            {
                var buffer = new byte[64 * 1024];
                await using var packets = await answer.Content.ReadAsStreamAsync(stop.Token);
                // Written as it comes: who reads the file or the pipe sees packets at once.
                for (int read; (read = await packets.ReadAsync(buffer, stop.Token)) > 0;)
                {
                    await file.WriteAsync(buffer.AsMemory(0, read), CancellationToken.None);
                    await file.FlushAsync(CancellationToken.None);
                }
            });
        });
    }

    private static ApiCommand Send()
    {
        var tunnel = Names.Tunnel();
        var hex = new Argument<string>("HEX") { Description = "The packet (or frame, on ethernet) in hexadecimal." };
        var peer = new Option<string?>("--to-peer") { HelpName = "PEER", Description = "Send it to this peer, as if it had been read from the device. Without it, it is written to the device as if a peer had sent it." }
            .Completing(Names.PeerNamesAsync);
        return new ApiCommand("send", "Write one crafted packet to the device or to a peer.", "WritePacket").With(tunnel, hex, peer).Does(async session =>
        {
            var to = session.Value(peer);
            var packet = new PacketRequest { To = to is null ? PacketTargets.Device : PacketTargets.Peer, Peer = to, Hex = session.Value(hex) };
            var written = await session.Api.Tunnels.WritePacketAsync(session.Value(tunnel), packet, session.Stopped);
            session.Say(written, $"Wrote {written.Value?.Bytes} bytes to {to ?? session.Value(tunnel)}.");
        });
    }

    private static string Describe(string line)
    {
        using var document = JsonDocument.Parse(line);
        if (document.RootElement.TryGetProperty("skipped", out var skipped)) return $"({skipped} packets are missing: this command was too slow)";
        return Describe(document.Deserialize<PacketRow>(JsonSerializerOptions.Web)!);
    }

    /// <summary>One packet in a line.</summary>
    public static string Describe(PacketRow packet)
    {
        var arrow = packet.Direction == PacketDirections.FromPeer ? "<" : ">";
        var verdict = packet.Verdict == PacketVerdicts.Passed ? "" : $"  DROPPED: {packet.Verdict}";
        return $"{packet.At.UtcDateTime:HH:mm:ss.ffffff} {packet.Tunnel} {arrow} {packet.Peer ?? "?"}  {packet.Summary}{(packet.Together > 1 ? $"  (the first of {packet.Together} in a row)" : "")}{verdict}";
    }

    /// <summary>Which packets, and how many.</summary>
    private sealed class Choice
    {
        private readonly Argument<string?> _filter = new("FILTER") { Arity = ArgumentArity.ZeroOrOne, Description = "In tcpdump's language: \"icmp or tcp port 23\"." };
        private readonly Option<string?> _tunnel = new Option<string?>("--tunnel") { HelpName = "TUNNEL", Description = "Only of this tunnel." }.Completing(Names.TunnelNamesAsync);
        private readonly Option<string?> _peer = new Option<string?>("--peer") { HelpName = "PEER", Description = "Only of this peer." }.Completing(Names.PeerNamesAsync);
        private readonly Option<string?> _verdict = new("--verdict") { HelpName = "passed|dropped", Description = "Only those passed, or only those not." };

        public Option<int?> Count { get; } = new("--count", "-c") { HelpName = "N", Description = "End after so many packets." };

        public Option<int?> Seconds { get; } = new("--seconds") { HelpName = "N", Description = "End after so many seconds." };

        public Symbol[] Symbols => [_filter, _tunnel, _peer, _verdict, Count, Seconds];

        public PacketsQuery Query(ApiSession session) => new()
        {
            Filter = session.Value(_filter),
            Tunnel = session.Value(_tunnel),
            Peer = session.Value(_peer),
            Verdict = session.Value(_verdict),
        };
    }

    /// <summary>Ends a stream on the first Ctrl+C, in order.</summary>
    private sealed class StopToken : IDisposable
    {
        private readonly StopSignals _signals = new();
        private readonly CancellationTokenSource _source = new();

        public StopToken() => _signals.Stopped.ContinueWith(_ => _source.CancelAsync(), TaskScheduler.Default);

        public CancellationToken Token => _source.Token;

        public async Task UntilStoppedAsync(Func<Task> work)
        {
            try
            {
                await work();
            }
            catch (OperationCanceledException) when (_source.IsCancellationRequested)
            {
                // That is how it ends.
            }
        }

        public void Dispose()
        {
            _signals.Dispose();
            _source.Dispose();
        }
    }
}
