using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;

namespace Gateway.Cli.Commands;

/// <summary>How a peer's config reaches the person: as text, as a file for its owner only, or as a QR code in the terminal. It is taken once: a key may be forgotten with that.</summary>
internal sealed class ConfigDelivery
{
    public Option<bool> Qr { get; } = new("--qr") { Description = "Show the config as a QR code, for a phone to scan." };

    public Option<string?> Output { get; } = new("--output", "-o") { HelpName = "FILE", Description = "Write the config to this file, readable by its owner only." };

    public Symbol[] Symbols => [Qr, Output];

    public bool IsAskedFor(ApiSession session) => session.Value(Qr) || session.Value(Output) is not null;

    public async Task GiveAsync(ApiSession session, PeerResponse peer)
    {
        var config = ApiSession.Take(await session.Api.Peers.GetConfigAsync(peer.Id, session.Stopped));
        if (session.Value(Output) is { } path)
        {
            OwnFile.Write(path, config);
            if (!session.IsJson) session.View.Sentence($"Its config is in {path}.");
        }

        if (session.Value(Qr)) session.View.QrCode(config);
        else if (session.Value(Output) is null) session.Output.Write(config);
    }
}

/// <summary>Files for their owner only: they hold keys.</summary>
internal static class OwnFile
{
    /// <summary>Opens a new file, or the old one emptied. Throws <see cref="CommandException"/>.</summary>
    public static FileStream Open(string path)
    {
        try
        {
            // A file that others may read would stay so.
            if (File.Exists(path)) File.Delete(path);
            return new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path} cannot be written: {e.Message}", ExitCodes.Failed);
        }
    }

    public static void Write(string path, string text)
    {
        using var stream = Open(path);
        using var writer = new StreamWriter(stream);
        writer.Write(text);
    }
}
