namespace Gateway.Cli;

/// <summary>What the process ends with; documented in docs/cli.md and --help.</summary>
internal static class ExitCodes
{
    /// <summary>Ended as asked: by a signal, by the removal of the device or its socket; or the daemon is ready.</summary>
    public const int Ok = 0;

    /// <summary>Could not start.</summary>
    public const int Failed = 1;

    /// <summary>The command line or a file is wrong; nothing was touched.</summary>
    public const int Usage = 2;

    /// <summary>The question was answered, and the answer is not "all is well": <c>explain</c> of a packet that does not pass.</summary>
    public const int Answered = 3;
}

/// <summary>Ends a command with one message and an exit code.</summary>
internal sealed class CommandException(string message, int exitCode) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
