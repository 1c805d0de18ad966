using System.Collections.Concurrent;
using System.Net.Sockets;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine.Ports;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>
/// Sets the wanted rp_filter of devices: at the start, when a tunnel's device appears, and when it is changed here. A change by somebody
/// else in between is shown as drift, never overwritten. What the kernel refused is kept, shown, and tried again with growing pauses.
/// </summary>
internal sealed partial class KernelKeeper(
    IDbContextFactory<GatewayDbContext> contexts, IKernelSettings kernel, TimeProvider time, ILogger<KernelKeeper> logger) : IDisposable
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, KernelProblem> _problems = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task _retrying = Task.CompletedTask;

    public IReadOnlyDictionary<string, KernelProblem> Problems => _problems;

    /// <summary>Sets what is wanted of one device, or of all.</summary>
    public async Task ApplyAsync(string? name, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var wanted = await db.InterfaceSettings.AsNoTracking().Where(i => name == null || i.Name == name).ToListAsync(cancellationToken);
        if (wanted.Count == 0) return;
        var now = kernel.ReadRpFilters();
        foreach (var setting in wanted.Where(s => now.TryGetValue(s.Name, out var mode) && mode != s.RpFilter)) Set(setting.Name, setting.RpFilter);
    }

    /// <summary>Sets one device's mode now; what the kernel refuses is remembered as its problem.</summary>
    public void Set(string name, int mode)
    {
        try
        {
            kernel.SetRpFilter(name, mode);
            _problems.TryRemove(name, out _);
        }
        catch (PortException e)
        {
            var problem = new KernelProblem($"rp_filter {mode} on {name}", e.Message, e.Remedy);
            if (_problems.TryAdd(name, problem)) LogRefused(problem.What, problem.Cause);
            lock (_gate)
            {
                if (_retrying.IsCompleted) _retrying = RetryAsync();
            }
        }
    }

    /// <summary>
    /// Makes another database's settings those of this host: what a setting was before belongs to the kernel that runs here. Returns what is to be put
    /// back because the other database does not manage it.
    /// </summary>
    public static async Task<List<(string Name, int Mode)>> AdoptAsync(
        GatewayDbContext restored, GatewayDbContext? live, IReadOnlyDictionary<string, int> now, CancellationToken cancellationToken)
    {
        var before = live is null ? [] : await live.InterfaceSettings.AsNoTracking().ToDictionaryAsync(s => s.Name, s => s.OriginalRpFilter, StringComparer.Ordinal, cancellationToken);
        foreach (var setting in await restored.InterfaceSettings.ToListAsync(cancellationToken))
        {
            setting.OriginalRpFilter = before.Remove(setting.Name, out var original) ? original : now.TryGetValue(setting.Name, out var mode) ? mode : null;
        }

        return [.. before.Where(b => b.Value is not null && now.ContainsKey(b.Key)).Select(b => (b.Key, b.Value!.Value))];
    }

    /// <summary>Forgets what was refused for a device that is no longer managed.</summary>
    public void Forget(string name) => _problems.TryRemove(name, out _);

    public IReadOnlyDictionary<string, int> ReadRpFilters() => kernel.ReadRpFilters();

    public bool IsForwarding(AddressFamily family) => kernel.IsForwarding(family);

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private async Task RetryAsync()
    {
        var stop = _stop.Token;
        for (var pause = TimeSpan.FromSeconds(5); !_problems.IsEmpty; pause = pause * 2 > LongestPause ? LongestPause : pause * 2)
        {
            await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested) return;
            foreach (var name in _problems.Keys) await ApplyAsync(name, stop);
        }
    }

    [LoggerMessage(EventId = 1231, Level = LogLevel.Warning, Message = "The kernel refused {What}: {Cause}")]
    private partial void LogRefused(string what, string cause);
}
