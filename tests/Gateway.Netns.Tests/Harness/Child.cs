using System.Diagnostics;
using System.Text;

namespace Gateway.Netns.Tests.Harness;

/// <summary>A process that runs beside the test: its output is collected, and it is ended by its id.</summary>
internal sealed partial class Child : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _name;
    private readonly bool _isQuiet;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;

    public Child(string[] command, IReadOnlyDictionary<string, string>? environment = null, bool isQuiet = false)
    {
        _isQuiet = isQuiet;
        _name = string.Join(' ', command);
        _process = Command.Start(command, environment);
        _reading = Task.WhenAll(Read(_process.StandardOutput), Read(_process.StandardError));
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Everything it has written so far, both streams.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public async Task Type(string line)
    {
        await _process.StandardInput.WriteAsync(line + "\n");
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Waits until its output holds a text.</summary>
    public async Task Says(string text, TimeSpan? deadline = null)
    {
        try
        {
            await Eventually.True(() => Output.Contains(text, StringComparison.Ordinal) || _process.HasExited, text, deadline);
        }
        catch (TimeoutException)
        {
            // Told below, with what it said instead.
        }
        if (Output.Contains(text, StringComparison.Ordinal)) return;
        if (_process.HasExited) await _reading;
        if (Output.Contains(text, StringComparison.Ordinal)) return;
        throw new TimeoutException($"'{_name}' {(_process.HasExited ? $"ended with {_process.ExitCode}" : "runs")} and never said '{text}', but: {Output}");
    }

    /// <summary>Waits for its end and returns the exit code.</summary>
    public async Task<int> Ends(TimeSpan? deadline = null)
    {
        await Eventually.True(() => _process.HasExited, $"the end of '{_name}', which said: {Output}", deadline);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>Sends a signal: TERM, INT, STOP, …</summary>
    public Task Signal(string signal) => Command.Run("/bin/sh", "-c", $"kill -{signal} {_process.Id}");

    /// <summary>Asks it to end and waits for that.</summary>
    public async Task<int> Stop(string signal = "TERM")
    {
        if (!_process.HasExited) await Signal(signal);
        return await Ends();
    }

    /// <summary>kill -9.</summary>
    public async Task Kill()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Kill();
        await _reading;
        if (!_isQuiet && Output.Length > 0) ShowWithFailedTest($"--- {_name}\n{Output}");
        _process.Dispose();
    }

    /// <summary>Nothing where no test runs: the benchmarks use these hosts and processes too.</summary>
    static partial void ShowWithFailedTest(string text);

    private async Task Read(StreamReader reader)
    {
        var buffer = new char[4096];
        int count;
        while ((count = await reader.ReadAsync(buffer)) > 0)
        {
            lock (_output) _output.Append(buffer, 0, count);
        }
    }
}
