using System.Diagnostics;
using System.Globalization;
using Gateway.Contracts.Lab;

namespace Gateway.Cli.Lab.Helper;

/// <summary>
/// The client on U: this very program, as <c>connect</c> or <c>device</c>. Its process id is in the run directory, next to how it was started, so that
/// whoever starts or stops it by hand, and the helper after a restart, know of it.
/// </summary>
internal sealed class TunnelClient(string runDirectory)
{
    /// <summary>What connect names the device after.</summary>
    private const string ConfigName = "host-u";
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    private static readonly string s_program = Environment.ProcessPath ?? throw new InvalidOperationException("This program does not know its own path.");

    private string PidFile => Path.Combine(runDirectory, "client.pid");

    private string KindFile => Path.Combine(runDirectory, "client.kind");

    /// <summary>Which client runs; null = none.</summary>
    public string? Running => FindProcess() is null ? null : File.Exists(KindFile) ? File.ReadAllText(KindFile).Trim() : LabClients.WireGuard;

    /// <summary>The tunnel device of a client; null without one.</summary>
    public static string? DeviceOf(string? client) => client switch { null => null, LabClients.WireGuard => ConfigName, _ => "zhang0" };

    public async Task<LabHelperAnswer> StartAsync(string? kind, CancellationToken stop)
    {
        string? arguments = kind switch
        {
            LabClients.WireGuard => $"connect {Path.Combine(runDirectory, ConfigName)}.conf",
            LabClients.Plain => $"connect --plain {LabAddresses.GatewayOutside}:{LabAddresses.PlainPort} --name zhang%d --address {LabAddresses.PlainU}/24",
            LabClients.Tap => $"connect --plain {LabAddresses.GatewayOutside}:{LabAddresses.TapPort} --tap --name zhang%d --address {LabAddresses.TapU}/24",
            LabClients.Device => "device --foreground zhang%d",
            _ => null,
        };
        if (arguments is null) return new LabHelperAnswer { Problem = $"'{kind}' is no client." };
        await StopAsync(stop);
        var start = new ProcessStartInfo(s_program, arguments.Split(' ')) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        var process = Process.Start(start) ?? throw new InvalidOperationException("The client did not start.");
        process.StandardInput.Close();
        await File.WriteAllTextAsync(KindFile, kind, stop);
        await File.WriteAllTextAsync(PidFile, process.Id.ToString(CultureInfo.InvariantCulture), stop);
        _ = LogAsync(process);
        var device = DeviceOf(kind)!;
        var wanted = kind == LabClients.Device ? $"link show {device}" : $"link show {device} up";
        if (await UntilAsync(async () => process.HasExited || (await Tool.RunAsync("ip", wanted, stop)) is { ExitCode: 0, Output.Length: > 0 }, stop) && !process.HasExited)
            return new LabHelperAnswer { Command = $"gateway {arguments}" };
        return new LabHelperAnswer { Command = $"gateway {arguments}", Problem = $"The client {(process.HasExited ? "ended" : "did not come up in time")}; {Path.Combine(runDirectory, "client.log")} says why." };
    }

    public async Task<LabHelperAnswer> StopAsync(CancellationToken stop)
    {
        if (FindProcess() is { } process)
        {
            var device = DeviceOf(Running)!;
            await Tool.RunAsync("kill", $"-TERM {process.Id}", stop);
            if (!await UntilAsync(() => Task.FromResult(FindProcess() is null), stop)) process.Kill();
            await UntilAsync(async () => (await Tool.RunAsync("ip", $"link show {device}", stop)).ExitCode != 0, stop);
        }

        File.Delete(PidFile);
        File.Delete(KindFile);
        return new LabHelperAnswer { Command = "kill $(cat " + PidFile + ")" };
    }

    /// <summary>The process that the file names, if it is still this program.</summary>
    private Process? FindProcess()
    {
        try
        {
            var id = int.Parse(File.ReadAllText(PidFile), CultureInfo.InvariantCulture);
            if (new FileInfo($"/proc/{id}/exe").ResolveLinkTarget(returnFinalTarget: true)?.FullName != Path.GetFullPath(s_program)) return null;
            var process = Process.GetProcessById(id);
            return process.HasExited ? null : process;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private async Task LogAsync(Process process)
    {
        using (process)
        {
            await using var log = new FileStream(Path.Combine(runDirectory, "client.log"), FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            try
            {
                await Task.WhenAll(process.StandardOutput.BaseStream.CopyToAsync(log), process.StandardError.BaseStream.CopyToAsync(log));
                await process.WaitForExitAsync();
            }
            catch (IOException)
            {
                // No space for what it says; it runs on.
            }
        }
    }

    private static async Task<bool> UntilAsync(Func<Task<bool>> condition, CancellationToken stop)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > s_deadline) return false;
            await Task.Delay(s_interval, stop);
        }

        return true;
    }
}
