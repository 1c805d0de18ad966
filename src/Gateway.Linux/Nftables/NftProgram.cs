using System.ComponentModel;
using System.Diagnostics;
using Gateway.Linux.Settings;

namespace Gateway.Linux.Nftables;

/// <summary>What a run of nft came to.</summary>
/// <param name="Output">What it printed.</param>
/// <param name="Problem">Why it failed, with what to do; null when it did not.</param>
public sealed record NftResult(string Output, string? Problem);

/// <summary>
/// Runs nft(8) in the calling thread's network namespace, with the capability that this process has. Its JSON is the stable way to nftables:
/// the netlink side speaks in the kernel's register instructions, whose translation back into rules is most of what nft is.
/// </summary>
public static class NftProgram
{
    private const string NotInstalled = "The program nft is not installed here: apt-get install nftables.";
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);
    private static readonly string[] s_places = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];

    /// <summary>Runs it to its end. Never throws.</summary>
    /// <param name="input">What it reads, with "-f -" among the arguments; null = nothing.</param>
    /// <param name="arguments">Its arguments.</param>
    public static NftResult Run(string? input, params string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        if (FindProgram() is not { } program) return new NftResult("", NotInstalled);
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = StartWithCapability(start);
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            if (input is not null) process.StandardInput.Write(input);
            process.StandardInput.Close();
            if (!Task.WaitAll([output, error], s_limit) || !process.WaitForExit(s_limit))
            {
                process.Kill();
                return new NftResult("", $"nft did not end within {s_limit.TotalSeconds:0} s.");
            }
            return process.ExitCode == 0 ? new NftResult(output.Result, null) : new NftResult(output.Result, Explain(error.Result));
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            return new NftResult("", $"nft could not be run: {e.Message}");
        }
    }

    /// <summary>Starts it to listen; its output is the caller's to read, and it is the caller's to end. Null and why not where it cannot be run.</summary>
    public static Process? Listen(out string? problem, params string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        problem = null;
        if (FindProgram() is not { } program)
        {
            problem = NotInstalled;
            return null;
        }

        try
        {
            return StartWithCapability(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            problem = $"nft could not be run: {e.Message}";
            return null;
        }
    }

    private static string? FindProgram() => s_places.Select(place => Path.Combine(place, "nft")).FirstOrDefault(File.Exists);

    private static Process StartWithCapability(ProcessStartInfo start)
    {
        using var capability = new AmbientCapability();
        return Process.Start(start) ?? throw new InvalidOperationException("no process was started");
    }

    private static string Explain(string error)
    {
        var sentence = error.Split('\n').FirstOrDefault(line => line.Length > 0)?.Trim() ?? "it said nothing";
        return sentence.Contains("Operation not permitted", StringComparison.Ordinal)
            ? "nft may not read the rules: the process lacks CAP_NET_ADMIN." : $"nft refused: {sentence}";
    }
}
