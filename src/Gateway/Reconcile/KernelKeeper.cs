using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine.Ports;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Reconcile;

/// <summary>
/// Sets the wanted kernel settings: at the start, when a tunnel's device appears, and when they are changed here. A change by somebody else in between
/// (told by the kernel for rp_filter and forwarding, looked for each minute for the rest) is shown as drift, and put back only where the setting is
/// enforced. What the kernel refused is kept, shown, and tried again.
/// </summary>
internal sealed partial class KernelKeeper : IDisposable
{
    private static readonly TimeSpan LookPause = TimeSpan.FromMinutes(1);

    private readonly IDbContextFactory<GatewayDbContext> _contexts;
    private readonly IKernelSettings _kernel;
    private readonly TimeProvider _time;
    private readonly ILogger<KernelKeeper> _logger;
    private readonly ConcurrentDictionary<string, KernelProblem> _problems = new();
    private readonly Retry _retry;

    public KernelKeeper(IDbContextFactory<GatewayDbContext> contexts, IKernelSettings kernel, TimeProvider time, ILogger<KernelKeeper> logger)
    {
        (_contexts, _kernel, _time, _logger) = (contexts, kernel, time, logger);
        _retry = new Retry(async stop =>
        {
            await ApplyAsync(setting => _problems.ContainsKey(setting.Path), stop);
            return _problems.IsEmpty;
        }, time);
    }

    /// <summary>What the kernel refused, by path.</summary>
    public IReadOnlyDictionary<string, KernelProblem> Problems => _problems;

    public IKernelSettings Kernel => _kernel;

    /// <summary>Sets what is wanted of one device, or (null) everything.</summary>
    public Task ApplyAsync(string? device, CancellationToken cancellationToken) =>
        ApplyAsync(setting => device is null || KernelPaths.Device(setting.Path) == device, cancellationToken);

    /// <summary>Sets one value now; what the kernel refuses is remembered as its problem. Without the device nothing happens.</summary>
    public void Set(string path, int value)
    {
        if (_kernel.Read(path) is not { } now)
        {
            _problems.TryRemove(path, out _);
            return;
        }

        try
        {
            if (now != value)
            {
                if (value > 0 && LosesDefaultRoute(path) is { } device) throw LosesRoute(device);
                _kernel.Write(path, value);
            }

            _problems.TryRemove(path, out _);
        }
        catch (PortException e)
        {
            var problem = new KernelProblem($"{Linux.Settings.KernelSettings.NameOf(path)}={value}", e.Message, e.Remedy);
            if (_problems.TryAdd(path, problem)) LogRefused(problem.What, problem.Cause);
            _retry.Arm();
        }
    }

    /// <summary>Forgets what was refused of a setting that is no longer managed.</summary>
    public void Forget(string path) => _problems.TryRemove(path, out _);

    public bool IsForwarding(AddressFamily family) => _kernel.IsForwarding(family);

    /// <summary>Puts enforced settings back when somebody changes them, until cancelled.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var isTold = 0;
        using var watch = TryWatch(() =>
        {
            Interlocked.Exchange(ref isTold, 1);
            changes.Writer.TryWrite(true);
        });
        await using var looks = _time.CreateTimer(_ => changes.Writer.TryWrite(true), null, LookPause, LookPause);
        await foreach (var _ in changes.Reader.ReadAllAsync(cancellationToken))
        {
            var all = Interlocked.Exchange(ref isTold, 0) == 1 || watch is null;
            await ApplyAsync(setting => setting.Enforce && (all || !KernelPaths.IsTold(setting.Path)), cancellationToken, setting =>
                LogPutBack(Linux.Settings.KernelSettings.NameOf(setting.Path), setting.Wanted));
        }
    }

    /// <summary>What everything was before Gateway set it, in an order in which it can be put back: the switches that need others come first.</summary>
    public static async Task<List<KernelSetting>> OriginalsAsync(GatewayDbContext db, CancellationToken cancellationToken) =>
        [.. (await db.KernelSettings.AsNoTracking().Where(s => s.Original != null).ToListAsync(cancellationToken)).OrderByDescending(Order)];

    /// <summary>
    /// Makes another database's settings those of this host: what a setting was before belongs to the kernel that runs here. Returns what is to be put
    /// back because the other database does not manage it.
    /// </summary>
    public static async Task<List<(string Path, int Value)>> AdoptAsync(
        GatewayDbContext restored, GatewayDbContext? live, IKernelSettings kernel, CancellationToken cancellationToken)
    {
        var before = live is null ? [] : (await OriginalsAsync(live, cancellationToken)).ToDictionary(s => s.Path, s => s.Original, StringComparer.Ordinal);
        foreach (var setting in await restored.KernelSettings.ToListAsync(cancellationToken))
            setting.Original = before.Remove(setting.Path, out var original) ? original : kernel.Read(setting.Path);
        return [.. before.Select(b => (b.Key, b.Value!.Value))];
    }

    public void Dispose() => _retry.Dispose();

    private async Task ApplyAsync(Func<KernelSetting, bool> which, CancellationToken cancellationToken, Action<KernelSetting>? onChange = null)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        foreach (var setting in (await db.KernelSettings.AsNoTracking().ToListAsync(cancellationToken)).Where(which).OrderBy(Order))
        {
            if (_kernel.Read(setting.Path) is { } now && now != setting.Wanted) onChange?.Invoke(setting);
            Set(setting.Path, setting.Wanted);
        }
    }

    // accept_ra before what makes it needed.
    private static int Order(KernelSetting setting) => setting.Path.EndsWith("accept_ra", StringComparison.Ordinal) ? 0 : 1;

    private string? LosesDefaultRoute(string path)
    {
        const int always = 2;
        if (!KernelPaths.IsIpv6Forwarding(path, out var only)) return null;
        return _kernel.ReadDevicesWithLearnedDefaultRoute().FirstOrDefault(d => (only is null || d == only) && _kernel.Read(KernelPaths.AcceptRa(d)) is not always);
    }

    private static PortException LosesRoute(string device) => new(
        $"{device} learned the host's IPv6 default route from a router, and would lose it as it begins to forward.",
        $"Set acceptRa of {device} to 2 first (PATCH /api/v1/interfaces/{device}), or run on the host: sysctl -w {Linux.Settings.KernelSettings.NameOf(KernelPaths.AcceptRa(device))}=2");

    private IDisposable? TryWatch(Action changed)
    {
        try
        {
            return _kernel.Watch(changed);
        }
        catch (PortException e)
        {
            LogNotWatched(e.Message);
            return null;
        }
    }

    [LoggerMessage(EventId = 1231, Level = LogLevel.Warning, Message = "The kernel refused {What}: {Cause}")]
    private partial void LogRefused(string what, string cause);

    [LoggerMessage(EventId = 1232, Level = LogLevel.Warning, Message = "Somebody changed {Setting}; it is enforced and set to {Value} again")]
    private partial void LogPutBack(string setting, int value);

    [LoggerMessage(EventId = 1233, Level = LogLevel.Warning, Message = "Kernel settings are looked at each minute only: {Cause}")]
    private partial void LogNotWatched(string cause);
}
