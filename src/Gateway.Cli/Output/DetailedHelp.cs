using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Gateway.Cli.Output;

/// <summary>The library's help, and below it what a command has to say that is no list of options.</summary>
internal sealed class DetailedHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _help;
    private readonly Dictionary<string, string> _details;

    private DetailedHelp(HelpAction help, Dictionary<string, string> details) => (_help, _details) = (help, details);

    /// <summary>Adds texts by the commands' names from the root on.</summary>
    public static void AddTo(RootCommand root, Dictionary<string, string> details)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        option.Action = new DetailedHelp((HelpAction)option.Action!, details);
    }

    /// <summary>"peer add": the command's name and those above it, without the program's.</summary>
    public static string PathOf(CommandResult? command) =>
        command is null or { Command: RootCommand } ? "" : $"{PathOf(command.Parent as CommandResult)} {command.Command.Name}".TrimStart();

    public override int Invoke(ParseResult parseResult)
    {
        var code = _help.Invoke(parseResult);
        if (_details.TryGetValue(PathOf(parseResult.CommandResult), out var text)) parseResult.InvocationConfiguration.Output.WriteLine(text);
        return code;
    }
}
