using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway recording</c>: the packets that the flight recorder froze.</summary>
internal static class RecordingCommands
{
    public static Command Build() => new("recording", "The last packets of a peer, frozen when something was raised about it.") { List(), Show(), Save() };

    private static ApiCommand List()
    {
        var peer = new Option<string?>("--peer") { HelpName = "PEER", Description = "Only of this peer." }.Completing(Names.PeerNamesAsync);
        return new ApiCommand("list", "List the recordings, newest first.", "ListRecordings").Listing(100).With(peer)
            .Does(session => session.ListAsync<RecordingSummary>(page => session.Api.Recordings.ListAsync(session.Value(peer), page, session.Stopped),
                nameof(RecordingSummary.Id), nameof(RecordingSummary.At), nameof(RecordingSummary.Tunnel), nameof(RecordingSummary.Peer), nameof(RecordingSummary.Text), nameof(RecordingSummary.Count)));
    }

    private static ApiCommand Show()
    {
        var id = Id();
        return new ApiCommand("show", "Print the packets of a recording.", "GetRecording").With(id).Does(async session =>
        {
            var result = await session.Api.Recordings.GetAsync(session.Value(id), session.Stopped);
            var recording = ApiSession.Take(result);
            if (session.IsJson)
            {
                session.Show(result);
                return;
            }

            session.View.Sentence(recording.Text);
            foreach (var packet in recording.Packets) session.View.Sentence(PacketCommands.Describe(packet));
        });
    }

    private static ApiCommand Save()
    {
        var id = Id();
        var output = new Option<string?>("--output", "-o") { HelpName = "FILE", Description = "Where to write; without it standard output." };
        return new ApiCommand("save", "Write the packets of a recording as pcapng.", "DownloadRecording").WithoutJson().With(id, output).Does(async session =>
        {
            if (session.Value(output) is null && session.View.IsTerminal) throw new CommandException("A recording is no text: pipe it, or say with --output where it goes.", ExitCodes.Usage);
            using var answer = ApiSession.Take(await session.Api.Recordings.DownloadAsync(session.Value(id), session.Stopped));
            await using var file = session.Value(output) is { } path ? OwnFile.Open(path) : Console.OpenStandardOutput();
            await answer.Content.CopyToAsync(file, session.Stopped);
        });
    }

    private static Argument<long> Id() => new("RECORDING") { Description = "Its number: see recording list." };
}
