using System.Net;

namespace Gateway.Cli;

/// <summary>What the process ends with; documented in docs/cli.md and --help.</summary>
internal static class ExitCodes
{
    /// <summary>Ended as asked: done; by a signal; by the removal of the device or its socket; or the daemon is ready.</summary>
    public const int Ok = 0;

    /// <summary>Failed, or could not start.</summary>
    public const int Failed = 1;

    /// <summary>The command line, a file or a value is wrong; nothing was touched.</summary>
    public const int Usage = 2;

    /// <summary>The gateway does not know the token, or the token may not do this.</summary>
    public const int NotAllowed = 3;

    /// <summary>There is no such thing.</summary>
    public const int NotFound = 4;

    /// <summary>It conflicts with something that is there, or somebody else changed it meanwhile.</summary>
    public const int Conflict = 5;

    /// <summary>No gateway answers.</summary>
    public const int Unreachable = 6;

    /// <summary>The question was answered, and the answer is not "all is well": <c>explain</c> of a packet that does not pass.</summary>
    public const int Answered = 7;

    /// <summary>The code for what the API refused.</summary>
    public static int Of(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity => Usage,
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => NotAllowed,
        HttpStatusCode.NotFound => NotFound,
        HttpStatusCode.Conflict or HttpStatusCode.PreconditionFailed => Conflict,
        _ => Failed,
    };
}

/// <summary>Ends a command with one message and an exit code.</summary>
internal sealed class CommandException(string message, int exitCode) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
