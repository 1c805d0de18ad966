using System.ComponentModel;
using System.Diagnostics;

namespace Gateway.Cli.Connect;

/// <summary>The name servers and search domains that go with a tunnel.</summary>
/// <param name="Servers">Addresses.</param>
/// <param name="Search">Domains.</param>
internal sealed record DnsWish(IReadOnlyList<string> Servers, IReadOnlyList<string> Search)
{
    public static readonly DnsWish None = new([], []);

    public bool IsEmpty => Servers.Count + Search.Count == 0;

    public bool Equals(DnsWish? other) => other is not null && Servers.SequenceEqual(other.Servers) && Search.SequenceEqual(other.Search);

    public override int GetHashCode() => HashCode.Combine(Servers.Count, Search.Count);

    public override string ToString() => string.Join(", ", new[] { string.Join(' ', Servers), Search.Count > 0 ? $"search {string.Join(' ', Search)}" : "" }.Where(s => s.Length > 0));
}

/// <summary>
/// Sets a tunnel's name servers where the host has something that keeps them by device: systemd-resolved, else resolvconf(8). Both forget them with
/// <see cref="RevertAsync"/>. Where there is neither, a person is told.
/// </summary>
internal sealed class NameServers
{
    private const string ResolvedSocket = "/run/systemd/resolve/io.systemd.Resolve";

    private string? _device;
    private bool _byResolvconf;

    /// <summary>Sets them; null, or a sentence on why not and what a person can do.</summary>
    /// <param name="device">The tunnel's device.</param>
    /// <param name="wish">What is wanted; empty = none any more.</param>
    /// <param name="all">Whether all names are to be asked there: with a default route into the tunnel.</param>
    public async Task<string?> SetAsync(string device, DnsWish wish, bool all)
    {
        if (wish.IsEmpty)
        {
            await RevertAsync();
            return null;
        }

        var command = wish.Servers.Count > 0 ? $"resolvectl dns {device} {string.Join(' ', wish.Servers)}" : $"resolvectl domain {device} {string.Join(' ', wish.Search)}";
        var told = $"DNS is not set; the gateway wants {wish}. With systemd-resolved: {command}";
        if (File.Exists(ResolvedSocket))
        {
            string[] domains = all ? ["~.", .. wish.Search] : [.. wish.Search];
            if (!await RunAsync("resolvectl", ["dns", device, .. wish.Servers]) || (domains.Length > 0 && !await RunAsync("resolvectl", ["domain", device, .. domains]))) return told;
            (_device, _byResolvconf) = (device, false);
            return null;
        }

        var lines = wish.Servers.Select(s => $"nameserver {s}\n").Concat(wish.Search.Count > 0 ? [$"search {string.Join(' ', wish.Search)}\n"] : []);
        if (!await RunAsync("resolvconf", ["-a", $"tun.{device}", "-m", "0", .. all ? (string[])["-x"] : []], string.Concat(lines))) return told;
        (_device, _byResolvconf) = (device, true);
        return null;
    }

    /// <summary>Takes back what was set.</summary>
    public async Task RevertAsync()
    {
        if (_device is not { } device) return;
        _device = null;
        if (_byResolvconf) await RunAsync("resolvconf", ["-d", $"tun.{device}", "-f"]);
        else await RunAsync("resolvectl", ["revert", device]);
    }

    /// <summary>Whether the program is there and succeeds.</summary>
    private static async Task<bool> RunAsync(string program, string[] arguments, string input = "")
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start);
            if (process is null) return false;
            var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            await output;
            return process.ExitCode == 0;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return false;
        }
    }
}
