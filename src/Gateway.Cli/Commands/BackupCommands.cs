using System.CommandLine;
using Gateway.Cli.Api;
using Gateway.Contracts;
using Spectre.Console;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway backup</c> and <c>gateway restore</c>.</summary>
internal static class BackupCommands
{
    public const string RestoreDetails = "Everything that is there is replaced; a backup of it, with the same passphrase, stays in the data directory.";

    public static ApiCommand Backup()
    {
        var file = new Argument<string>("FILE") { Description = "Where to write; - is standard output." };
        var passphrase = Passphrase();
        return new ApiCommand("backup", "Write everything to one encrypted file.", "CreateBackup").WithoutJson().With(file, passphrase).Does(async session =>
        {
            var request = new BackupRequest { Passphrase = Read(session, passphrase, twice: true) };
            using var answer = ApiSession.Take(await session.Api.Backup.CreateAsync(request, session.Stopped));
            var path = session.Value(file);
            // Half a backup never stands under the name of a whole one.
            var part = path + ".part";
            await using (var to = path == "-" ? Console.OpenStandardOutput() : OwnFile.Open(part)) await answer.Content.CopyToAsync(to, session.Stopped);
            if (path == "-") return;
            File.Move(part, path, overwrite: true);
            session.View.Sentence($"The backup is in {path}. Without its passphrase it is of no use.");
        });
    }

    public static ApiCommand Restore()
    {
        var file = new Argument<string>("FILE") { Description = "The backup." };
        var passphrase = Passphrase();
        var yes = new Option<bool>("--yes") { Description = "Yes, replace everything that is there." };
        return new ApiCommand("restore", "Replace everything by a backup.", "RestoreBackup").With(file, passphrase, yes).Does(async session =>
        {
            if (!session.Value(yes)) throw new CommandException("A restore replaces everything that is there: say --yes.", ExitCodes.Usage);
            await using var from = OpenRead(session.Value(file));
            session.SayAndShow(await session.Api.Backup.RestoreAsync(from, Read(session, passphrase, twice: false), session.Stopped),
                restored => $"Restored {restored.Tunnels} tunnels and {restored.Peers} peers from {restored.CreatedAt:yyyy-MM-dd HH:mm}Z.");
        });
    }

    private static Option<string?> Passphrase() => new("--passphrase-file")
    {
        HelpName = "FILE",
        Description = "The file with the passphrase. Without it GATEWAY_PASSPHRASE, or it is asked for.",
    };

    private static string Read(ApiSession session, Option<string?> option, bool twice)
    {
        if (session.Value(option) is { } path) return SecretFile.Read(path);
        if (Environment.GetEnvironmentVariable("GATEWAY_PASSPHRASE") is { Length: > 0 } given) return given;
        if (Console.IsInputRedirected || Console.IsErrorRedirected) throw new CommandException("There is no passphrase: say with --passphrase-file or GATEWAY_PASSPHRASE what it is.", ExitCodes.Usage);
        // Standard output may be the backup itself.
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var typed = console.Prompt(new TextPrompt<string>("Passphrase:").Secret());
        if (twice && console.Prompt(new TextPrompt<string>("Once more:").Secret()) != typed) throw new CommandException("The two differ.", ExitCodes.Usage);
        return typed;
    }

    private static FileStream OpenRead(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path} cannot be read: {e.Message}", ExitCodes.Usage);
        }
    }
}
