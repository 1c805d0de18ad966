using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.Versioning;
using Gateway.Cli.Commands;
using Gateway.Cli.Connect;
using Gateway.Cli.Device;
using Gateway.Cli.Explain;
using Gateway.Cli.Lab;
using Gateway.Cli.Output;
using Gateway.Cli.Watch;
using Gateway.Engine.Ports;

[assembly: SupportedOSPlatform("linux")]

namespace Gateway.Cli;

/// <summary>The command line: reads the arguments and hands over to one command.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        return RunAsync(CalledAsDevice.Rewrite(args, CalledAsDevice.InvokedName(), Environment.GetEnvironmentVariable), Console.Error);
    }

    internal static RootCommand BuildRoot()
    {
        var root = new RootCommand("The command line of Gateway, a VPN gateway that explains itself.")
        {
            ConnectCommand.Build(), DeviceCommand.Build(), StatusCommand.Build(), ExplainCommand.Build(), ExplainCommand.BuildProbe(), ExplainCommand.BuildHandshake(), WatchCommand.Build(), TunnelCommands.Build(), PeerCommands.Build(), RouteCommands.Build(), InterfaceCommands.Build(), InterfaceCommands.Host(),
            TrafficCommands.Flow(), TrafficCommands.Drop(), TrafficCommands.Event(), TrafficCommands.History(), PacketCommands.Build(), RecordingCommands.Build(), UserCommands.Build(), TokenCommands.Build(), AuditCommands.Audit(), AuditCommands.Profile(), BackupCommands.Backup(), BackupCommands.Restore(), TransferCommands.Import(), TransferCommands.Export(), LabCommands.Build(), CompletionCommand.Build(),
        };
        DetailedHelp.AddTo(root, new()
        {
            ["connect"] = ConnectCommand.Details,
            ["device"] = DeviceCommand.Details,
            ["explain"] = ExplainCommand.Details,
            ["watch"] = WatchCommand.Details,
            ["peer add"] = PeerAddCommand.Details,
            ["restore"] = BackupCommands.RestoreDetails,
            ["lab"] = LabCommands.Details,
            ["completion"] = CompletionCommand.Details,
        });
        return root;
    }

    internal static async Task<int> RunAsync(string[] args, TextWriter errors, TextWriter? output = null)
    {
        var result = BuildRoot().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Action is ParseErrorAction)
        {
            foreach (var error in result.Errors) await errors.WriteLineAsync($"gateway: {error.Message}");
            var command = DetailedHelp.PathOf(result.CommandResult);
            await errors.WriteLineAsync($"\"gateway {(command.Length > 0 ? command + " " : "")}--help\" shows what is possible.");
            return ExitCodes.Usage;
        }

        try
        {
            // Each command ends on signals in its own order: no time limit and no handler of the library's.
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Error = errors };
            if (output is not null) configuration.Output = output;
            return await result.InvokeAsync(configuration);
        }
        catch (CommandException e)
        {
            await errors.WriteLineAsync($"gateway: {e.Message}");
            return e.ExitCode;
        }
        catch (PortException e)
        {
            await errors.WriteLineAsync($"gateway: {e.Message} {e.Remedy}");
            return ExitCodes.Failed;
        }
    }
}
