using Gateway.Netns.Tests.Harness;

namespace Gateway.Netns.Tests.Lab;

/// <summary>telnetd on V and a telnet session from U: one TCP connection that must outlive what is done to the tunnel.</summary>
internal sealed class TelnetSession : IAsyncDisposable
{
    private readonly Child _inetd;
    private readonly string _config;

    private TelnetSession(Child inetd, string config, Child shell) => (_inetd, _config, Shell) = (inetd, config, shell);

    /// <summary>The client's terminal: what is typed goes to a shell on V.</summary>
    public Child Shell { get; }

    public static async Task<TelnetSession> Open(ThreeHosts lab)
    {
        var config = Path.GetTempFileName();
        // A shell instead of login: no account of this machine is needed.
        await File.WriteAllTextAsync(config, "23 stream tcp nowait root /usr/sbin/telnetd telnetd -h -E /bin/sh\n");
        var inetd = lab.V.Start("/usr/sbin/inetutils-inetd", "-d", $"--pidfile={config}.pid", config);
        await Eventually.True(async () => (await lab.V.Run("ss", "-Htln", "sport", "=", "23")).Length > 0, "telnetd on V");
        var shell = lab.U.Start("telnet", ThreeHosts.VAddress);
        var session = new TelnetSession(inetd, config, shell);
        await shell.Says("Connected to");
        await session.Answers("first");
        return session;
    }

    /// <summary>Whether the connection stands in U's kernel.</summary>
    public static async Task<bool> IsEstablished(ThreeHosts lab) =>
        (await lab.U.Run("ss", "-Htn", "state", "established", "dport", "=", "23")).Length > 0;

    /// <summary>Types a command and waits for its output, which differs from the echo of what was typed.</summary>
    public async Task Answers(string word, TimeSpan? deadline = null)
    {
        await Ask(word);
        await Shell.Says(Answer(word), deadline);
    }

    public Task Ask(string word) => Shell.Type($"echo {word}-$((6*7))");

    public static string Answer(string word) => $"{word}-42";

    public async ValueTask DisposeAsync()
    {
        await Shell.DisposeAsync();
        await _inetd.DisposeAsync();
        File.Delete(_config);
        File.Delete(_config + ".pid");
    }
}
