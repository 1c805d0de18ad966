using System.Diagnostics;
using Gateway.Linux.Uapi;

namespace Gateway.Cli.Device;

/// <summary>
/// The background form. A runtime with threads cannot fork: the parent starts this executable again in the foreground form, and waits until that
/// says it is ready or why it is not.
/// </summary>
internal static class Daemon
{
    private const string ReadyVariable = "GATEWAY_DEVICE_READY";
    private const string ReadyWord = "ready";

    /// <summary>Parent: starts the background process. Answers the exit code.</summary>
    /// <param name="name">The device's name.</param>
    /// <param name="inheritLog">Whether it goes on logging to our standard error.</param>
    public static async Task<int> StartAsync(string name, bool inheritLog)
    {
        var executable = Environment.ProcessPath ?? throw new CommandException("The path of this program is unknown; use --foreground.", ExitCodes.Failed);
        var start = new ProcessStartInfo(executable)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = !inheritLog,
            WorkingDirectory = "/",
        };
        if (Path.GetFileName(executable) == "dotnet") start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Gateway.Cli.dll"));
        foreach (var argument in (string[])["device", "--foreground", "--", name]) start.ArgumentList.Add(argument);
        start.Environment[ReadyVariable] = "1";
        start.Environment.Remove("WG_QUICK_USERSPACE_IMPLEMENTATION");

        using var child = Process.Start(start)!;
        var complaint = inheritLog ? Task.FromResult("") : child.StandardError.ReadToEndAsync();
        if (await child.StandardOutput.ReadLineAsync() == ReadyWord) return ExitCodes.Ok;

        await Console.Error.WriteAsync(await complaint);
        await child.WaitForExitAsync();
        return child.ExitCode == 0 ? ExitCodes.Failed : child.ExitCode;
    }

    /// <summary>Child: tells the parent that all is ready, and lets go of it and of the terminal. Nothing where there is no such parent.</summary>
    public static void TellReady()
    {
        if (Environment.GetEnvironmentVariable(ReadyVariable) != "1") return;
        DaemonProcess.LeaveTerminal();
        Console.Out.WriteLine(ReadyWord);
        Console.Out.Flush();
        DaemonProcess.CloseStandardStream(0);
        DaemonProcess.CloseStandardStream(1);
        if (Environment.GetEnvironmentVariable("LOG_LEVEL") is null or "" or "silent") DaemonProcess.CloseStandardStream(2);
    }
}
