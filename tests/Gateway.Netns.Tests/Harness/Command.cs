using System.Diagnostics;

namespace Gateway.Netns.Tests.Harness;

/// <summary>A command that has ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Both streams, for messages and searches.</summary>
    public string All => Output + Error;
}

/// <summary>Runs commands to their end.</summary>
internal static class Command
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Runs it; any exit code is fine.</summary>
    public static async Task<CommandResult> Try(params string[] command)
    {
        using var process = Start(command);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"still running after {Deadline.TotalSeconds} s: {string.Join(' ', command)}");
        }
        return new CommandResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs it and fails unless it ends with 0.</summary>
    public static async Task<string> Run(params string[] command)
    {
        var result = await Try(command);
        if (result.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)}: exit code {result.ExitCode}: {result.All.Trim()}");
        return result.Output;
    }

    /// <summary>Starts it with all three streams redirected.</summary>
    public static Process Start(string[] command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        return Process.Start(start) ?? throw new InvalidOperationException($"not started: {command[0]}");
    }
}
